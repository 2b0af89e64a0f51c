"""Extensions that use the server's own socket for WebSockets; each server runs this."""

from __future__ import annotations

import os
import socket
import stat
from collections import Counter
from contextlib import suppress

import costrel

costrel.install_as_flask()

from flask import Blueprint, Flask, g, request, websocket  # noqa: E402
from flask_sock import ConnectionClosed, Sock  # noqa: E402
from flask_socketio import SocketIO, emit  # noqa: E402

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 0.2, "subprotocols": ["b"]}
app.config["SYNC_THREADS"] = 4
sock = Sock()
asgi = app.asgi

seen: Counter[str] = Counter()
alive: Counter[str] = Counter()


@app.before_request
def _guard():
    g.asked_by = request.args.get("by", "nobody")
    if request.args.get("login") == "no":
        return "log in first", 401
    return None


@app.teardown_appcontext
def _leave(_error):
    if "websocket" in g:
        alive[g.pop("websocket")] -= 1


@app.get("/")
def page():
    """Return who sent the request."""
    return f"page for {g.asked_by}"


@app.get("/counters")
def counters():
    """Return the counters, and what the process holds."""
    return {**seen, "lent": _pairs(), "alive": sum(alive.values())}


def _pairs():
    """Count the sockets that are not connections to clients."""
    count = 0
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as copy:
                    count += copy.family == socket.AF_UNIX
    return count


def _enter():
    g.websocket = request.path
    alive[request.path] += 1


@sock.route("/echo")
def echo(ws):
    """Send back each message, and record how the socket ended."""
    _enter()
    try:
        while True:
            ws.send(ws.receive())
    except ConnectionClosed as closed:
        seen[f"closed with {int(closed.reason)}"] += 1


@sock.route("/hello/<name>")
def hello(ws, name):
    """Send what the request contained, then end."""
    _enter()
    ws.send(f"{name} {g.asked_by} {ws.subprotocol} {request.headers['X-Field']}")


@sock.route("/closes")
def closes(ws):
    """Close on its own."""
    _enter()
    ws.close(4001, "enough")


@sock.route("/fails")
def fails(ws):
    """Raise an error."""
    _enter()
    raise RuntimeError("the secret of the socket")


@sock.route("/large")
def large(ws):
    """Send large messages."""
    _enter()
    ws.send(b"\xff" * 3_000_000)
    ws.send("\u20ac" * 1_000_000)
    ws.receive()


inner = Blueprint("inner", __name__, url_prefix="/inner")


@sock.route("/echo", bp=inner)
def inner_echo(ws):
    """A WebSocket of a blueprint."""
    _enter()
    ws.send(request.blueprint)


@app.websocket("/own")
async def own():
    """A WebSocket of Costrel, not of an extension."""
    await websocket.send(f"own: {await websocket.receive()}")


app.register_blueprint(inner)
sock.init_app(app)

io = SocketIO(app, async_mode="threading", max_http_buffer_size=5_000_000)


@io.on("connect")
def _connect():
    seen["connects"] += 1


@io.on("disconnect")
def _disconnect(_reason=None):
    seen["disconnects"] += 1


@io.on("echo")
def _echo(data):
    emit("echo", data)
