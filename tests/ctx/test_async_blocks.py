"""`async with app.app_context():`, whose teardown functions don't block the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import Flask, appcontext_popped, current_app, g, has_app_context, request


@pytest.fixture
def app():
    """Make an application that notes its teardowns, and the thread that each runs in."""
    app = Flask(__name__)
    app.noted = []

    @app.teardown_appcontext
    def in_thread(error):
        app.noted.append(("sync", error, g.get("name"), threading.current_thread()))

    @app.teardown_appcontext
    async def on_loop(error):
        app.noted.append(("async", error, g.get("name"), threading.current_thread()))

    return app


def test_teardown_functions_run_at_the_end_of_the_block(app):
    """Coroutine functions on the loop, others in a thread, in the order of any other context."""

    async def main():
        async with app.app_context():
            g.name = "ada"
            assert current_app.name == app.name
            assert app.noted == []
        assert not has_app_context()

    asyncio.run(main())

    assert [note[:3] for note in app.noted] == [("async", None, "ada"), ("sync", None, "ada")]
    assert app.noted[1][3] is not threading.main_thread()


def test_error_of_the_block_reaches_the_teardown_functions(app):
    """As with any other context."""

    async def main():
        async with app.app_context():
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())

    assert [type(error) for _kind, error, *_ in app.noted] == [LookupError] * 2


@pytest.mark.parametrize("nested", [False, True])
def test_block_in_a_request_has_its_own_g(app, nested):
    """The request stays; entered twice, a context is torn down once."""

    @app.get("/<name>")
    async def view(name):
        g.name = "outer"
        inner = app.app_context()
        async with inner:
            g.name = request.view_args["name"]
            if nested:
                async with inner:
                    assert g.name == name
            assert app.noted == []
        assert [note[2] for note in app.noted] == [name] * 2
        return g.name

    async def main():
        return (await app.async_test_client().get("/inner")).text

    assert asyncio.run(main()) == "outer"
    assert [note[2] for note in app.noted] == ["inner"] * 2 + ["outer"] * 2


def test_block_of_a_request_context_ends_the_request(app):
    """Its functions run once, and then it is told that the context was popped."""
    app.teardown_request(lambda error: app.noted.append(("request", error, request.path, None)))
    told = []

    async def main():
        with appcontext_popped.connected_to(lambda _app: told.append(len(app.noted)), app):
            async with app.test_request_context("/path"):
                assert request.path == "/path"

    asyncio.run(main())

    assert [kind for kind, *_ in app.noted] == ["request", "async", "sync"]
    assert told == [3]


def test_block_that_leaves_another_context_current_is_an_error(app):
    """The error is that of a `with` block."""

    async def main():
        async with app.app_context():
            Flask("other").app_context().push()

    with pytest.raises(AssertionError, match="Popped wrong context"):
        asyncio.run(main())
