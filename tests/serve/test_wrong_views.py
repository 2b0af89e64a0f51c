"""Typed views that can't be used, told when a server starts, or by a request for them."""

from __future__ import annotations

import asyncio
import secrets
import typing as t

import pytest

from costrel import Costrel
from costrel.api import Body, Header, Query


def make_app() -> Costrel:
    """Return an application with one view that can be used, and two that can't."""
    app = Costrel(__name__)
    app.config["TRUSTED_HOSTS"] = ["localhost"]
    app.config["SECRET_KEY"] = secrets.token_urlsafe(32)

    @app.get("/right")
    def right() -> list[str]:
        return []

    @app.get("/twice")
    def twice(value: t.Annotated[int, Query(), Header()]) -> list[int]:
        return [value]

    @app.get("/body")
    def body(value: t.Annotated[list[int], Body()]) -> list[int]:
        return value

    return app


def ask(app: Costrel, path: str) -> str:
    """Ask as a WSGI server does; return the status."""
    found: list[str] = []

    def start_response(status: str, headers: t.Any, exc_info: t.Any = None) -> t.Any:
        found.append(status)

    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
    }  # fmt: skip
    b"".join(app(environ, start_response))
    return found[0]


def test_wrong_views_fail_the_lifespan() -> None:
    """A server that speaks ASGI does not start, and the message has each of them."""
    messages = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
    sent: list[t.Any] = []

    async def receive() -> dict[str, t.Any]:
        return messages.pop()

    async def send(message: dict[str, t.Any]) -> None:
        sent.append(message)

    app = make_app()
    asyncio.run(
        t.cast("t.Any", app)({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    )
    (failed,) = sent
    assert failed["type"] == "lifespan.startup.failed"
    assert "twice (" in failed["message"]
    assert "body (" in failed["message"]
    assert "right (" not in failed["message"]


def test_wrong_view_under_wsgi_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody asks before a start; the error of the request says all that the start says."""
    app = make_app()
    assert ask(app, "/right") == "200 OK"
    assert ask(app, "/twice").startswith("500")
    assert "Keep one of them" in caplog.text


def test_test_client_is_told_of_a_wrong_view_by_its_requests() -> None:
    """So that a test of one view does not fail for another."""
    app = make_app()
    app.testing = True
    client = app.test_client()
    assert client.get("/right").status_code == 200
    with pytest.raises(TypeError, match="Keep one of them"):
        client.get("/twice")
