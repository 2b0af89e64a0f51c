"""Whether an application needs a secret key is seen in the code of its functions."""

from __future__ import annotations

import functools
import typing as t

import pytest

import costrel
from costrel import Flask, flash, session
from costrel.sessions.needs import need_of
from costrel.views import MethodView


class Database:
    """Has a session too, which is another thing."""

    session: t.ClassVar[dict[str, str]] = {}


db = Database()


def reads() -> str:
    """Use the session."""
    return str(session.get("name"))


def flashes() -> str:
    """Use it for a message."""
    flash("Saved.")
    return ""


def by_module() -> str:
    """Use it by its module."""
    return str(costrel.session.get("name"))


def inside() -> list[str]:
    """Use it in a function of its own."""
    return sorted(["name"], key=lambda name: str(session[name]))


async def on_loop() -> str:
    """Use it in a coroutine."""
    return str(session.get("name"))


def wrapped(function: t.Any) -> t.Any:
    """Decorate a function."""

    @functools.wraps(function)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return function(*args, **kwargs)

    return call


class Views(MethodView):
    """Uses it in a method."""

    def get(self) -> str:
        """Show nothing."""
        return ""

    def post(self) -> str:
        """Use it."""
        return str(session.get("name"))


def another() -> str:
    """Use the session of a database."""
    return db.session["name"]


def plain() -> str:
    """Use nothing."""
    return ""


@pytest.mark.parametrize(
    ("view", "name"),
    [
        (reads, "session"),
        (flashes, "flash"),
        (by_module, "costrel.session"),
        (inside, "session"),
        (on_loop, "session"),
        (wrapped(wrapped(reads)), "session"),
        (Views.as_view("views"), "session"),
    ],
)
def test_view_that_uses_the_session_is_named(view: t.Any, name: str) -> None:
    """With its place, and what it uses."""
    app = Flask(__name__)
    app.add_url_rule("/plain", view_func=plain)
    app.add_url_rule("/", "view", view)
    need = need_of(app)
    assert need is not None
    assert need.startswith("the view ")
    assert need.endswith(f" uses {name}")
    assert f"({__file__}:" in need


def test_hooks_and_error_handlers_are_looked_at() -> None:
    """They use the session as views do."""
    app = Flask(__name__)
    app.before_request(reads)
    assert str(need_of(app)).startswith("the hook reads (")
    app = Flask(__name__)
    app.register_error_handler(404, lambda error: session.get("name"))
    assert str(need_of(app)).startswith("the error handler ")


def test_application_without_a_session_needs_no_key() -> None:
    """Another object with that name does not count; static files are ours."""
    app = Flask(__name__, static_folder="static")
    app.add_url_rule("/plain", view_func=plain)
    app.add_url_rule("/another", view_func=another)
    app.add_url_rule("/builtin", "builtin", t.cast("t.Any", print))
    assert need_of(app) is None


def test_sessions_that_are_kept_on_the_server_need_no_key() -> None:
    """They have a random id instead of a signature."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=reads)
    for store, needs in (("memory:", False), ("cookie:", True), (None, True)):
        app.config["SESSION_STORE"] = store
        assert (need_of(app) is not None) == needs
