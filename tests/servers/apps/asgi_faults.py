"""An ASGI application that shows what a server did to it when something went wrong."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import weakref
from collections import Counter
from pathlib import Path

from costrel import EventStream, Flask, request, stream_with_context, websocket
from costrel.globals import request_ctx
from costrel.registration.streaming import stream_body

app = Flask(__name__)
app.config.update(
    MAX_CONTENT_LENGTH=1_000_000,
    SYNC_THREADS=4,
    WEBSOCKET_MAX_MESSAGE_SIZE=1_000,
    BACKGROUND_GRACE_S=float(os.environ.get("BACKGROUND_GRACE_S", "20")),
)
asgi = app.asgi

RELEASE = Path(os.environ.get("RELEASE", "/never"))
"""A file; what waits continues once it exists."""

seen: Counter[str] = Counter()
TEARDOWN_S = float(os.environ.get("TEARDOWN_S", "0"))

THREADS_OF_OTHERS = ("asyncio_", "costrel-files", "uvloop_", "Dummy-")
"""Those of the loop's executor and of files, up to their limits, and of a server not in Python."""

FLOOD_PIECES = 1_000

alive: weakref.WeakSet[object] = weakref.WeakSet()
left: weakref.WeakSet[object] = weakref.WeakSet()
_lock = threading.Lock()


def note(text):
    """Count something, and log it, because the log outlives the process."""
    with _lock:
        seen[text] += 1
        sys.stderr.write(f"<{text}>\n")
        sys.stderr.flush()


def _enter():
    if request.endpoint != "counters":
        alive.add(request_ctx._get_current_object())
        note(f"enter {request.endpoint}")


def _leave(_error):
    if request.endpoint != "counters":
        ctx = request_ctx._get_current_object()
        if ctx in left:
            note("torn down twice")
        left.add(ctx)
        time.sleep(TEARDOWN_S)
        # An upload that broke off before its view never entered a context.
        note(f"{'leave' if ctx in alive else 'give up'} {request.endpoint}")


app.before_request(_enter)
app.before_websocket(_enter)
app.teardown_request(_leave)
app.teardown_websocket(_leave)


@app.after_serving
def _stopped():
    note("after serving")


@app.get("/counters")
async def counters():
    """Return the counters and what this process holds."""
    gc.collect()
    names = [thread.name for thread in threading.enumerate()]
    return dict(
        seen,
        alive=len(alive),
        tasks=len(asyncio.all_tasks()),
        threads=len([name for name in names if not name.startswith(THREADS_OF_OTHERS)]),
        files=len(os.listdir("/dev/fd")),
    )


def _waiting():
    note(f"waiting in {request.endpoint}")


def is_released():
    """Return whether what waits may continue."""
    return RELEASE.exists()


async def released():
    """Wait for the release."""
    while not is_released():  # noqa: ASYNC110  a test releases it, in another process
        await asyncio.sleep(0.02)


def released_sync():
    """Wait for the release, in a thread."""
    while not is_released():
        time.sleep(0.02)


@app.get("/")
async def index():
    """Answer on the event loop."""
    return "index"


@app.get("/sync")
def in_thread():
    """Answer, as any view of Flask's does."""
    return "sync"


@app.get("/all-threads")
def all_threads():
    """Start all worker threads: four of these requests wait for each other."""
    _barrier.wait(20)
    return "all"


_barrier = threading.Barrier(4)


# Bodies


@app.post("/upload")
async def upload():
    """Answer with the length of the body, received before."""
    length = len(request.get_data())
    note("uploaded")
    return {"length": length}


@app.post("/upload-sync")
def upload_sync():
    """Answer with the length of the body, from a worker thread."""
    length = len(request.get_data())
    note("uploaded")
    return {"length": length}


@app.post("/pieces")
@stream_body
async def pieces():
    """Answer with the length of the body, received here."""
    length = 0
    async for piece in request.stream:
        length += len(piece)
        note("piece")
    note("uploaded")
    return {"length": length}


@app.post("/pieces-sync")
@stream_body
def pieces_sync():
    """Answer with the length of the body, received in a worker thread."""
    size = request.args.get("size", 100_000, type=int)
    length = 0
    while piece := request.stream.read(size):
        length += len(piece)
        note("piece")
    note("uploaded")
    return {"length": length}


# Views and streams that end only when they are released


@app.get("/wait")
async def wait():
    """Wait on the event loop."""
    _waiting()
    try:
        await released()
    finally:
        note("waited")
    return "released"


@app.get("/wait-sync")
def wait_sync():
    """Wait in a worker thread."""
    _waiting()
    released_sync()
    return "released"


@app.get("/stream")
async def stream():
    """Stream from the event loop."""

    async def generate():
        yield "begun "
        _waiting()
        try:
            while not is_released():
                yield "." * 100
                await asyncio.sleep(0.02)
            yield " released"
        finally:
            note(f"closed {request.endpoint}")

    return generate()


@app.get("/stream-sync")
def stream_sync():
    """Stream from a worker thread."""

    def generate():
        yield "begun "
        _waiting()
        try:
            while not is_released():
                yield "." * 100
                time.sleep(0.02)
            yield " released"
        finally:
            note(f"closed {request.endpoint}")

    return stream_with_context(generate())


@app.get("/events")
async def events():
    """Stream events; none comes before the release."""

    async def generate():
        yield "begun"
        _waiting()
        try:
            await released()
            yield "released"
        finally:
            note(f"closed {request.endpoint}")

    # On asyncio's own loop, a cancelled timer keeps its context until it is due.
    return EventStream(generate(), keep_alive_s=1)


@app.get("/flood")
async def flood():
    """Stream more than any buffer holds."""

    async def generate():
        yield "begun "
        try:
            for _ in range(FLOOD_PIECES):
                yield b"x" * 100_000
                note("piece of the flood")
        finally:
            note(f"closed {request.endpoint}")

    return generate()


@app.get("/failing")
async def failing():
    """Fail after the start."""

    async def generate():
        yield b"x" * 1_000
        await asyncio.to_thread(_fail_now.wait, 20)
        _fail_now.clear()
        raise RuntimeError("the secret of the stream")

    return generate()


@app.get("/failing-sync")
def failing_sync():
    """Fail after the start, in a worker thread."""

    def generate():
        yield b"x" * 1_000
        _fail_now.wait(20)
        _fail_now.clear()
        raise RuntimeError("the secret of the stream")

    return stream_with_context(generate())


_fail_now = threading.Event()


@app.get("/fail-now")
async def fail_now():
    """Make a stream fail after its first piece."""
    _fail_now.set()
    return "failing"


@app.get("/failing-view")
async def failing_view():
    """Fail before the start."""
    raise RuntimeError("the secret of the view")


# WebSockets and tasks


@app.websocket("/echo")
async def echo():
    """Send back each message."""
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/socket")
async def socket():
    """Send once, then wait for something else."""
    await websocket.send("begun")
    _waiting()
    await released()


@app.get("/background")
async def background():
    """Leave two tasks behind."""

    async def on_loop():
        note("task begun")
        try:
            await released()
            note("task ended")
        finally:
            note("task left")

    def in_thread():
        note("sync task begun")
        released_sync()
        note("sync task ended")

    app.add_background_task(on_loop)
    app.add_background_task(in_thread)
    return "added"
