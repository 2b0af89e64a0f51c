"""An HTTP exchange with an ASGI application, from the server's side."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import suppress

from werkzeug.datastructures import Headers

from .channel import Channel

Message = t.MutableMapping[str, t.Any]
Body = bytes | t.AsyncIterable[bytes]

_PIECE_BYTES = 65_536


class Exchange:
    """Calls an application for one request and takes the messages it sends.

    The body of the response is taken chunk by chunk, as if the client were slow: each send
    waits until the previous chunk was read. A message out of order raises `RuntimeError` in
    the application.

    Attributes:
        status: The response's status; 0 until it has started.
        headers: The response's headers.
    """

    def __init__(self, app: t.Any, scope: dict[str, t.Any], body: Body = b"") -> None:
        self.status = 0
        self.headers = Headers()
        self._requests: asyncio.Queue[Message] = asyncio.Queue(0 if isinstance(body, bytes) else 1)
        self._feeder: asyncio.Task[None] | None = None
        if isinstance(body, bytes):
            for message in _messages(body):
                self._requests.put_nowait(message)
        else:
            self._feeder = asyncio.create_task(self._feed(body))
        self._pieces: Channel[bytes] = Channel(1)
        self._started = asyncio.Event()
        self._streaming = asyncio.Event()
        self._complete = False
        self._left = False
        self._failure: BaseException | None = None
        self._task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: t.Any, scope: dict[str, t.Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except BaseException as error:  # noqa: BLE001  raised by the waiting caller; a task would end the loop
            self._failure = error
        finally:
            self._started.set()
            self._streaming.set()
            if self._feeder is not None:
                self._feeder.cancel()

    # The server's side

    async def _feed(self, body: t.AsyncIterable[bytes]) -> None:
        async for piece in body:
            await self._requests.put({"type": "http.request", "body": piece, "more_body": True})
        await self._requests.put({"type": "http.request", "body": b"", "more_body": False})

    async def _receive(self) -> Message:
        # SPEC(ASGI HTTP): a disconnect also follows the end of the response.
        if self._left or self._complete:
            return {"type": "http.disconnect"}
        return await self._requests.get()

    def _disconnect(self) -> None:
        # Wakes the waiting task; later calls get a disconnect anyway.
        with suppress(asyncio.QueueFull):
            self._requests.put_nowait({"type": "http.disconnect"})

    async def _send(self, message: Message) -> None:
        if self._left:
            raise OSError("the client left")
        kind = message["type"]
        if kind == "http.response.start" and not self.status:
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                self.headers.add(name.decode("latin-1").title(), value.decode("latin-1"))
            self._started.set()
        elif kind == "http.response.body" and self.status and not self._complete:
            piece = message.get("body", b"")
            if message.get("more_body", False):
                self._streaming.set()
                if piece:
                    await self._pieces.put(bytes(piece))
                return
            if piece:
                await self._pieces.put(bytes(piece))
            self._complete = True
            self._disconnect()
        else:
            state = "has started" if self.status else "has not started"
            raise RuntimeError(
                f"The application sent {kind!r} out of order: its response"
                f" {'is complete' if self._complete else state}."
            )

    # The client's side

    async def _end(self) -> None:
        """Wait until the application ends; raises its error."""
        await asyncio.wait({self._task})
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                failure = None  # its traceback leads back here: without this, a cycle

    async def start(self) -> None:
        """Wait for the start of the response; raises an error that occurs before it."""
        await self._started.wait()
        if not self.status:
            await self._end()
            raise RuntimeError("The application ended without a response.")

    async def settle(self) -> None:
        """Wait until the application has ended, or sends its response in several chunks.

        Raises an error that occurs before the response, or after a complete one.
        """
        await self._streaming.wait()
        await self.start()
        if self._complete and self._failure is not None:
            await self._end()

    async def next_piece(self) -> bytes | None:
        """Wait for a chunk of the body, None at its end; raises the application's errors."""
        piece = await self._pieces.get(self._task)
        if piece is None:
            await self._end()
            if not self._complete:
                raise RuntimeError("The application ended before its response was complete.")
        return piece

    async def __aiter__(self) -> t.AsyncIterator[bytes]:
        """Yield the body in chunks; raises the application's errors."""
        while (piece := await self.next_piece()) is not None:
            yield piece

    async def leave(self) -> None:
        """Disconnect, like a client that closes the connection, and wait for the application.

        Raises the application's errors, except the one for the disconnect.
        """
        if self._task.done():
            return
        self._left = True
        self._disconnect()
        draining = asyncio.create_task(self._pieces.drain())
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._end()
        finally:
            draining.cancel()
            await asyncio.wait({draining})

    def leave_soon(self) -> None:
        """Disconnect without waiting; may be called from any thread."""
        loop = self._task.get_loop()
        with suppress(RuntimeError):  # the loop is closed, so all its tasks have ended
            loop.call_soon_threadsafe(lambda: loop.create_task(self.leave()))


def _messages(body: bytes) -> t.Iterator[Message]:
    for start in range(0, max(len(body), 1), _PIECE_BYTES):
        end = start + _PIECE_BYTES
        yield {"type": "http.request", "body": body[start:end], "more_body": end < len(body)}
