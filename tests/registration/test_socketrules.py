"""A WebSocket's view is run for WebSockets only, and a view of requests for requests only."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import Blueprint, Flask, abort, request, websocket
from costrel.registration.socketrules import LIBRARY
from costrel.websockets import WebSocket

HANDSHAKES = (
    {"Upgrade": "websocket", "Connection": "Upgrade"},
    {"Upgrade": "WebSocket", "Connection": "keep-alive, upgrade"},
    {"Upgrade": "websocket", "Connection": "Upgrade,close"},
    {"Upgrade": "websocket"},
    {"Connection": "Upgrade"},
    {},
)
"""Fields of a request that is, or looks like, a handshake."""

KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


WAYS = ("planned", "general", "in a thread", "bound as the other kind")


def make_app(way):
    """Make an application with sockets of each kind of rule, which note that they ran."""
    app = Flask(__name__)
    app.ran = []

    @app.before_websocket
    def guard():
        abort(401)

    async def view(**values):
        app.ran.append(websocket.path)
        await websocket.send("secret")

    async def page(**values):
        app.ran.append(request.path)
        return "page"

    app.add_websocket("/fixed", "fixed", view)
    app.add_websocket("/of/<name>", "of", view)
    app.add_websocket("/slash/", "slash", view)
    app.add_url_rule("/rule", "rule", view, websocket=True)
    app.add_url_rule("/sync", "sync", lambda: app.ran.append("/sync") or "sync", websocket=True)
    app.add_websocket("/both", "both", view)
    blueprint = Blueprint("b", __name__, url_prefix="/b")
    blueprint.add_websocket("/in", "in", view)
    app.register_blueprint(blueprint)

    def traced(**values):
        return view(**values)

    # A tracer replaces views by what is no coroutine function.
    app.add_websocket("/traced", "traced", view)
    app.view_functions["traced"] = traced
    app.add_url_rule("/both", "both-page", page)
    app.add_url_rule("/page", "page", page)
    if way == "general":
        app.full_dispatch_request = types.MethodType(Flask.full_dispatch_request, app)
    elif way == WAYS[-1]:
        app.create_url_adapter = lambda request: app.url_map.bind(
            "localhost",
            url_scheme="http" if isinstance(request, WebSocket) else "ws",
            path_info=request.path,
        )
    elif way == "in a thread":
        app.wsgi_app = app.wsgi_app.__get__(app)
    return app


def ask_wsgi(app, path, fields):
    """Ask as a WSGI server that knows nothing of WebSockets does."""
    environ = EnvironBuilder(path, headers={**fields, **KEY}).get_environ()
    # COMPAT(gunicorn): it always gives its socket.
    environ["gunicorn.socket"] = object()
    _body, status, _headers = run_wsgi_app(app, environ)
    return int(status[:3])


def ask_asgi(app, path, fields, kind="http"):
    """Ask as an ASGI server does that takes a handshake for a request, or knows it as one."""
    headers = [(b"host", b"localhost")]
    for name, value in {**fields, **KEY}.items():
        # Twice, where there are two: so uvicorn and Hypercorn do not see a handshake.
        headers += [(name.lower().encode(), part.encode()) for part in value.split(",")]
    scope = {
        "type": kind,
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "scheme": kind.replace("websocket", "ws"),
        "extensions": {"websocket.http.response": {}},
    }
    sent = []

    async def receive():
        if kind == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(app.asgi(scope, receive, send))
    return sent[0].get("status")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ask", [ask_wsgi, ask_asgi])
@pytest.mark.parametrize("fields", HANDSHAKES)
def test_request_to_a_websocket_is_400_and_does_not_run_its_view(way, ask, fields, monkeypatch):
    """SECURITY(WebSocket as a request): whatever fields it has, and whichever way it goes."""
    monkeypatch.delitem(sys.modules, LIBRARY, raising=False)
    app = make_app(way)
    paths = ("/fixed", "/of/me", "/slash/", "/rule", "/sync", "/b/in", "/traced")
    assert dict.fromkeys(paths, 400) == {path: ask(app, path, fields) for path in paths}
    assert app.ran == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fields", HANDSHAKES)
def test_websocket_is_none_for_the_test_client(way, fields):
    """The test client sends requests, and no handshake."""
    app = make_app(way)
    response = app.test_client().get("/fixed", headers={**fields, **KEY})
    assert (400, []) == (response.status_code, app.ran)


@pytest.mark.parametrize("way", WAYS)
def test_handshake_runs_no_view_of_requests(way):
    """Not where it came as one, and not where it is one."""
    app = make_app(way)
    assert ask_asgi(app, "/page", {}, "websocket") == 400
    if way != WAYS[-1]:
        assert ask_wsgi(app, "/page", HANDSHAKES[0]) == 400
        assert ask_wsgi(app, "/both", HANDSHAKES[0]) == 400
    assert app.ran == []


@pytest.mark.parametrize("way", WAYS[:-1])
@pytest.mark.parametrize("ask", [ask_wsgi, ask_asgi])
def test_request_for_the_path_of_both_kinds_is_of_the_view_of_requests(way, ask):
    """As Werkzeug matches."""
    app = make_app(way)
    assert ask(app, "/both", {}) == 200
    assert app.ran == ["/both"]


def test_error_handler_and_hooks_see_the_refused_request():
    """It is an answer of routing like others, so what logs or dresses errors goes on."""
    app = make_app("planned")
    app.before_request(lambda: app.ran.append("before"))
    app.register_error_handler(400, lambda error: (type(error).__name__, 400))
    assert app.test_client().get("/fixed").text == "WebsocketMismatch"
    assert app.ran == ["before"]


@pytest.mark.parametrize("variable", ["werkzeug.socket", "gunicorn.socket", "eventlet.input"])
def test_sync_view_is_given_the_handshake_where_the_server_lends_its_socket(variable, monkeypatch):
    """COMPAT(flask-sock): its views speak WebSocket themselves, by simple-websocket."""
    monkeypatch.setitem(sys.modules, LIBRARY, types.ModuleType(LIBRARY))
    app = make_app("planned")
    environ = EnvironBuilder("/sync", headers={**HANDSHAKES[0], **KEY}).get_environ()
    environ[variable] = object()
    assert run_wsgi_app(app, environ)[1] == "200 OK"
    assert app.ran == ["/sync"]
    # And nothing but these views.
    for path in ("/fixed", "/rule", "/traced", "/page"):
        assert ask_wsgi(app, path, HANDSHAKES[0]) == 400
    assert app.ran == ["/sync"]
    # Nor by what is no handshake.
    assert ask_wsgi(app, "/sync", {}) == 400


def test_server_without_a_socket_to_lend_is_named(monkeypatch, caplog):
    """The log says what to run instead; it was an error from deep within the library."""
    monkeypatch.setitem(sys.modules, LIBRARY, types.ModuleType(LIBRARY))
    app = make_app("planned")
    response = app.test_client().get("/sync", headers={**HANDSHAKES[0], **KEY})
    assert (400, []) == (response.status_code, app.ran)
    assert "costrel run" in caplog.text
