"""A session gets a new identity, and ends."""

from __future__ import annotations

import pytest
from safe_apps import PRODUCTION, cookie_of, make_app, send

from costrel import Flask, flash, get_flashed_messages, session
from costrel.sessions.safe import SafeSession

pytestmark = pytest.mark.usefixtures("path")


def make_login(**config):
    """Make an application with views that regenerate and destroy the session."""
    app = make_app(**config)
    app.add_url_rule("/login", "login", lambda: session.regenerate() or "")
    app.add_url_rule("/logout", "logout", lambda: session.destroy() or "")
    app.add_url_rule("/csrf", "csrf", lambda: session.update(_csrf="a", csrf_token="b") or "")
    app.add_url_rule("/all", "all", lambda: dict(session))
    return app


def test_regenerated_session_keeps_what_it_contains():
    """But not the values that forms of the old identity have."""
    client = make_login().test_client()
    client.get("/set/1")
    client.get("/csrf")
    assert "Set-Cookie" in client.get("/login").headers
    assert client.get("/all").json == {"value": "1"}


def test_destroyed_session_is_gone_with_its_cookie():
    """The client has none any more."""
    client = make_login().test_client()
    client.get("/set/1", base_url=PRODUCTION)
    response = client.get("/logout", base_url=PRODUCTION)
    assert cookie_of(response) == ("__Host-session", "")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert "Cookie" in response.vary
    assert client.get("/all", base_url=PRODUCTION).json == {}


def test_cookie_that_is_invalid_is_deleted_too():
    """A logout always ends in a client without a cookie."""
    response = send(make_login(), "/logout", "__Host-session=forged")
    assert "Max-Age=0" in response.headers["Set-Cookie"]


def test_what_is_stored_after_the_end_begins_a_new_session():
    """Such as the message that says so."""
    app = make_login()

    @app.get("/farewell")
    def farewell() -> str:
        session.destroy()
        flash("Bye")
        return ""

    app.add_url_rule("/messages", "messages", get_flashed_messages)
    client = app.test_client()
    client.get("/set/1")
    client.get("/farewell")
    assert client.get("/all").json == {"_flashes": [["message", "Bye"]]}
    assert client.get("/messages").json == ["Bye"]


def test_session_tells_what_has_happened_to_it():
    """For the interface that saves it."""
    fresh = SafeSession()
    assert (fresh.regenerated, fresh.destroyed, fresh.modified) == (False, False, False)
    regenerated = SafeSession.of_data({"a": 1})
    regenerated.regenerate()
    assert (regenerated.regenerated, regenerated.modified) == (True, True)
    assert dict(regenerated) == {"a": 1}
    destroyed = SafeSession.of_data({"a": 1})
    destroyed.destroy()
    assert (destroyed.destroyed, destroyed.modified, dict(destroyed)) == (True, True, {})


def test_session_tells_who_has_logged_in():
    """Flask-Login keeps the id under the same key."""
    app = make_app()
    with app.test_request_context():
        assert session.user_id is None
        session["_user_id"] = "7"
        assert session.user_id == "7"


def test_session_without_a_key_can_t_be_regenerated_or_destroyed():
    """The message says what to configure."""
    app = make_app()
    app.secret_key = None
    with app.test_request_context():
        assert "a" not in session
        for change in (session.regenerate, session.destroy):
            with pytest.raises(RuntimeError, match="SECRET_KEY"):
                change()


def test_session_of_flask_tells_who_can_do_that():
    """On the class `Flask` without protection, sessions are Flask's."""
    app = Flask("flask")
    app.secret_key = "a secret"
    with app.test_request_context():
        for name in ("regenerate", "destroy"):
            with pytest.raises(RuntimeError, match=rf"no {name}\(\)\. Use the class Costrel"):
                getattr(session, name)()
