"""`WebSocket`, the object behind the ``websocket`` proxy in views."""

from __future__ import annotations

import asyncio
import re
import typing as t
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress

import msgspec
from werkzeug.datastructures import Headers

from .ground.current import come_back, context, outside
from .ground.lazy import lazy
from .json.depth import MAX_DEPTH, check_depth
from .wrappers import Request
from .wrappers.limits import check_json

V = t.TypeVar("V")
Message = t.MutableMapping[str, t.Any]
HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]

_set_current = context.set

NORMAL, GOING_AWAY, BAD_DATA, POLICY, TOO_LARGE = 1000, 1001, 1007, 1008, 1009
SERVER_ERROR, RESTART = 1011, 1012
"""Close codes (RFC 6455 §7.4.1, and its registry for 1012)."""

NO_CODE, GONE = 1005, 1006
"""Codes that are never sent: no code given, and connection lost."""

_SENT_AT_ONCE = 64

MAX_REASON_BYTES = 123
"""SPEC(RFC 6455 §5.5): the space in a close frame after the code."""

_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})

# SPEC(RFC 9110 §5.1): the characters of a field's name.
_field_name = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+").fullmatch


class WebSocketClosed(Exception):  # noqa: N818  it is an end more often than an error
    """The connection was closed. This is not an error in the view.

    A view does not have to catch it: if it is not caught, the view just ends.

    Attributes:
        code: The close code: the other side's, 1005 if it sent none, and 1006 if the
            connection was lost.
        reason: The text sent with the code, often empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"The WebSocket was closed with {code}{': ' if reason else ''}{reason}")
        self.code = code
        self.reason = reason


class WebSocketDataError(ValueError):
    """A message does not have the expected format. Uncaught, it closes the socket with 1007.

    Attributes:
        detail: What is wrong with the message; sent as the close reason.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(f"Invalid message: {detail}")
        self.detail = detail


