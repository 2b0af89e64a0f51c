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

from costrel import Flask, request, stream_with_context
from costrel.globals import request_ctx
from costrel.streaming import stream_body

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1_000_000
seen: Counter[str] = Counter()
contexts: weakref.WeakSet[object] = weakref.WeakSet()


def note(text):
    """Count something, and say it in the log, which outlives the process."""
    seen[text] += 1
    sys.stderr.write(f"<{text}>\n")
    sys.stderr.flush()


@app.before_request
def _enter():
    if request.endpoint != "counters":
        contexts.add(request_ctx._get_current_object())
        note(f"enter {request.endpoint}")


@app.teardown_request
def _leave(error):
    if request.endpoint != "counters":
        note(f"leave {request.endpoint}")


@app.get("/counters")
async def counters():
    """Give the counters, and what this process holds."""
    gc.collect()
    return dict(
        seen,
        alive=len(contexts),
        tasks=len([task for task in asyncio.all_tasks() if not task.done()]),
        threads=threading.active_count(),
        files=len(os.listdir("/proc/self/fd")),
    )


@app.get("/")
async def index():
    """Answer on the loop."""
    return "index"


@app.get("/sync")
def in_thread():
    """Answer, as any view of Flask's does."""
    return "sync"


@app.get("/error")
async def error():
    """Fail."""
    raise RuntimeError("the secret of the view")


@app.post("/upload")
async def upload():
    """Answer with the length of the body, received before."""
    body = request.get_data()
    note("uploaded")
    return {"length": len(body)}


@app.post("/upload-sync")
def upload_sync():
    """Answer with the length of the body, from a worker thread."""
    body = request.get_data()
    note("uploaded")
    return {"length": len(body)}


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


@app.get("/wait")
async def wait():
    """Wait for what never comes."""
    note("waiting")
    try:
        await asyncio.Event().wait()
    finally:
        note("waited")
    return "never"


@app.get("/endless")
async def endless():
    """Stream until the client goes away."""

    async def generate():
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)
        finally:
            note(f"closed {request.endpoint}")

    return generate()


@app.get("/endless-sync")
def endless_sync():
    """Stream from a worker thread until the client goes away."""

    def generate():
        try:
            while True:
                yield b"x" * 1000
                time.sleep(0.01)
        finally:
            note(f"closed {request.endpoint}")

    return stream_with_context(generate())


@app.get("/failing")
async def failing():
    """Fail after the start."""

    async def generate():
        yield b"x" * 1000
        raise RuntimeError("the secret of the stream")

    return generate()


@app.get("/slow")
async def slow():
    """Answer after a while."""
    note("slow")
    await asyncio.sleep(0.6)
    return "slow"


@app.get("/slow-sync")
def slow_sync():
    """Answer after a while, from a worker thread."""
    note("slow")
    time.sleep(0.6)
    return "slow"


@app.get("/slow-stream")
async def slow_stream():
    """Stream for a while."""

    async def generate():
        note("slow")
        for number in range(4):
            yield f"{number}\n"
            await asyncio.sleep(0.15)

    return generate()


asgi = app.asgi
