"""A WebSocket as a view has it: `WebSocket`, behind the ``websocket`` proxy."""

from __future__ import annotations

import asyncio
import re
import typing as t
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec
from werkzeug.datastructures import Headers

from .ground.current import come_back, context, outside
from .ground.lazy import lazy
from .json.depth import MAX_DEPTH, check_depth
from .wrappers import Request

V = t.TypeVar("V")
Message = t.MutableMapping[str, t.Any]
HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]

_set_current = context.set

NORMAL, GOING_AWAY, BAD_DATA, POLICY, TOO_LARGE = 1000, 1001, 1007, 1008, 1009
SERVER_ERROR, RESTART = 1011, 1012
"""Close codes (RFC 6455 §7.4.1, and its registry for 1012)."""

NO_CODE, GONE = 1005, 1006
"""Codes that are never sent: the other side gave none; it was just gone."""

_SENT_AT_ONCE = 64

MAX_REASON_BYTES = 123
"""SPEC(RFC 6455 §5.5): what a close frame has room for, beside the code."""

_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})

# SPEC(RFC 9110 §5.1): the characters of a field's name.
_field_name = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+").fullmatch


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
    """Tell that a message was not what was asked for; uncaught, the socket closes with 1007.

    Attributes:
        detail: What is wrong with it; sent as the reason of that close.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(f"The message is not as expected: {detail}")
        self.detail = detail


class WebSocket(Request):
    """Send and receive messages, and give what the handshake's request said.

    The handshake is accepted by `accept`, or by the first `receive` or `send`. A view
    that returns or raises before that rejects it: with the response that it returned,
    or that its error has (``abort(403)``).

    Any task of the event loop may use it, with or without a context; only the
    application's own tasks of this loop, and no threads.
    """

    # Set by the server's side before the view runs.
    _receive: t.Callable[[], t.Awaitable[Message]]
    _send: t.Callable[[Message], t.Awaitable[None]]
    _own_fields: t.Callable[[], t.Awaitable[t.Iterable[tuple[str, str]]]]
    _max_message_bytes: int | None = None
    _idle_s: float | None = None

    accepted = False
    """Whether the handshake was accepted."""

    close_code: int | None = None
    """The code that the connection was closed with, by either side; None while it is open."""

    _sent = 0
    """How many messages were sent since the view last gave way to others."""

    _receiving = 0
    """How many tasks wait for a message."""

    @property
    def requested_subprotocols(self) -> list[str]:
        """List the subprotocols that the client offers, in its order of preference."""
        offered: list[str] | None = self.environ.get("asgi.scope", {}).get("subprotocols")
        if offered is not None:
            # COMPAT(wsproto): the header is not among those of the scope.
            return list(offered)
        field = self.headers.get("Sec-WebSocket-Protocol", "")
        return [name.strip() for name in field.split(",") if name.strip()]

    async def accept(
        self, subprotocol: str | None = None, headers: HeadersLike | None = None
    ) -> None:
        """Accept the handshake; saves the session, whose cookie goes with it.

        Args:
            subprotocol: One of `requested_subprotocols`, or None.
            headers: More headers of the handshake's response.

        Raises `RuntimeError` if it was accepted already, `ValueError` for a subprotocol
        that the client did not offer, which would make it close the connection, or a
        header that can't be sent, and `WebSocketClosed` if the client is gone.
        """
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"The client did not offer the subprotocol {subprotocol!r}, but"
                f" {self.requested_subprotocols}. Accept one of these, or none."
            )
        fields = _encode(Headers(headers)) if headers else []
        async with self._shaking_hands:
            if self.accepted:
                raise RuntimeError("This WebSocket was accepted already; call accept() only once.")
            await self._accept(subprotocol, fields)

    @lazy
    def _shaking_hands(self) -> asyncio.Lock:
        """Hold the lock of the handshake, for views that send and receive in two tasks."""
        return asyncio.Lock()

    async def _accept_unless_done(self) -> None:
        """Accept, where a view sends or receives without having accepted."""
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
        # Of the handshake only; who waits for the lock still has it.
        del self._own_fields, vars(self)["_shaking_hands"]

    def receive(self) -> t.Coroutine[t.Any, t.Any, str | bytes]:
        """Wait for the next message: text as ``str``, binary data as ``bytes``.

        Raises `WebSocketClosed` when the connection ended, also after closing it for a
        message over ``WEBSOCKET_MAX_MESSAGE_SIZE`` bytes (1009), and for a client that
        sent nothing for ``WEBSOCKET_IDLE_S`` seconds (1001).
        """
        return self._next(WebSocketClosed)

    async def _next(self, end: type[Exception]) -> str | bytes:
        """Receive a message; raises what stands for the end, if that is what came.

        PERF(sockets): the one coroutine between a view and the server's `receive`. It does
        itself what `costrel.ground.current.outside` does, and so does `send`.
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
                    # Another task of the view may have closed it meanwhile.
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

        Waits while the client is slow. Raises `WebSocketClosed` if it is gone, and
        `TypeError` for other types.
        """
        message: Message
        if isinstance(data, str):
            message = {"type": "websocket.send", "text": data}
        elif isinstance(data, (bytes, bytearray, memoryview)):
            message = {"type": "websocket.send", "bytes": bytes(data)}
        else:
            raise TypeError(
                f"A WebSocket sends str or bytes, not {type(data).__name__}. For JSON use"
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
            # SPEC(ASGI WebSocket): how servers say that the client is gone.
            raise self._lost() from error
        finally:
            come_back(token)
        self._sent += 1
        if self._sent >= _SENT_AT_ONCE:
            # A server need not wait for a client that has left: others must get to notice it.
            self._sent = 0
            await asyncio.sleep(0)

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
            # SECURITY(recursion): whoever reads it.
            if len(data) > MAX_DEPTH:
                check_depth(data)
            if type is None:
                return self.json_module.loads(data)
            return msgspec.json.decode(data, type=type)
        except (ValueError, RecursionError) as error:
            raise WebSocketDataError(str(error)) from error

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
            code: 1000 to 1003, 1007 to 1014 (RFC 6455 §7.4.1, and its registry), or one
                of libraries and applications between 3000 and 4999.
            reason: Text for the other side, at most 123 bytes.

        Does nothing if the connection is closed already. Where a server refuses a code
        below 3000, as Daphne does, it is sent as that plus 3000: 4009 for 1009.
        Raises `ValueError` for a code or a reason that can't be sent.
        """
        if code not in _CODES and not 3000 <= code < 5000:
            raise ValueError(
                f"{code} is no close code that may be sent. Take 1000 for a normal end, or one"
                " between 4000 and 4999 for the application's own."
            )
        if len(reason.encode()) > MAX_REASON_BYTES:
            raise ValueError(
                f"The reason of a close is at most {MAX_REASON_BYTES} bytes long (RFC 6455 §5.5),"
                f" but {reason[:20]!r}... has {len(reason.encode())}."
            )
        if self.close_code is not None:
            return
        self.close_code = code
        await send_close(self._send, code, reason)

    def __aiter__(self) -> t.Self:
        """Iterate over the messages, until the connection ends."""
        return self

    def __anext__(self) -> t.Coroutine[t.Any, t.Any, str | bytes]:
        if type(self) is WebSocket:
            return self._next(StopAsyncIteration)
        return self._receive_or_stop()

    async def _receive_or_stop(self) -> str | bytes:
        """Receive as a subclass does, which may have a `receive` of its own."""
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    def _lost(self) -> WebSocketClosed:
        """Note that the client is gone, and make the error that says so."""
        if self.close_code is None:
            self.close_code = GONE
        return WebSocketClosed(self.close_code)

    async def _deliver(self, message: Message) -> None:
        try:
            await outside(self._send, message)
        except OSError as error:
            raise self._lost() from error


def count_bytes(data: str | bytes) -> int:
    """Tell how long a message is, as it was sent."""
    return len(data.encode("utf-8", "surrogatepass")) if isinstance(data, str) else len(data)


async def send_close(
    send: t.Callable[[Message], t.Awaitable[None]], code: int, reason: str
) -> None:
    """Tell a server to close a connection; if the client is gone, it is closed already."""
    with suppress(OSError):
        try:
            await outside(send, {"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            raise
        except Exception:
            # COMPAT(Daphne): its library refuses to send the codes of the standard.
            if code == NORMAL or code >= 3000:
                raise
            await outside(send, {"type": "websocket.close", "code": code + 3000})


def _encode(fields: t.Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them.

    SECURITY(response splitting): a name with a line break would begin another header;
    `Headers` has refused values with one.
    """
    encoded = []
    for name, value in fields:
        lowered = name.lower()
        if not _field_name(name) or lowered == "sec-websocket-protocol":
            raise ValueError(
                f"{name!r} can't be a header of the handshake's response. A subprotocol is chosen"
                " by accept(subprotocol=...)."
            )
        encoded.append((lowered.encode("ascii"), value.encode("latin-1")))
    return encoded