class WebSocket(Request):
    """A WebSocket: sends and receives messages, and has the handshake's request data.

    `accept` accepts the handshake, and so does the first `receive` or `send`. A view that
    returns or raises before that rejects it, with the response that it returns or the
    response of its error (``abort(403)``).

    Any task of the application on this event loop may use it, with or without a context.
    Threads may not.
    """

    # Set by the serving code before the view runs.
    _receive: t.Callable[[], t.Awaitable[Message]]
    _send: t.Callable[[Message], t.Awaitable[None]]
    _own_fields: t.Callable[[], t.Awaitable[t.Iterable[tuple[str, str]]]]
    _open_scope: t.Callable[[], AbstractAsyncContextManager[None]]
    _max_message_bytes: int | None = None
    _idle_s: float | None = None

    accepted = False
    """Whether the handshake has been accepted."""

    close_code: int | None = None
    """The code that either side closed the connection with; None while it is open."""

    _sent = 0
    """How many messages were sent since the view last yielded to the event loop."""

    _receiving = 0
    """How many tasks are waiting for a message."""

    @property
    def requested_subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        offered: list[str] | None = self.environ.get("asgi.scope", {}).get("subprotocols")
        if offered is not None:
            # COMPAT(wsproto): the scope's headers don't include this one.
            return list(offered)
        field = self.headers.get("Sec-WebSocket-Protocol", "")
        return [name.strip() for name in field.split(",") if name.strip()]

    async def accept(
        self, subprotocol: str | None = None, headers: HeadersLike | None = None
    ) -> None:
        """Accept the handshake; this saves the session and sends its cookie.

        The ``teardown_appcontext`` functions run before the client hears of it, because the
        connection may last for hours: what hooks have opened is closed. They run again when
        the connection ends. Values in ``g`` stay.

        Args:
            subprotocol: One of `requested_subprotocols`, or None.
            headers: Additional headers for the handshake's response.

        Raises `RuntimeError` if it was already accepted, `ValueError` for a header that
        can't be sent or a subprotocol that the client did not offer (it would close the
        connection), and `WebSocketClosed` if the client has disconnected.
        """
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"The client did not offer the subprotocol {subprotocol!r}, only"
                f" {self.requested_subprotocols}. Accept one of these, or None."
            )
        fields = _encode(Headers(headers)) if headers else []
        async with self._shaking_hands:
            if self.accepted:
                raise RuntimeError("The WebSocket was already accepted. Call accept() only once.")
            await self._accept(subprotocol, fields)

    def scope(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager that gives its block an application context.

        Use it around the work for one message, so that a connection that lives for hours does
        not hold a database connection for as long::

            async for message in websocket:
                async with websocket.scope():
                    await asyncio.to_thread(save, message)

        The block has its own ``g``; ``websocket``, ``request`` and ``session`` stay those of the
        connection. At its end the ``teardown_appcontext`` functions run, with the block's error
        if there is one: Flask-SQLAlchemy gives its connection back then. Raises `RuntimeError`
        after the view has ended.
        """
        opened = vars(self).get("_open_scope")
        if opened is None:
            raise RuntimeError("A scope needs a WebSocket whose view is running; this one ended.")
        return t.cast("AbstractAsyncContextManager[None]", opened())

    @lazy
    def _shaking_hands(self) -> asyncio.Lock:
        """The lock of the handshake, for views that send and receive in separate tasks."""
        return asyncio.Lock()

    async def _accept_unless_done(self) -> None:
        """Accept the handshake if a view sends or receives without having accepted it."""
        async with self._shaking_hands:
            if not self.accepted:
                await self._accept(None, [])

    async def _accept(self, subprotocol: str | None, fields: list[tuple[bytes, bytes]]) -> None:
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)
        fields += _encode(await self._own_fields())
        await self._deliver(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": fields}
        )
        self.accepted = True
        # Only needed for the handshake. Tasks that wait for the lock have a reference to it.
        del self._own_fields, vars(self)["_shaking_hands"]

    def receive(self) -> t.Coroutine[t.Any, t.Any, str | bytes]:
        """Wait for the next message: text as ``str``, binary data as ``bytes``.

        Raises `WebSocketClosed` when the connection is closed. A message over
        ``WEBSOCKET_MAX_MESSAGE_SIZE`` bytes closes it with 1009, and a client that sends
        nothing for ``WEBSOCKET_IDLE_S`` seconds with 1001.
        """
        return self._next(WebSocketClosed)

    async def _next(self, end: type[Exception]) -> str | bytes:
        """Receive a message; raises `end` if the connection is closed.

        PERF(sockets): the only coroutine between a view and the server's `receive`. Like
        `send`, it inlines `costrel.ground.current.outside`.
        """
        try:
            if not self.accepted:
                await self._accept_unless_done()
            if self.close_code is not None:
                raise WebSocketClosed(self.close_code)  # noqa: TRY301  or `end`, below
            self._receiving += 1
            token = _set_current(None)
            try:
                if self._idle_s is None:
                    message = await self._receive()
                else:
                    message = await self._receive_in_time(self._idle_s)
            except OSError as error:
                raise self._lost() from error
            finally:
                come_back(token)
                self._receiving -= 1
            data: str | bytes | None = message.get("text")
            if data is None:
                data = message.get("bytes")
                if data is None:
                    # Another task of the view may have closed it in the meantime.
                    code = self.close_code = self.close_code or message.get("code") or NO_CODE
                    raise WebSocketClosed(code, message.get("reason") or "")  # noqa: TRY301
            limit = self._max_message_bytes
            if limit is not None and len(data) * 4 > limit:
                await self._check_size(data, limit)
        except WebSocketClosed:
            if end is WebSocketClosed:
                raise
            raise end from None
        return data

    async def _receive_in_time(self, idle_s: float) -> Message:
        limit = asyncio.timeout(idle_s)
        try:
            async with limit:
                return await self._receive()
        except TimeoutError:
            if not limit.expired():
                raise
        await self.close(GOING_AWAY, "idle for too long")
        raise WebSocketClosed(GOING_AWAY, "idle for too long")

    async def _check_size(self, data: str | bytes, limit: int) -> None:
        if count_bytes(data) > limit:
            reason = f"message of more than {limit} bytes"
            await self.close(TOO_LARGE, reason)
            raise WebSocketClosed(TOO_LARGE, reason)

    async def send(self, data: str | bytes) -> None:
        """Send a message: text for ``str``, binary data for ``bytes``.

        Waits for a slow client. Raises `WebSocketClosed` if the client has disconnected,
        and `TypeError` for other types.
        """
        message: Message
        if isinstance(data, str):
            message = {"type": "websocket.send", "text": data}
        elif isinstance(data, (bytes, bytearray, memoryview)):
            message = {"type": "websocket.send", "bytes": bytes(data)}
        else:
            raise TypeError(
                f"A WebSocket sends str or bytes, not {type(data).__name__}. For JSON, use"
                " websocket.send_json()."
            )
        if not self.accepted:
            await self._accept_unless_done()
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code)
        token = _set_current(None)
        try:
            await self._send(message)
        except OSError as error:
            # SPEC(ASGI WebSocket): servers raise this if the client has disconnected.
            raise self._lost() from error
        finally:
            come_back(token)
        self._sent += 1
        if self._sent >= _SENT_AT_ONCE:
            # A server may not wait for a disconnected client. Let other tasks notice it.
            self._sent = 0
            await asyncio.sleep(0)

    @t.overload
    async def receive_json(self) -> t.Any: ...
    @t.overload
    async def receive_json(self, type: type[V]) -> V: ...
    async def receive_json(self, type: t.Any = None) -> t.Any:  # noqa: A002
        """Wait for a message and read it as JSON.

        Args:
            type: The type to decode: a msgspec class, a dataclass, a ``TypedDict``, or any
                other type that `msgspec` supports. Default: any JSON value.

        Raises `WebSocketDataError` for a message that is not JSON or not of that type.
        """
        data = await self.receive()
        try:
            # SECURITY(recursion): checked whichever parser reads it.
            if len(data) > MAX_DEPTH:
                check_depth(data)
            check_json(data)
            if type is None:
                return self.json_module.loads(data)
            return msgspec.json.decode(data, type=type)
        except (ValueError, RecursionError) as error:
            raise WebSocketDataError(str(error)) from error

    async def send_json(self, obj: t.Any) -> None:
        """Send a value as JSON in a text message, encoded as in responses, or a msgspec struct."""
        if isinstance(obj, msgspec.Struct):
            await self.send(msgspec.json.encode(obj).decode())
        else:
            await self.send(self.json_module.dumps(obj))

    async def close(  # type: ignore[override]
        self, code: int = NORMAL, reason: str = ""
    ) -> None:
        """Close the connection, or reject the handshake with 403 if not yet accepted.

        Args:
            code: 1000 to 1003 or 1007 to 1014 (RFC 6455 §7.4.1 and its registry), or 3000
                to 4999 for libraries and applications.
            reason: Text for the other side, at most 123 bytes.

        Does nothing if the connection is already closed. If the server refuses codes below
        3000, as Daphne does, 3000 is added: 1009 is sent as 4009.
        Raises `ValueError` for a code or reason that can't be sent.
        """
        if code not in _CODES and not 3000 <= code < 5000:
            raise ValueError(
                f"The close code {code} can't be sent. Use 1000 for a normal close, or a code"
                " from 4000 to 4999 for the application's own."
            )
        if len(reason.encode()) > MAX_REASON_BYTES:
            raise ValueError(
                f"A close reason is at most {MAX_REASON_BYTES} bytes long (RFC 6455 §5.5), but"
                f" {reason[:20]!r}... has {len(reason.encode())}. Shorten it."
            )
        if self.close_code is not None:
            return
        self.close_code = code
        await send_close(self._send, code, reason)

    def __aiter__(self) -> t.Self:
        """Iterate over the messages until the connection is closed."""
        return self

    def __anext__(self) -> t.Coroutine[t.Any, t.Any, str | bytes]:
        if type(self) is WebSocket:
            return self._next(StopAsyncIteration)
        return self._receive_or_stop()

    async def _receive_or_stop(self) -> str | bytes:
        """Call `receive`, which a subclass may override."""
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    def _lost(self) -> WebSocketClosed:
        """Record that the client has disconnected, and return the error to raise."""
        if self.close_code is None:
            self.close_code = GONE
        return WebSocketClosed(self.close_code)

    async def _deliver(self, message: Message) -> None:
        try:
            await outside(self._send, message)
        except OSError as error:
            raise self._lost() from error


def count_bytes(data: str | bytes) -> int:
    """Return the size of a message in bytes, as it was sent."""
    return len(data.encode("utf-8", "surrogatepass")) if isinstance(data, str) else len(data)


async def send_close(
    send: t.Callable[[Message], t.Awaitable[None]], code: int, reason: str
) -> None:
    """Tell a server to close a connection; does nothing if the client has disconnected."""
    with suppress(OSError):
        try:
            await outside(send, {"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            raise
        except Exception:
            # COMPAT(Daphne): its library refuses to send most standard codes.
            if code == NORMAL or code >= 3000:
                raise
            await outside(send, {"type": "websocket.close", "code": code + 3000})


def _encode(fields: t.Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers in the form of ASGI.

    SECURITY(response splitting): a name with a line break would start another header.
    `Headers` has already refused such values.
    """
    encoded = []
    for name, value in fields:
        lowered = name.lower()
        if not _field_name(name) or lowered == "sec-websocket-protocol":
            raise ValueError(
                f"{name!r} can't be a header of the handshake's response. Choose a subprotocol"
                " with accept(subprotocol=...)."
            )
        encoded.append((lowered.encode("ascii"), value.encode("latin-1")))
    return encoded
