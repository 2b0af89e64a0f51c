"""A WebSocket as a view has it: `WebSocket`, behind the ``websocket`` proxy."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

import msgspec
from werkzeug.datastructures import Headers

from .wrappers import Request

if t.TYPE_CHECKING:
    import asyncio

V = t.TypeVar("V")
Message = t.MutableMapping[str, t.Any]
HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]

NORMAL, GOING_AWAY, BAD_DATA, POLICY, TOO_LARGE, SERVER_ERROR = 1000, 1001, 1007, 1008, 1009, 1011
"""Close codes (RFC 6455 §7.4.1)."""


class WebSocketClosed(Exception):  # noqa: N818  it is an end more often than an error
    """Tell that the connection ended, which is no error of the view's.

    A view need not catch it: it ends quietly.

    Attributes:
        code: The close code: what the other side said, 1005 if it said none, and
            1006 if it was just gone.
        reason: The text beside it, often empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"The WebSocket was closed with {code}{': ' if reason else ''}{reason}")
        self.code = code
        self.reason = reason


class WebSocketDataError(ValueError):
    """Tell that a message was not what was asked for; uncaught, the socket closes with 1007."""


class WebSocket(Request):
    """Send and receive messages, and give what the handshake's request said.

    The handshake is accepted by `accept`, or by the first `receive` or `send`. A view
    that returns or raises before that rejects it: with the response that it returned,
    or that its error has (``abort(403)``).
    """

    # Set by the server's side before the view runs.
    _receive: t.Callable[[], t.Awaitable[Message]]
    _send: t.Callable[[Message], t.Awaitable[None]]
    _accept_headers: t.Callable[[], t.Iterable[tuple[str, str]]]
    _max_message_bytes: int | None = None
    _idle_s: float | None = None

    accepted = False
    """Whether the handshake was accepted."""

    close_code: int | None = None
    """The code that the connection was closed with, by either side; None while it is open."""

    _busy_receiving = False
    _ahead: asyncio.Task[Message] | None = None

    @property
    def requested_subprotocols(self) -> list[str]:
        """List the subprotocols that the client offers, in its order of preference."""
        field = self.headers.get("Sec-WebSocket-Protocol", "")
        return [name.strip() for name in field.split(",") if name.strip()]

    async def accept(
        self, subprotocol: str | None = None, headers: HeadersLike | None = None
    ) -> None:
        """Accept the handshake.

        Args:
            subprotocol: One of `requested_subprotocols`, or None.
            headers: More headers of the handshake's response.

        Raises `RuntimeError` if it was accepted already, `ValueError` for a subprotocol
        that the client did not offer, which would make it close the connection, and
        `WebSocketClosed` if the client is gone.
        """
        if self.accepted:
            raise RuntimeError("This WebSocket was accepted already; call accept() only once.")
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"The client did not offer the subprotocol {subprotocol!r}, but"
                f" {self.requested_subprotocols}. Accept one of these, or none."
            )
        self._require_open()
        fields = [*Headers(headers or ()), *self._accept_headers()]
        self.accepted = True
        await self._deliver(
            {
                "type": "websocket.accept",
                "subprotocol": subprotocol,
                "headers": [
                    (name.lower().encode("latin-1"), value.encode("latin-1"))
                    for name, value in fields
                ],
            }
        )

    async def receive(self) -> str | bytes:
        """Wait for the next message: text as ``str``, binary data as ``bytes``.

        Raises `WebSocketClosed` when the connection ended, also after closing it for a
        message over ``WEBSOCKET_MAX_MESSAGE_SIZE`` bytes (1009), and for a client that
        sent nothing for ``WEBSOCKET_IDLE_S`` seconds (1001).
        """
        if not self.accepted:
            await self.accept()
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)
        self._busy_receiving = True
        try:
            if self._ahead is None and self._idle_s is None:
                message = await self._receive()
            else:
                message = await self._receive_next()
        finally:
            self._busy_receiving = False
        data: str | bytes | None = message.get("text")
        if data is None:
            data = message.get("bytes")
            if data is None:
                self.close_code = message.get("code") or 1005
                raise WebSocketClosed(self.close_code, message.get("reason") or "")
        limit = self._max_message_bytes
        if limit is not None and len(data) * 4 > limit:
            await self._check_size(data, limit)
        return data

    async def _receive_next(self) -> Message:
        """Wait for what was looked at ahead, or for the next message within the limit."""
        import asyncio

        waiting_for: t.Awaitable[Message] = self._receive() if self._ahead is None else self._ahead
        try:
            async with asyncio.timeout(self._idle_s):
                message = await waiting_for
        except TimeoutError:
            await self.close(GOING_AWAY, "idle for too long")
            raise WebSocketClosed(GOING_AWAY, "idle for too long") from None
        self._ahead = None
        return message

    async def _check_size(self, data: str | bytes, limit: int) -> None:
        size = len(data.encode("utf-8", "surrogatepass")) if isinstance(data, str) else len(data)
        if size > limit:
            await self.close(TOO_LARGE, f"message of more than {limit} bytes")
            raise WebSocketClosed(TOO_LARGE, f"message of more than {limit} bytes")

    async def send(self, data: str | bytes) -> None:
        """Send a message: text for ``str``, binary data for ``bytes``.

        Waits while the client is slow. Raises `WebSocketClosed` if it is gone, and
        `TypeError` for other types.
        """
        if not self.accepted:
            await self.accept()
        if isinstance(data, str):
            message: Message = {"type": "websocket.send", "text": data}
        elif isinstance(data, (bytes, bytearray, memoryview)):
            message = {"type": "websocket.send", "bytes": bytes(data)}
        else:
            raise TypeError(
                f"A WebSocket sends str or bytes, not {type(data).__name__}. For JSON use"
                " websocket.send_json()."
            )
        self._require_open()
        await self._deliver(message)

    @t.overload
    async def receive_json(self) -> t.Any: ...
    @t.overload
    async def receive_json(self, type: type[V]) -> V: ...
    async def receive_json(self, type: t.Any = None) -> t.Any:  # noqa: A002
        """Wait for a message and read it as JSON.

        Args:
            type: What it has to be: a class of msgspec, a dataclass, a ``TypedDict``, or
                any type that `msgspec` knows. Anything at all by default.

        Raises `WebSocketDataError` for what is not JSON, or not of that type.
        """
        data = await self.receive()
        try:
            if type is None:
                return self.json_module.loads(data)
            return msgspec.json.decode(data, type=type)
        except ValueError as error:
            raise WebSocketDataError(f"The message is not as expected: {error}") from error

    async def send_json(self, obj: t.Any) -> None:
        """Send a value as JSON in a text message: as responses write it, and msgspec's classes."""
        if isinstance(obj, msgspec.Struct):
            await self.send(msgspec.json.encode(obj).decode())
        else:
            await self.send(self.json_module.dumps(obj))

    async def close(  # type: ignore[override]
        self, code: int = NORMAL, reason: str = ""
    ) -> None:
        """Close the connection, or reject the handshake with 403 if it was not accepted.

        Args:
            code: 1000, 1001, 1003, 1007 to 1014 (RFC 6455 §7.4.1), or one of the
                application's own between 3000 and 4999.
            reason: Text for the other side, at most 123 bytes.

        Does nothing if the connection is closed already.
        """
        if code not in _CODES and not 3000 <= code < 5000:
            raise ValueError(
                f"{code} is no close code that may be sent. Take 1000 for a normal end, or one"
                " between 4000 and 4999 for the application's own."
            )
        if len(reason.encode()) > 123:
            raise ValueError("The reason of a close is at most 123 bytes long (RFC 6455 §5.5).")
        if self.close_code is not None:
            return
        self.close_code = code
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            # The client is gone already.
            return

    async def __aiter__(self) -> t.AsyncIterator[str | bytes]:
        """Yield messages until the connection ends."""
        while True:
            try:
                message = await self.receive()
            except WebSocketClosed:
                return
            yield message

    def _require_open(self) -> None:
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)

    async def _deliver(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            # SPEC(ASGI WebSocket): how servers say that the client is gone.
            self.close_code = 1006
            raise WebSocketClosed(1006) from error


_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
