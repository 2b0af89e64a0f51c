"""The application itself, called as servers of each kind call it."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask
from costrel.testing.asgi import AsyncClient

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"x")],
}


class Passing:
    """Middleware for ASGI that marks the scope."""

    def __init__(self, app, *, copies=False):
        self.app = app
        self.copies = copies
        self.calls = 0

    async def __call__(self, scope, receive, send):
        self.calls += 1
        await self.app({**scope} if self.copies else scope, receive, send)


class Called:
    """What `AsyncClient` needs of an application, with another ASGI application."""

    def __init__(self, app, asgi):
        self.app, self.asgi = app, asgi

    def __getattr__(self, name):
        return getattr(self.app, name)


@pytest.fixture
def app():
    """Make an application with a sync and an async view."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        return "hello"

    @app.get("/async")
    async def on_loop():
        return "hello"

    return app


async def get(call):
    """Send a request with a function of ``receive`` and ``send``; return the body."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    assert await call(receive, send) is None
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("path", ["/", "/async"])
def test_each_kind_of_call_answers(app, path):
    """ASGI 3 has three arguments, ASGI 2 one and then two, and WSGI two."""
    scope = {**SCOPE, "path": path}

    assert asyncio.run(get(lambda receive, send: app(scope, receive, send))) == b"hello"
    assert asyncio.run(get(app(scope))) == b"hello"
    body, status, _headers = run_wsgi_app(app, create_environ(path))
    assert (b"".join(body), status) == (b"hello", "200 OK")


def test_call_without_arguments_is_an_error(app):
    """Servers find out in this way that it is no factory."""
    with pytest.raises(TypeError, match="environ"):
        app()


@pytest.mark.parametrize("version", [2, 3])
def test_middleware_around_asgi_is_called_once(app, version):
    """It is called too if the server was given the application."""
    app.asgi = middleware = Passing(app.asgi)

    call = app(SCOPE) if version == 2 else lambda receive, send: app(SCOPE, receive, send)

    assert asyncio.run(get(call)) == b"hello"
    assert middleware.calls == 1


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("given", ["app", "app.asgi"])
def test_middleware_that_calls_the_application_again_is_named(app, given, copies):
    """It would call itself without end; the error says what it has to wrap."""
    app.asgi = Passing(app, copies=copies)
    served = app if given == "app" else app.asgi

    with pytest.raises(RuntimeError, match=r"app\.asgi = Middleware\(app\.asgi\)"):
        asyncio.run(get(lambda receive, send: served(SCOPE, receive, send)))


def test_middleware_around_wsgi_app_is_called_by_both(app):
    """Over ASGI too, since the request runs in a thread then."""
    inner, calls = app.wsgi_app, []

    def middleware(environ, start_response):
        calls.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    app.wsgi_app = middleware

    run_wsgi_app(app, create_environ("/"))
    assert asyncio.run(get(lambda receive, send: app(SCOPE, receive, send))) == b"hello"
    assert calls == ["/", "/"]


def test_subclass_with_the_signature_of_wsgi_is_called():
    """Under WSGI, and over ASGI for requests that a thread answers."""
    calls = []

    class Own(Flask):
        def __call__(self, environ, start_response):
            calls.append(environ["PATH_INFO"])
            return super().__call__(environ, start_response)

    app = Own(__name__)
    app.get("/")(lambda: "hello")

    run_wsgi_app(app, create_environ("/"))
    assert asyncio.run(get(lambda receive, send: app.asgi(SCOPE, receive, send))) == b"hello"
    assert calls == ["/", "/"]


def test_web_sockets_and_life_are_served(app):
    """Everything that ``app.asgi`` handles."""
    lived = []
    app.before_serving(lambda: lived.append("began"))
    app.after_serving(lambda: lived.append("ended"))

    @app.websocket("/echo")
    async def echo():
        from costrel import websocket

        async for message in websocket:
            await websocket.send(message)

    async def main():
        async with (
            AsyncClient(Called(app, app), app.response_class) as client,
            client.websocket("/echo") as socket,
        ):
            await socket.send("hello")
            assert await socket.receive() == "hello"

    asyncio.run(main())

    assert lived == ["began", "ended"]


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket"])
def test_handshake_under_wsgi_is_logged_once(app, caplog, upgrade):
    """The log says what to write; a plain request is not worth it."""

    @app.websocket("/socket")
    async def socket():
        pass

    fields = {"Upgrade": upgrade, "Connection": "Upgrade"}
    assert run_wsgi_app(app, create_environ("/socket"))[1] == "400 BAD REQUEST"
    assert caplog.records == []

    for _ in range(2):
        environ = create_environ("/socket", headers=fields)
        assert run_wsgi_app(app, environ)[1] == "400 BAD REQUEST"

    (record,) = caplog.records
    assert "'/socket'" in record.getMessage()
    assert "uvicorn module:app" in record.getMessage()
