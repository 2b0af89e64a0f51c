"""Applications with safe sessions and nothing else that `Costrel` adds."""

from __future__ import annotations

import typing as t

from costrel import Flask, session
from costrel.registration.safedefaults import SESSIONS
from costrel.sessions.installing import install

PRODUCTION = "https://example.com"


def make_app(**config: t.Any) -> Flask:
    """Make an application with safe sessions and these settings, which come afterwards.

    ``/set/<value>`` stores a value, ``/get`` shows the session, and ``/other`` leaves it alone.
    """
    app = Flask("safe")
    app.config.update(SESSIONS)
    install(app)
    app.config.update(SECRET_KEY="a secret", **config)

    @app.get("/set/<value>")
    def store(value: str) -> str:
        session["value"] = value
        return ""

    @app.get("/get")
    def show() -> str:
        return session.get("value", "nothing")

    app.add_url_rule("/other", "other", lambda: "other")
    return app


def cookie_of(response: t.Any) -> tuple[str, str]:
    """Return the name and the value of the cookie that a response sets."""
    name, _equals, rest = response.headers["Set-Cookie"].partition("=")
    return name, rest.partition(";")[0]


def send(app: Flask, path: str, cookie: str, base_url: str = PRODUCTION) -> t.Any:
    """Send a request with this ``Cookie`` header, exactly."""
    header = cookie.encode().decode("latin-1")
    client = app.test_client(use_cookies=False)
    return client.get(path, base_url=base_url, environ_overrides={"HTTP_COOKIE": header})
