"""An application that counts what happens to its WebSockets; each ASGI server runs it."""

from __future__ import annotations

import asyncio
import gc
import typing as t
import weakref
from collections import Counter

from costrel import Flask, abort, request, websocket
from costrel.globals import request_ctx

app = Flask(__name__)
app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 1000
asgi = app.asgi

seen: Counter[str] = Counter()
contexts: weakref.WeakSet[object] = weakref.WeakSet()
pages: dict[str, asyncio.Event] = {}


@app.before_websocket
async def _enter():
    contexts.add(request_ctx._get_current_object())


@app.teardown_websocket
async def _tear_down(error):
    endpoint = websocket.endpoint
    seen[f"teardown of {endpoint}"] += 1
    print("torn down:", endpoint, flush=True)  # noqa: T201  the log is read by tests


@app.get("/")
async def hello():
    """Answer that the server is ready."""
    return "ready"


@app.get("/counters")
async def counters():
    """Return the counters, and how many sockets and tasks are alive."""
    gc.collect()
    tasks = [repr(task.get_coro()) for task in asyncio.all_tasks()]
    # Servers have their own tasks, which come and go.
    ahead = sum("Ahead" in task for task in tasks)
    return {**seen, "alive": len(contexts), "tasks": ahead}


@app.websocket("/echo")
async def echo():
    """Send back each message."""
    offered = websocket.requested_subprotocols
    await websocket.accept(offered[-1] if offered else None)
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/waits")
async def waits():
    """Neither send nor receive."""
    await websocket.send("open")
    await asyncio.Event().wait()


@app.websocket("/sends")
async def sends():
    """Send only."""
    while True:
        await websocket.send("x")
        await asyncio.sleep(0.02)


@app.websocket("/fails")
async def fails():
    """Raise an error."""
    await websocket.accept()
    raise RuntimeError("the secret of the socket")


@app.websocket("/rejects")
async def rejects():
    """Reject the handshake."""
    abort(418, "short and stout")


PAGE = """<!doctype html><p id=said>nothing</p><img src="/finished?page=%s"><script>
const say = text => {
  document.getElementById("said").textContent = text;
  fetch("/finish?page=%s");
};
const socket = new WebSocket("ws://127.0.0.1:" + location.port + "/echo");
socket.onopen = () => socket.send("from the page");
socket.onmessage = event => say("echo: " + event.data);
socket.onerror = () => say("refused");
</script>"""


@app.get("/page/<name>")
async def page(name: str) -> t.Any:
    """Open a socket, and keep loading until it has answered."""
    pages[name] = asyncio.Event()
    return PAGE % (name, name)


@app.get("/finish")
async def finish():
    """Let the page finish loading."""
    pages[request.args["page"]].set()
    return ""


@app.get("/finished")
async def finished():
    """Answer when the page may finish loading."""
    async with asyncio.timeout(20):
        await pages[request.args["page"]].wait()
    return "", 404
