"""Whether the event loop keeps up: what is measured, and when it is said."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import EventStream, Flask, websocket
from costrel.serve import health, lifespan
from costrel.views import MethodView

BLOCK_S = 0.2
"""How long the loop is blocked, by a real call that blocks."""


@pytest.fixture
def app(monkeypatch):
    """An application whose loop is looked after often."""
    monkeypatch.setattr(health, "INTERVAL_S", 0.01)
    app = Flask(__name__)
    app.config["LOOP_LAG_WARNING_S"] = BLOCK_S / 2

    @app.get("/block")
    async def block():
        time.sleep(BLOCK_S)  # noqa: ASYNC251  it is this that is noticed
        return ""

    return app


async def look_again(loop_health):
    """Wait until the loop was looked after once more."""
    looked = asyncio.Event()
    asyncio.get_running_loop().call_at(loop_health._due + 0.001, looked.set)
    await looked.wait()


def test_blocked_loop_is_measured_and_warned_of(app, caplog):
    """The warning says for how long, and what to do; the worst is kept."""

    async def main():
        async with app.async_test_client() as client:
            await client.get("/block")
            await look_again(app.loop_health)
            await look_again(app.loop_health)
            return app.loop_health.worst_lag_s

    worst_s = asyncio.run(main())

    assert BLOCK_S * 0.9 <= worst_s
    messages = [record.getMessage() for record in caplog.records]
    assert any(message.startswith("The event loop was blocked for") for message in messages)
    assert any("asyncio.to_thread" in message for message in messages)


@pytest.mark.parametrize("limit_s", [None, 60])
def test_lag_below_the_limit_is_measured_without_a_word(app, caplog, limit_s):
    """None says nothing at all."""
    app.config["LOOP_LAG_WARNING_S"] = limit_s

    async def main():
        async with app.async_test_client() as client:
            await client.get("/block")
            await look_again(app.loop_health)
            return app.loop_health.worst_lag_s

    assert BLOCK_S * 0.9 <= asyncio.run(main())
    assert caplog.records == []


def test_lag_is_seen_from_a_thread_while_it_lasts(app):
    """A monitor in a thread need not wait until the loop is free again."""
    seen = []

    async def main():
        async with app.async_test_client():
            free_again = threading.Event()

            def watch():
                while not seen and not free_again.wait(0.001):
                    if app.loop_health.lag_s > BLOCK_S / 2:
                        seen.append(app.loop_health.lag_s)

            thread = threading.Thread(target=watch)
            thread.start()
            time.sleep(BLOCK_S)  # noqa: ASYNC251  it is this that is noticed
            free_again.set()
            thread.join()

    asyncio.run(main())

    assert len(seen) == 1


def test_waiting_is_no_lag(app):
    """A view that awaits holds up nothing, however long it takes."""
    app.get("/wait", endpoint="wait")(wait)

    async def main():
        async with app.async_test_client() as client:
            before_s = app.loop_health.worst_lag_s
            await client.get("/wait")
            return before_s, app.loop_health

    before_s, loop_health = asyncio.run(main())

    assert before_s == 0.0
    assert loop_health.worst_lag_s < BLOCK_S


async def wait():
    """Be a view that waits."""
    await asyncio.sleep(BLOCK_S)
    return ""


def test_health_is_there_while_the_application_is_served(app):
    """None before and after, and a measurement that was kept stands still."""

    async def main():
        assert app.loop_health is None
        async with app.async_test_client():
            kept = app.loop_health
            assert kept.lag_s >= 0
        assert app.loop_health is None
        assert kept.lag_s == 0.0
        assert kept._timer is None

    asyncio.run(main())


def test_loop_of_a_wsgi_process_is_looked_after(app):
    """The process's own loop is the one that coroutines hold up there."""
    app.before_serving(lambda: None)
    run_wsgi_app(app, create_environ("/block"), buffered=True)

    loop_health = app.loop_health
    lifespan._end_under_wsgi(app._life, os.getpid())

    assert BLOCK_S * 0.9 <= loop_health.worst_lag_s
    assert app.loop_health is None


async def lag(app):
    """Wait until a blocked loop was noticed."""
    await look_again(app.loop_health)
    await look_again(app.loop_health)


def blocking_line(function):
    """Return the place of the call that blocks in a function of this file."""
    lines, first = inspect.getsourcelines(function)
    (line,) = (n for n, text in enumerate(lines, first) if "time.sleep" in text)
    return f"test_health.py:{line}"


