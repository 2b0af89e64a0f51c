"""What never pauses holds nobody else up: bodies, sockets, files, and lives inside of lives."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Flask, request, websocket

PATIENCE_S = 20


def within_time(coroutine):
    """Run a coroutine; fail if it takes long."""

    async def main():
        return await asyncio.wait_for(coroutine, PATIENCE_S)

    return asyncio.run(main())


class Deaf:
    """A client that has left: its server takes whatever is sent, and waits for nothing."""

    def __init__(self, app, kind, path, *messages):
        self.sent = 0
        self._app, self._messages = app, list(messages)
        self._scope = {
            "type": kind, "http_version": "1.1", "path": path, "query_string": b"",
            "method": "GET", "headers": [(b"host", b"x")],
        }  # fmt: skip

    async def _receive(self):
        if self._messages:
            return self._messages.pop(0)
        return {"type": f"{self._scope['type']}.disconnect"}

    async def _send(self, _message):
        self.sent += 1

    async def serve(self):
        await self._app.asgi(self._scope, self._receive, self._send)


@pytest.mark.parametrize("size", [1, 100_000])
def test_endless_body_ends_with_its_client(size):
    """The server's send does not wait once the client has left; the body gives way by itself."""
    app, closed = Flask(__name__), []

    @app.get("/endless")
    async def endless():
        async def pieces():
            try:
                while True:
                    yield "x" * size
            finally:
                closed.append(True)

        return pieces()

    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await Deaf(app, "http", "/endless").serve()
        ticking.cancel()
        return ticks

    assert within_time(main()) > 1
    assert closed == [True]


def test_endless_socket_ends_with_its_client():
    """Also where the server takes messages for a client that has left."""
    app, ended = Flask(__name__), []

    @app.websocket("/endless")
    async def endless():
        await websocket.accept()
        try:
            while True:
                await websocket.send("x")
        finally:
            ended.append(True)

    within_time(Deaf(app, "websocket", "/endless", {"type": "websocket.connect"}).serve())
    assert ended == [True]


def test_large_bodies_need_no_thread_of_the_loops_executor():
    """Its threads may all wait for bodies, which then must go to files by other threads."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 600_000

    @app.post("/large")
    async def large():
        request.max_content_length = 10_000_000
        return str(len(await asyncio.to_thread(request.get_data)))

    async def main():
        client = app.async_test_client()

        async def pieces():
            for _ in range(9):
                yield b"x" * 100_000
                await asyncio.sleep(0)

        answers = await asyncio.gather(
            *(client.post("/large", input_stream=pieces()) for _ in range(60))
        )
        return {answer.text for answer in answers}

    assert within_time(main()) == {"900000"}


def test_client_that_serves_inside_of_a_request_ends_nothing_of_others():
    """The life of a test client within a served application is one of its own."""
    app = Flask(__name__)
    released = None

    @app.get("/nested")
    async def nested():
        async with app.async_test_client() as client:
            answer = await client.get("/inner")
        released.set()
        return answer.text

    @app.get("/inner")
    def inner():
        return "inner"

    @app.get("/waiting")
    async def waiting():
        await released.wait()
        return "went on"

    async def main():
        nonlocal released
        released = asyncio.Event()
        async with app.async_test_client() as client:
            paths = ("/waiting", "/nested", "/waiting")
            answers = await asyncio.gather(*(client.get(path) for path in paths))
            texts = [answer.text for answer in answers]
            return [*texts, (await client.get("/inner")).text]

    assert within_time(main()) == ["went on", "inner", "went on", "inner"]
