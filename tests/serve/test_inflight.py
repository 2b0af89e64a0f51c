"""What is in flight when a server stops: cut off, waited for, and left."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import Flask, Response
from costrel.serve import inflight

PATIENCE_S = 20


class Served:
    """An application within its lifespan, and requests of which nobody awaits the end."""

    def __init__(self, app):
        self.app = app
        self.messages = asyncio.Queue()
        self.requests = []

    async def __aenter__(self):
        self.life = asyncio.create_task(
            self.app.asgi({"type": "lifespan"}, self.messages.get, self._ignore)
        )
        await self.messages.put({"type": "lifespan.startup"})
        return self

    async def __aexit__(self, *_error):
        await self.messages.put({"type": "lifespan.shutdown"})
        async with asyncio.timeout(PATIENCE_S):
            await self.life

    async def _ignore(self, _message):
        pass

    async def _never(self):
        await asyncio.Event().wait()

    def get(self, path):
        """Begin a request; return its task."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }
        return asyncio.create_task(self.app.asgi(scope, self._never, self._ignore))


@pytest.fixture
def app():
    """Return an application that notes what it leaves, and when it has stopped."""
    app = Flask(__name__)
    app.order = []
    app.teardown_request(lambda error: app.order.append("teardown"))
    app.after_serving(lambda: app.order.append("after serving"))
    return app


def test_request_in_flight_is_left_before_the_end(app):
    """It is cancelled, and its teardown function, in a thread, comes before what comes after."""

    async def main():
        begun = asyncio.Event()

        @app.get("/")
        async def view():
            begun.set()
            await asyncio.Event().wait()

        async with Served(app) as served:
            task = served.get("/")
            await begun.wait()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert app.order == ["teardown", "after serving"]


def test_request_that_the_server_cancelled_is_not_cancelled_again(app):
    """What it cleans up with goes on undisturbed, and is waited for."""

    async def main():
        begun, cleans = asyncio.Event(), asyncio.Event()

        @app.get("/")
        async def view():
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                cleans.set()
                await asyncio.sleep(0)
                await asyncio.sleep(0.01)
                app.order.append("cleaned")

        async with Served(app) as served:
            task = served.get("/")
            await begun.wait()
            task.cancel()
            await cleans.wait()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert app.order == ["cleaned", "teardown", "after serving"]


@pytest.mark.parametrize(
    ("kind", "order"), [("view", ["after serving"]), ("hook", ["teardown", "after serving"])]
)
def test_thread_that_goes_on_does_not_hold_the_end_up(app, kind, order, monkeypatch):
    """A sync view or hook can't be cancelled: it is left behind, and the end comes."""
    monkeypatch.setattr(inflight, "GRACE_S", 0.05)
    begun, end, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        end.wait(PATIENCE_S)
        ended.set()
        return ""

    async def on_loop():
        return ""

    if kind == "view":
        app.get("/")(work)
    else:
        app.before_request(work)
        app.get("/")(on_loop)

    async def main():
        async with Served(app) as served:
            task = served.get("/")
            await asyncio.to_thread(begun.wait, PATIENCE_S)
        assert (app.order, ended.is_set()) == (order, False)
        with pytest.raises(asyncio.CancelledError):
            await task
        end.set()
        await asyncio.to_thread(ended.wait, PATIENCE_S)

    asyncio.run(main())


def test_nothing_is_kept_of_what_has_ended(app):
    """Not of requests of any kind, nor where a teardown function fails."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.teardown_request
    def fail(_error):
        raise RuntimeError("from the teardown")

    @app.get("/loop")
    async def on_loop():
        await asyncio.sleep(0)
        return "on the loop"

    @app.get("/thread")
    def in_thread():
        return "in a thread"

    @app.get("/stream")
    async def stream():
        async def generate():
            yield "piece"

        return Response(generate())

    async def main():
        async with Served(app) as served:
            for path in ("/loop", "/thread", "/stream", "/nowhere"):
                with pytest.raises(RuntimeError, match="from the teardown"):
                    await served.get(path)
            assert inflight.in_flight == set()

    asyncio.run(main())
