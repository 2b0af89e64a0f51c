"""The client's side of a WebSocket: `TestSocket`."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import suppress

from werkzeug.datastructures import Headers

from ...websockets import WebSocketClosed
from .channel import Channel

Message = t.MutableMapping[str, t.Any]

_FAILED = 1011


class WebSocketRejected(Exception):  # noqa: N818  an answer, not a fault
    """The application rejected the handshake.

    Attributes:
        status_code: The status code of its response.
        headers: The headers of the response.
        body: The body of the response.
    """

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(f"The WebSocket was rejected with {status}: {body[:200]!r}")
        self.status_code = status
        self.headers = headers
        self.body = body


class TestSocket:
    """The client's side of a WebSocket; iterating over it yields messages until it is closed.

    Attributes:
        subprotocol: The subprotocol that the application accepted, or None.
        headers: The headers of the handshake's response.
        close_code: The code that the application closed it with; None while it is open.
    """

    __test__ = False  # not a test class

    def __init__(self, application: t.Any, scope: dict[str, t.Any]) -> None:
        self.subprotocol: str | None = None
        self.headers = Headers()
        self.close_code: int | None = None
        self._json = application.json
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: Channel[Message] = Channel()
        self._left = False
        self._failure: BaseException | None = None
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run(application.asgi, scope))

    async def _run(self, app: t.Any, scope: dict[str, t.Any]) -> None:
        try:
            await app(scope, self._to_app.get, self._send)
        except BaseException as error:  # noqa: BLE001  raised by the waiting caller; a task would end the loop
            self._failure = error

    async def _send(self, message: Message) -> None:
        if self._left:
            raise OSError("the client left")
        await self._from_app.put(message)

    async def _end(self) -> None:
        """Wait until the application ends; raises its error, once."""
        await asyncio.wait({self._task})
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                failure = None  # its traceback leads back here: without this, a cycle

    async def _next(self) -> Message:
        message = await self._from_app.get(self._task)
        if message is not None:
            return message
        await self._end()
        return {"type": "websocket.close", "code": 1006}

    async def shake_hands(self) -> None:
        """Wait for the application's response to the handshake."""
        message = await self._next()
        if message["type"] == "websocket.accept":
            self.subprotocol = message.get("subprotocol")
            self.headers = _headers(message)
            return
        self._left = True
        if message["type"] == "websocket.http.response.start":
            body = b""
            piece: Message = {"more_body": True}
            while piece.get("more_body"):
                piece = await self._next()
                body += piece.get("body", b"")
            await self._end()
            raise WebSocketRejected(message["status"], _headers(message), body)
        await self._end()
        raise WebSocketRejected(403, Headers(), b"")

    async def receive(self) -> str | bytes:
        """Wait for the next message; raises `WebSocketClosed` when the connection is closed.

        If errors propagate to the test, an error in the view is raised here.
        """
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)
        message = await self._next()
        if message["type"] == "websocket.close":
            self._left = True
            code = self.close_code = int(message.get("code", 1000))
            if code == _FAILED:
                await self._end()
            raise WebSocketClosed(code, message.get("reason") or "")
        text: str | None = message.get("text")
        return text if text is not None else t.cast(bytes, message["bytes"])

    async def receive_json(self) -> t.Any:
        """Wait for the next message and parse it with the application's JSON provider."""
        return self._json.loads(await self.receive())

    async def send(self, data: str | bytes) -> None:
        """Send text or binary data; raises `WebSocketClosed` after the connection is closed."""
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)
        key = "text" if isinstance(data, str) else "bytes"
        await self._to_app.put({"type": "websocket.receive", key: data})

    async def send_json(self, value: t.Any) -> None:
        """Send a value in a text message, serialized with the application's JSON provider."""
        await self.send(self._json.dumps(value))

    async def __aiter__(self) -> t.AsyncIterator[str | bytes]:
        """Yield messages until the connection is closed."""
        while True:
            try:
                message = await self.receive()
            except WebSocketClosed:
                return
            yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and wait until the view has ended.

        Raises the application's error, unless it was raised already.
        """
        if not self._left:
            self._left = True
            message = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self._to_app.put_nowait(message)
        with suppress(OSError):
            await self._end()

    async def leave(self) -> None:
        """Disconnect after an error in the test, suppressing the application's errors."""
        with suppress(Exception):
            await self.close(1006)


def _headers(message: Message) -> Headers:
    return Headers(
        [
            (name.decode("latin-1").title(), value.decode("latin-1"))
            for name, value in message.get("headers") or ()
        ]
    )
