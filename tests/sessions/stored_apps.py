"""Applications whose sessions are kept on the server."""

from __future__ import annotations

import re
import typing as t

from costrel import Flask, request, session
from costrel.registration.safedefaults import SESSIONS
from costrel.sessions.installing import install

HTTPS = "https://example.com"


def make_app(store: t.Any, **config: t.Any) -> Flask:
    """Make an application with sessions in a store, without a secret key.

    ``/set?a=1`` stores values, ``/get`` shows the session, ``/other`` leaves it alone.
    """
    app = Flask("stored")
    app.config.update(SESSIONS)
    install(app)
    app.config.update(SESSION_STORE=store, **config)

    @app.get("/set")
    def put() -> str:
        session.update(request.args.to_dict())
        return ""

    @app.get("/remove/<key>")
    def remove(key: str) -> str:
        del session[key]
        return ""

    @app.get("/get")
    def show() -> t.Any:
        return {key: str(value) for key, value in session.items()}

    @app.get("/login/<user>")
    def login(user: str) -> str:
        session.regenerate()
        session["_user_id"] = user
        return ""

    @app.get("/logout")
    def logout() -> str:
        session.destroy()
        return ""

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return ""

    app.add_url_rule("/other", "other", lambda: "other")
    return app


def get(client: t.Any, path: str, **options: t.Any) -> t.Any:
    """Send a request over HTTPS."""
    return client.get(path, base_url=HTTPS, **options)


def id_in(response: t.Any) -> str | None:
    """Return the id that a response's cookie sets; None if it sets none, '' if it deletes it."""
    fields = response.headers.getlist("Set-Cookie")
    assert len(fields) <= 1
    return re.split("[=;]", fields[0])[1] if fields else None


def with_id(app: Flask, session_id: str, path: str) -> t.Any:
    """Send a request with this id."""
    client = app.test_client(use_cookies=False)
    return get(client, path, headers={"Cookie": f"__Host-session={session_id}"})


class Counted:
    """Count the calls of a store's methods."""

    def __init__(self, store: t.Any, monkeypatch: t.Any) -> None:
        self.calls: list[str] = []
        for name in ("get", "set", "move", "touch", "delete"):
            monkeypatch.setattr(store, name, self._counted(name, getattr(store, name)))

    def _counted(self, name: str, method: t.Any) -> t.Any:
        def call(*args: t.Any) -> t.Any:
            self.calls.append(name)
            return method(*args)

        return call

    def since(self) -> list[str]:
        """Return the calls since the last time that it was asked."""
        calls, self.calls = self.calls, []
        return calls
