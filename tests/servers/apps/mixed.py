"""An application whose answers name the user, to find answers to the wrong user."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import Counter

from flask_login import LoginManager, UserMixin, current_user

from costrel import (
    EventStream,
    Flask,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
    websocket,
)
from costrel.globals import request_ctx
from costrel.registration.streaming import stream_body

app = Flask(__name__)
app.secret_key = "key"
app.config["SYNC_THREADS"] = 4
counts: Counter[str] = Counter()
_lock = threading.Lock()
_ids = itertools.count()

if os.environ.get("MIDDLEWARE"):
    # With an unknown wrapper around the application, every request is handled in a thread.
    inner = app.wsgi_app

    def middleware(environ, start_response):
        """Pass everything on."""
        return inner(environ, start_response)

    app.wsgi_app = middleware


def count(name):
    """Count something, in any thread."""
    with _lock:
        counts[name] += 1


login = LoginManager(app)


@login.request_loader
def load_user(request):
    """Return the user of a request, which Flask-Login stores on `g`."""
    user = UserMixin()
    user.id = request.headers.get("X-User", "")
    return user


def check_clean():
    """Count what an earlier request left behind."""
    count("entered")
    if list(g):
        count("g not empty")
    g.id = next(_ids)
    g.user = asked()


def asked():
    """Return the user named by the client of this request."""
    return request.headers.get("X-User", "")


app.before_request(check_clean)
app.before_websocket(check_clean)


@app.after_request
def check_same(response):
    """Count a request that ends with another user."""
    if g.user != asked() or request_ctx.request is not request._get_current_object():
        count("changed on the way")
    return response


@app.teardown_request
@app.teardown_websocket
def torn_down(_error):
    """Count the end of each request and WebSocket, in its own context."""
    if "id" in g:
        count("left")
    if has_request_context() and g.get("user", asked()) != asked():
        count("torn down as another")


def whose():
    """Return the user of this request, as everything here sees it."""
    if "counted" in session and session["user"] != asked():
        count("session of another")
    session["user"] = asked()
    session["counted"] = True
    return {"user": asked(), "g": g.user, "current": current_user.id, "id": g.id}


@app.get("/sync")
def sync():
    """Answer in a thread, or under WSGI."""
    return whose()


@app.get("/async")
async def on_loop():
    """Answer on the event loop, after a pause."""
    before = g.id
    await asyncio.sleep(0)
    assert before == g.id
    return whose()


@app.post("/upload")
async def upload():
    """Read a body, in a coroutine."""
    return whose() | {"length": len(request.get_data())}


@app.post("/upload-sync")
def upload_sync():
    """Read a body, in a thread."""
    return whose() | {"length": len(request.get_data())}


@app.post("/upload-stream")
@stream_body
async def upload_stream():
    """Read a body while it is received."""
    length = 0
    async for piece in request.stream:
        length += len(piece)
    return whose() | {"length": length}


@app.get("/stream")
async def stream():
    """Create a body in a coroutine that pauses."""

    async def pieces():
        for _ in range(5):
            yield f"{g.user} "
            await asyncio.sleep(0.002)

    return pieces()


@app.get("/stream-sync")
def stream_sync():
    """Create a body while the request is current."""
    return stream_with_context(f"{g.user} " for _ in range(5))


@app.get("/stream-entered")
def stream_entered():
    """Create a body that enters its own context and stays in it between pieces."""
    user, this = asked(), current_app._get_current_object()

    def pieces():
        found = has_app_context()
        with this.app_context():
            g.user = user
            for _ in range(5):
                yield f"{'?' if found else g.user} "

    return pieces()


@app.get("/events")
async def events():
    """Send events."""

    async def some():
        for _ in range(3):
            yield g.user
            await asyncio.sleep(0.002)

    return EventStream(some())


@app.websocket("/socket")
async def socket():
    """Answer each message with the user."""
    async for _message in websocket:
        await websocket.send(f"{g.user} {websocket.headers['X-User']}")


@app.get("/counts")
async def counters():
    """Return the counters; this request counts as entered."""
    with _lock:
        return dict(counts)


@app.get("/")
def index():
    """Answer that the server is up."""
    return "up"


asgi = app.asgi
