"""Whether the event loop keeps up: what is measured, and when it is said."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask
from costrel.serve import health, lifespan

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
