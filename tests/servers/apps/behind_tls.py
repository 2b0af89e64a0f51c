"""An application behind one proxy, which handles TLS; ``FLASK_TRUSTED_PROXIES`` applies."""

from __future__ import annotations

import asyncio
import typing as t

from costrel import Event, EventStream, Flask, request, websocket

app = Flask(__name__)
app.config.from_prefixed_env()
going_on = asyncio.Event()
reports: list[t.Any] = []

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>behind a proxy</title>
<script>
  const report = (text) => fetch("/report", {method: "POST", body: text, keepalive: true});
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/echo");
  socket.onopen = () => socket.send("from " + location.href);
  socket.onmessage = (event) => report(event.data);
  socket.onerror = () => report("refused");
</script>
"""


def place(request):
    """Return what the application knows of a connection."""
    return {"url": request.url, "client": request.remote_addr, "scheme": request.scheme,
            "secure": request.is_secure, "prefix": request.root_path}  # fmt: skip


@app.get("/")
def index():
    """Open a WebSocket, and report what it says."""
    reports.append(place(request))
    return PAGE


@app.post("/report")
def report():
    """Keep what the page reports."""
    reports.append(request.get_json(force=True, silent=True) or request.get_data(as_text=True))
    return ""


@app.get("/reports")
def show():
    """Return what was reported."""
    return reports


@app.get("/place")
async def show_place():
    """Return the connection of a request on the loop."""
    return place(request)


@app.websocket("/echo")
async def echo():
    """Return each message with the connection of the WebSocket."""
    async for message in websocket:
        await websocket.send_json(place(websocket) | {"message": message})


@app.get("/events")
async def events():
    """Send an event, and the next one when told to."""

    async def generate():
        yield Event("first")
        await going_on.wait()
        yield Event("last")

    return EventStream(generate())


@app.post("/go-on")
async def go_on():
    """Let the stream continue."""
    going_on.set()
    return "", 204
