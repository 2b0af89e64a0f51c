"""Registering what runs around the serving: by which names, until when."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Flask

NAMES = ("before_serving", "after_serving", "while_serving")


@pytest.mark.parametrize("name", NAMES)
def test_decorator_returns_the_function_and_keeps_the_order(name):
    """What was decorated stays what it was, and runs in the order it was registered in."""
    app = Flask(__name__)
    assert not app._has_life()
    first, second = (lambda: None), (lambda: None)

    returned = [getattr(app, name)(function) for function in (first, second)]

    registry = getattr(app, "while_serving_gens" if name == "while_serving" else f"{name}_funcs")
    assert returned == [first, second] == registry
    assert app._has_life()


@pytest.mark.parametrize("name", NAMES)
def test_registering_after_the_start_is_refused(name):
    """A function that would never run is an error, which names the method."""
    app = Flask(__name__)
    app.before_serving(lambda: None)

    async def main():
        async with app.async_test_client():
            with pytest.raises(AssertionError, match=f"'{name}' was called after serving"):
                getattr(app, name)(lambda: None)

    asyncio.run(main())


@pytest.mark.parametrize("name", NAMES)
def test_registering_after_the_first_request_is_refused(name):
    """The set-up is over, as it is for hooks."""
    app = Flask(__name__)
    app.test_client().get("/")

    with pytest.raises(AssertionError, match=name):
        getattr(app, name)(lambda: None)


def test_function_registered_during_the_start_is_run():
    """What comes before the first request may add to what comes after the last."""
    app = Flask(__name__)
    ran = []

    @app.before_serving
    def before():
        app.before_serving(lambda: ran.append("before"))
        app.after_serving(lambda: ran.append("after"))

    async def main():
        async with app.async_test_client():
            assert ran == ["before"]

    asyncio.run(main())
    assert ran == ["before", "after"]
