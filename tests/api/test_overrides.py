"""Overrides: other functions in the place of dependencies, in tests of an application.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import asyncio
import functools
import gc
import itertools
import threading
import typing as t

import pytest

from costrel import Costrel, abort
from costrel.api import BearerAuth, Depends, Header
from costrel.registration.overrides import key_of

pytestmark = pytest.mark.usefixtures("path")


def connect() -> str:
    """Stand for a connection to the real database."""
    return "real"


def connect_to_fake() -> str:
    """Stand for one to another."""
    return "fake"


async def connect_later() -> str:
    """Do the same, with a pause."""
    await asyncio.sleep(0)
    return "later"


def connect_by_header(x_database: t.Annotated[str, Header()]) -> t.Iterator[str]:
    """Do the same, with a parameter."""
    yield x_database


def describe(connection: t.Annotated[str, Depends(connect)]) -> str:
    """Depend on it, so that it is nested."""
    return f"on {connection}"


def make_app() -> Costrel:
    """Make an application with a sync and an async view that depend on it."""
    app = Costrel(__name__)

    @app.get("/")
    def show(connection: t.Annotated[str, Depends(connect)]) -> list[str]:
        return [connection]

    @app.get("/later")
    async def show_later(description: t.Annotated[str, Depends(describe)]) -> list[str]:
        return [description]

    return app


def test_override_lasts_as_long_as_its_block() -> None:
    """Also where the dependency is nested; the innermost block decides."""
    app = make_app()
    client = app.test_client()

    def ask() -> list[str]:
        return [*client.get("/").json, *client.get("/later").json]

    assert ask() == ["real", "on real"]
    with app.override(connect, connect_to_fake):
        assert ask() == ["fake", "on fake"]
        with app.override(connect, connect_later), app.override(describe, lambda: "nothing"):
            assert ask() == ["later", "nothing"]
        assert ask() == ["fake", "on fake"]
    assert ask() == ["real", "on real"]


def test_override_as_a_call_lasts_until_it_is_taken_back() -> None:
    """By None."""
    app = make_app()
    client = app.test_client()
    app.override(connect, connect_to_fake)
    assert client.get("/").json == ["fake"]
    app.override(connect, None)
    assert client.get("/").json == ["real"]
    app.override(connect, None)
    assert client.get("/").json == ["real"]


def test_blocks_may_end_in_any_order() -> None:
    """The latest that has not ended counts, and none is left when all have ended."""

    def ask() -> list[str]:
        return client.get("/").json

    app = make_app()
    client = app.test_client()
    others = {name: functools.partial(str, name) for name in ("a", "b", "c")}
    for order in itertools.permutations(others):
        blocks = {name: app.override(connect, other) for name, other in others.items()}
        for block in blocks.values():
            block.__enter__()
        for name in order:
            assert ask() == [max(blocks)]
            blocks.pop(name).__exit__(None, None, None)
        assert ask() == ["real"]
        assert not app._overrides
        assert not app._overridden


def test_call_inside_a_block_ends_with_it() -> None:
    """So does one that takes the override of the block back; one from before counts again."""
    app = make_app()
    client = app.test_client()
    for before, found in ((None, "real"), (lambda: "before", "before")):
        app.override(connect, before)
        with app.override(connect, connect_to_fake):
            app.override(connect, None)
            assert client.get("/").json == ["real"]
            app.override(connect, lambda: "inner")
            assert client.get("/").json == ["inner"]
            with app.override(connect, None):
                assert client.get("/").json == ["real"]
            assert client.get("/").json == ["inner"]
        assert client.get("/").json == [found]


def test_calls_that_are_taken_back_leave_nothing() -> None:
    """A long run of tests on one application does not keep all their functions."""
    app = make_app()
    for number in range(20):
        app.override(connect, functools.partial(str, number))
        app.override(connect, None)
    gc.collect()
    assert len(app._overridden[key_of(connect)]) <= 2


def test_override_ends_after_an_error() -> None:
    """A failing test does not change the next one."""
    app = make_app()
    with pytest.raises(KeyError), app.override(connect, connect_to_fake):
        raise KeyError
    assert app.test_client().get("/").json == ["real"]


def test_parameters_of_the_other_function_are_filled() -> None:
    """They, and not those of the function that it stands for."""
    app = make_app()
    client = app.test_client()
    with app.override(connect, connect_by_header):
        assert client.get("/", headers={"X-Database": "other"}).json == ["other"]
        assert client.get("/").json["errors"][0]["pointer"] == "/X-Database"


def test_override_counts_in_all_threads() -> None:
    """A server in another thread sees it, as does a client there."""
    app = make_app()
    found: list[t.Any] = []

    def ask() -> None:
        found.append(app.test_client().get("/").json)

    with app.override(connect, connect_to_fake):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert found == [["fake"]]


def test_credentials_can_be_overridden() -> None:
    """Then none are needed."""
    app = Costrel(__name__)
    bearer = BearerAuth()

    @app.get("/")
    def show(token: t.Annotated[str, Depends(bearer)]) -> list[str]:
        return [token]

    client = app.test_client()
    assert client.get("/").status_code == 401
    with app.override(bearer, lambda: "test"):
        assert client.get("/").json == ["test"]


def test_guard_of_a_group_can_be_overridden() -> None:
    """What an application depends on as a whole."""

    def refuse() -> None:
        abort(403)

    app = Costrel(__name__, dependencies=[Depends(refuse)])
    app.get("/", endpoint="show")(lambda: "shown")
    client = app.test_client()
    assert client.get("/").status_code == 403
    with app.override(refuse, lambda: None):
        assert client.get("/").text == "shown"


def test_methods_of_one_object_are_overridden_alike() -> None:
    """Each access to a method makes a new object."""

    class Service:
        def find(self) -> str:
            return "real"

    app = Costrel(__name__)
    service = Service()

    @app.get("/")
    def show(found: t.Annotated[str, Depends(service.find)]) -> list[str]:
        return [found]

    with app.override(service.find, connect_to_fake):
        assert app.test_client().get("/").json == ["fake"]


def test_override_of_what_is_no_function_is_refused() -> None:
    """At once, with the place."""
    with pytest.raises(TypeError, match=r"takes two functions, not 'fake'.*test_overrides.py:"):
        make_app().override(connect, "fake")  # type: ignore[arg-type]


def test_override_that_needs_what_it_replaces_is_an_error() -> None:
    """It would be called in its own place."""
    app = make_app()
    app.testing = True

    def wrap(connection: t.Annotated[str, Depends(connect)]) -> str:
        return connection

    with (
        app.override(connect, wrap),
        pytest.raises(TypeError, match="need each other: connect -> connect"),
    ):
        app.test_client().get("/")
