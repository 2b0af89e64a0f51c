"""An application that shows what a server did to it; each server under test runs it.

``PROXIES`` in the environment is the number of proxies in front of it. The counters are per
process, so it is served by one worker process.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import typing as t
import weakref
from collections import Counter

from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import (
    Flask,
    g,
    has_app_context,
    redirect,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)
from costrel.globals import request_ctx

PIECE = b"x" * 65536
CONTENT_LIMIT_BYTES = 256 * 1024
PATIENCE_S = 10

app = Flask(__name__)
app.config.update(SECRET_KEY="not secret", MAX_CONTENT_LENGTH=CONTENT_LIMIT_BYTES)

seen: Counter[str] = Counter()
contexts: weakref.WeakSet[object] = weakref.WeakSet()
meeting = threading.Barrier(2)
kept: dict[str, t.Any] = {}


class NothingLeftOver:
    """Count the contexts that are current on a server thread when none should be."""

    def __init__(self, wsgi_app):
        self.wsgi_app = wsgi_app

    def __call__(self, environ, start_response):
        """Check before the request is entered and after the response is created."""
        seen["left over"] += has_app_context()
        try:
            return self.wsgi_app(environ, start_response)
        finally:
            seen["left over"] += has_app_context()


if proxies := int(os.environ.get("PROXIES", "0")):
    app.wsgi_app = ProxyFix(
        app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies
    )
app.wsgi_app = NothingLeftOver(app.wsgi_app)


@app.before_request
def _enter():
    contexts.add(request_ctx._get_current_object())


@app.teardown_request
def _tear_down_request(error):
    seen[f"teardown of {request.endpoint}"] += 1
    seen["errors torn down"] += error is not None


@app.teardown_appcontext
def _tear_down_app(error):
    seen[f"app teardown of {request.endpoint}"] += 1


@app.get("/counters")
def counters():
    """Return the counters, and how many contexts of other requests are alive."""
    gc.collect()
    return dict(seen, alive=len(contexts) - 1)


@app.get("/place")
def place():
    """Return the URL as the application sees it, and the client."""
    return {
        "scheme": request.scheme,
        "secure": request.is_secure,
        "host": request.host,
        "root": request.root_path,
        "path": request.path,
        "url": request.url,
        "client": request.remote_addr,
        "built": url_for("item", name="käse & brot", _external=True),
        "relative": url_for("item", name="x"),
    }


@app.get("/items/<name>/")
def item(name):
    """Greet, below a URL that ends in a slash."""
    return f"item {name}"


@app.get("/go")
def go():
    """Redirect to another view."""
    return redirect(url_for("item", name="x"))


@app.get("/visits")
def visits():
    """Count this client's visits in its cookie."""
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


@app.route("/upload", methods=["POST", "PUT"])
def upload():
    """Answer with the length of the body."""
    body = request.get_data()
    seen["bodies"] += 1
    return {"length": len(body)}


@app.post("/upload/in-pieces")
def upload_in_pieces():
    """Answer with the length of the body, read piece by piece."""
    return {"length": sum(map(len, iter(lambda: request.stream.read(10_000), b"")))}


@app.post("/form")
def form():
    """Answer with the names of the form's fields."""
    return {"fields": list(request.form)}


@app.get("/stream")
def stream():
    """Stream the contents of the request's context piece by piece."""
    g.word = "kept"

    def generate():
        for number in range(3):
            yield f"{number} {request.path} {g.word} {seen['teardown of stream']}\n"

    return stream_with_context(generate()), {"Content-Type": "text/plain"}


@app.get("/endless")
def endless():
    """Stream until the client goes away."""

    def generate():
        try:
            while True:
                seen["pieces"] += 1
                yield PIECE
        finally:
            seen["generators closed"] += 1
            seen["closed with request"] += request.path == "/endless"

    return stream_with_context(generate()), {"X-Accel-Buffering": "no"}


@app.get("/failing-stream")
def failing_stream():
    """Fail after the headers have been sent."""

    def generate():
        yield PIECE
        raise RuntimeError("the secret of the stream")

    return stream_with_context(generate())


@app.get("/meet/<name>")
def meet(name):
    """Wait until another request is here too, then return which one this is."""
    g.name = name
    meeting.wait(PATIENCE_S)
    return {"g": g.name, "path": request.path, "word": request.args["word"]}


@app.get("/async/start")
async def start_task():
    """Start a task that waits for another request."""
    event = asyncio.Event()

    async def wait():
        await event.wait()
        return "the task of the first request"

    kept["task"] = asyncio.create_task(wait())
    kept["event"] = event
    return {"path": request.path}


@app.get("/async/finish")
async def finish_task():
    """Let the task of the earlier request end."""
    kept.pop("event").set()
    return {"path": request.path, "result": await kept.pop("task")}


@app.get("/async/meet/<name>")
async def async_meet(name):
    """Wait until another request is here too, then return which one this is."""
    g.name = name
    kept.setdefault("meeting", asyncio.Barrier(2))
    async with asyncio.timeout(PATIENCE_S):
        await kept["meeting"].wait()
    return {"g": g.name, "path": request.path, "word": request.args["word"]}


@app.get("/async/misfit/<name>")
async def misfit():
    """Fail before the coroutine is created: the URL's variable has no parameter."""


@app.get("/file")
def file():
    """Send a file: this one."""
    return send_file(__file__, mimetype="text/plain")


@app.get("/nothing")
def nothing():
    """Answer without a body."""
    return "", 204


@app.get("/error")
def error():
    """Fail."""
    raise RuntimeError("the secret of the view")
