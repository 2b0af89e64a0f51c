"""An application that streams events and counts what happens to its streams.

The counters are per process, so it is served by one worker process.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

from costrel import Event, EventStream, Flask, request

app = Flask(__name__)
seen: Counter[str] = Counter()
reports: list[str] = []
going_on = asyncio.Event()
pause = threading.Event()

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>events</title>
<script>
  const report = (text) => fetch("/report", {method: "POST", body: text, keepalive: true});
  const source = new EventSource("/lessons");
  source.onopen = () => report("open");
  source.onmessage = (event) => report(`message ${event.lastEventId} ${event.data}`);
  source.addEventListener("named", (event) => report(`named ${JSON.parse(event.data).word}`));
  source.addEventListener("done", (event) => {
    report(`done ${event.lastEventId} "${event.data}"`);
    source.close();
  });
</script>
"""


@app.get("/")
def page():
    """Listen to the events of ``/lessons``, and report them."""
    return PAGE


@app.post("/report")
def report():
    """Store what a page reports."""
    reports.append(request.get_data(as_text=True))
    return "", 204


@app.get("/reports")
def read_reports():
    """Return the reports, in any order: a browser sends several at once."""
    return sorted(reports)


@app.get("/lessons")
async def lessons():
    """Break off after the third event; resume where the client was."""

    async def events():
        last = request.headers.get("Last-Event-ID")
        if last is None:
            yield Event("first\n line", id="a 1")
            yield Event(comment="data: not an event")
            yield Event({"word": "käse"}, event="named", id="a 2")
            return
        yield Event(f"after {last}", id="a 3")
        yield Event(event="done", id="")

    return EventStream(events(), retry_ms=20)


@app.teardown_request
def _tear_down(error):
    seen[f"teardown of {request.path}"] += 1
    seen["errors torn down"] += error is not None


@app.get("/counters")
def counters():
    """Return the counters."""
    return seen


@app.get("/waiting")
async def waiting():
    """Send an event, then the next one when the test asks for it."""
    going_on.clear()

    async def events():
        await going_on.wait()
        going_on.clear()
        yield "first"
        await going_on.wait()
        yield request.path

    return EventStream(events())


@app.post("/go-on")
async def go_on():
    """Let the waiting stream continue."""
    going_on.set()
    return "", 204


@app.get("/idle")
async def idle():
    """Send an event, then wait forever."""

    async def events():
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen[f"closed {request.path}"] += 1

    return EventStream(events(), keep_alive_s=0.05)


@app.get("/sync")
def sync():
    """Send an event, then comments, from a plain generator."""

    def events():
        try:
            yield "first"
            while not pause.wait(0.01):
                yield Event(comment="still there")
        finally:
            seen[f"closed {request.path}"] += 1

    return EventStream(events())


@app.get("/failing")
async def failing():
    """Fail after an event."""

    async def events():
        yield "first"
        raise RuntimeError("the secret of the stream")

    return EventStream(events())