def find(caplog, text):
    """Return the warning with a text; a busy machine may cause others."""
    messages = [record.getMessage() for record in caplog.records]
    return next(message for message in messages if text in message)


async def block_outside(seconds):
    """Block, called by a view."""
    time.sleep(seconds)  # noqa: ASYNC251  it is this that is noticed


async def module_events():
    """Block as a stream that is defined apart from its view."""
    yield "first"
    time.sleep(BLOCK_S)  # noqa: ASYNC251
    yield "second"


async def block_as_hook():
    """Block before the view."""
    time.sleep(BLOCK_S)  # noqa: ASYNC251


def make_blocking(app):
    """Add a view of each kind that blocks; return the function and the endpoint of each."""

    async def view():
        time.sleep(BLOCK_S)  # noqa: ASYNC251
        return ""

    async def socket():
        await websocket.accept()
        await websocket.receive()
        time.sleep(BLOCK_S)  # noqa: ASYNC251
        await websocket.send("")

    async def after_pause():
        await asyncio.sleep(0)
        time.sleep(BLOCK_S)  # noqa: ASYNC251
        return ""

    async def pieces():
        async def generate():
            yield "first"
            await asyncio.sleep(0)
            time.sleep(BLOCK_S)  # noqa: ASYNC251

        return generate()

    class Method(MethodView):
        async def get(self):
            time.sleep(BLOCK_S)  # noqa: ASYNC251
            return ""

    async def events():
        return EventStream(module_events())

    app.add_url_rule("/view", "a.view", view)
    app.add_url_rule("/after", "after", after_pause)
    app.add_url_rule("/pieces", "pieces", pieces)
    app.add_url_rule("/method", view_func=Method.as_view("method"))
    app.add_url_rule("/events", "events", events)
    app.add_websocket("/socket", "socket", socket)
    return {
        "/view": (view, "a.view"),
        "/after": (after_pause, "after"),
        "/pieces": (pieces, "pieces"),
        "/method": (Method.get, "method"),
        "/events": (module_events, "events"),
        "/socket": (socket, "socket"),
    }


@pytest.mark.parametrize("way", ["planned", "general"])
@pytest.mark.parametrize("path", ["/view", "/after", "/pieces", "/method", "/events", "/socket"])
def test_warning_names_what_blocked_the_loop(app, caplog, monkeypatch, path, way):
    """The line of the view or of its generator, and the endpoint."""
    if way == "general":
        monkeypatch.setenv("COSTREL_GENERAL_PATH", "1")
    function, endpoint = make_blocking(app)[path]

    async def main():
        async with app.async_test_client() as client:
            if path == "/socket":
                async with client.websocket(path) as socket:
                    await socket.send("")
                    await socket.receive()
            else:
                await client.get(path)
            await lag(app)

    asyncio.run(main())

    said = find(caplog, blocking_line(function))
    if way == "planned":
        assert f"(endpoint {endpoint!r})" in said


def test_warning_names_a_hook_and_a_task(app, caplog):
    """The hook with the endpoint of its request, and a task of one's own with none."""
    app.before_request(block_as_hook)
    app.get("/", endpoint="index")(lambda: "")

    async def main():
        async with app.async_test_client() as client:
            await client.get("/")
            await lag(app)
            await asyncio.create_task(block_outside(BLOCK_S))
            await lag(app)

    asyncio.run(main())

    hook = find(caplog, blocking_line(block_as_hook))
    assert "by block_as_hook, at " in hook
    assert "(endpoint 'index')" in hook
    assert "endpoint" not in find(caplog, blocking_line(block_outside))


def test_line_is_that_of_what_was_called_and_not_of_what_it_calls(app, caplog):
    """Somewhere in a library would say less."""

    @app.get("/")
    async def index():
        await block_outside(BLOCK_S)
        return ""

    async def main():
        async with app.async_test_client() as client:
            await client.get("/")
            await lag(app)

    asyncio.run(main())

    assert "(endpoint 'index')" in find(caplog, "index, at ")


def test_thread_that_looks_ends_with_the_measurement(app):
    """Also if the loop is closed without a word."""

    def looking():
        return {t for t in threading.enumerate() if t.name == "costrel-health"}

    before = looking()

    async def main():
        async with app.async_test_client():
            assert len(looking() - before) == 1

    asyncio.run(main())
    deadline = time.monotonic() + 10
    while looking() - before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
