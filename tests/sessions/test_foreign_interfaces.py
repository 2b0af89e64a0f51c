"""Session interfaces of extensions and of users find a cookie's name and attributes that count."""

from __future__ import annotations

import logging

import pytest

from costrel import Costrel, Flask
from costrel.security import protect
from costrel.sessions import SecureCookieSession, SessionInterface

REMOTE = "http://shop.example"


class Foreign(SessionInterface):
    """Asks its getters, as those of extensions do, and the configuration."""

    def open_session(self, app, request):
        """Return an empty session."""
        return SecureCookieSession()

    def save_session(self, app, session, response):
        """Send a cookie."""
        response.set_cookie(
            self.get_cookie_name(app), "v", secure=self.get_cookie_secure(app), path=None
        )
        response.headers["Configured"] = app.config["SESSION_COOKIE_NAME"]


def add_index(app):
    """Add a view, before the first request."""
    app.add_url_rule("/", "index", lambda: "x")


def of_class():
    """Set the interface on a class."""

    class App(Costrel):
        session_interface = Foreign()

    return App("x")


def on_instance():
    """Set it on a `Costrel`."""
    app = Costrel("x")
    app.session_interface = Foreign()
    return app


def before_protect():
    """Set it on a `Flask`, as an extension does, and protect that."""
    app = Flask("x")
    app.session_interface = Foreign()
    protect(app, csrf=False)
    return app


def after_protect():
    """Protect a `Flask`, and set it then."""
    app = Flask("x")
    protect(app)
    app.session_interface = Foreign()
    return app


def after_a_request():
    """Set it once the application has named the cookie of its own sessions."""
    app = Costrel("x")
    add_index(app)
    app.test_client().get("/")
    app.session_interface = Foreign()
    return app


def set_by_hand():
    """Write what is the default, before and after the first request."""
    app = on_instance()
    add_index(app)
    app.config["SESSION_COOKIE_NAME"] = "auto"
    app.test_client().get("/")
    app.config["SESSION_COOKIE_NAME"] = "auto"
    return app


WAYS = [of_class, on_instance, before_protect, after_protect, after_a_request, set_by_hand]


def ask(app, url, **config):
    """Return the cookie of a response, and the name that the configuration had."""
    app.config.update(TRUSTED_HOSTS=["localhost", "shop.example"], **config)
    if "index" not in app.view_functions:
        add_index(app)
    response = app.test_client().get("/", base_url=url)
    return response.headers["Set-Cookie"], response.headers["Configured"]


@pytest.mark.parametrize("make", WAYS)
@pytest.mark.parametrize(
    ("debug", "url", "secure"),
    [
        (False, "https://shop.example", True),
        (False, "http://localhost", True),
        (True, "https://shop.example", True),
        (True, REMOTE, False),
        (True, "http://localhost", False),
    ],
)
def test_cookie_has_a_name_and_is_secure_as_ours_are(make, debug, url, secure):
    """Whenever the interface was set: never the word 'auto', in neither of them."""
    cookie, configured = ask(make(), url, DEBUG=debug)
    assert cookie == ("session=v; Secure" if secure else "session=v")
    assert configured == "session"


@pytest.mark.parametrize("value", [True, False])
def test_what_was_set_counts(value):
    """Name and attribute alike."""
    cookie, configured = ask(
        on_instance(), REMOTE, SESSION_COOKIE_SECURE=value, SESSION_COOKIE_NAME="mine"
    )
    assert cookie == ("mine=v; Secure" if value else "mine=v")
    assert configured == "mine"


def test_cookie_that_browsers_drop_is_told_once(caplog):
    """As for sessions of ours: over plain HTTP no session lasts."""
    app = on_instance()
    app.logger.propagate = True
    with caplog.at_level(logging.WARNING, app.logger.name):
        for _ in range(2):
            ask(app, REMOTE)
        ask(app, "http://localhost")
    assert caplog.text.count("was sent over plain HTTP, so browsers drop it") == 1


def test_word_is_a_word_where_nothing_is_protected():
    """A cookie of a `Flask` may be called so."""
    app = Flask("x")
    app.session_interface = Foreign()
    assert ask(app, "http://localhost", SESSION_COOKIE_NAME="auto")[0] == "auto=v"
