"""Server-sent events: `EventStream`, a streaming response of `Event` objects."""

from __future__ import annotations

import asyncio
import re
import typing as t
from collections.abc import AsyncIterable, Iterable

import msgspec

from .ctx import RequestContext, call_all
from .dispatch.bodies import in_request
from .dispatch.threads import hop_for
from .ground.current import current_app, request_view
from .helpers import ContextStream
from .wrappers import Response

if t.TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=t.Any)
else:
    T = t.TypeVar("T")

Encode = t.Callable[[t.Any], bytes]

_line_ends = re.compile(r"\r\n|\r|\n")
_breaks_field = re.compile(r"[\r\n\0]").search
_NOTHING: t.Any = object()


class Event:
    """One event of a stream (WHATWG HTML §9.2).

    Args:
        data: Text is sent unchanged, except that every line ending arrives as a line feed.
            Anything else is sent as JSON. Without `data` and `event`, the client gets no
            event, but stores `id` and `retry_ms`.
        event: Name that the client listens for; ``message`` if None.
        id: Value that the client sends as ``Last-Event-ID`` when it reconnects. An empty
            string makes it forget the last one.
        retry_ms: Time to wait before the client reconnects, in milliseconds.
        comment: Text that clients ignore; it keeps a connection from looking idle.

    Raises `ValueError`, also when an attribute is set later, for what can't be sent: a
    line break or NUL in `event` or `id`, or a negative `retry_ms`.
    """

    __slots__ = ("_event", "_id", "_retry_ms", "comment", "data")

    def __init__(
        self,
        data: t.Any = _NOTHING,
        event: str | None = None,
        id: str | int | None = None,  # noqa: A002  the field's name
        retry_ms: int | None = None,
        comment: str | None = None,
    ) -> None:
        self.data = data
        self.event = event
        self.id = id
        self.retry_ms = retry_ms
        self.comment = comment

    @property
    def event(self) -> str | None:
        """Name that the client listens for."""
        return self._event

    @event.setter
    def event(self, name: str | None) -> None:
        self._event = None if name is None else _one_line("event", name)

    @property
    def id(self) -> str | None:
        """Value that the client sends as ``Last-Event-ID``; a number becomes text."""
        return self._id

    @id.setter  # noqa: A003  the field's name
    def id(self, value: str | int | None) -> None:
        self._id = None if value is None else _one_line("id", value)

    @property
    def retry_ms(self) -> int | None:
        """Time to wait before the client reconnects, in milliseconds."""
        return self._retry_ms

    @retry_ms.setter
    def retry_ms(self, time_ms: int | None) -> None:
        if time_ms is not None:
            time_ms = int(time_ms)
            if time_ms < 0:
                raise ValueError(f"retry_ms={time_ms} is negative. Pass 0 or more milliseconds.")
        self._retry_ms = time_ms

    def encode(self, to_json: t.Callable[[t.Any], str]) -> bytes:
        """Return the encoded event; `to_json` serializes data that is not text."""
        lines = []
        if self.comment is not None:
            lines += [f": {line}" for line in _line_ends.split(self.comment)]
        if self._event is not None:
            lines.append(f"event: {self._event}")
        if self._id is not None:
            lines.append(f"id: {self._id}")
        if self._retry_ms is not None:
            lines.append(f"retry: {self._retry_ms}")
        if self.data is not _NOTHING:
            text = self.data if isinstance(self.data, str) else to_json(self.data)
            lines += [f"data: {line}" for line in _line_ends.split(text)]
        elif self._event is not None:
            # SPEC(WHATWG HTML §9.2.6): an event without a data line is never dispatched.
            lines.append("data")
        return ("\n".join(lines) + "\n\n").encode()


def _one_line(name: str, value: object) -> str:
    """Return a field's value as plain text.

    SECURITY(event injection): a line break in it would start another field.
    """
    # The plain text of a `str` subclass, such as an enum member.
    text = str.__str__(value) if isinstance(value, str) else str(value)
    if _breaks_field(text):
        raise ValueError(
            f"{name}={text!r} contains a line break or NUL, which clients don't accept. Put"
            " such text into data."
        )
    return text


class EventStream(Response, t.Generic[T]):
    """A response that sends events as a generator yields them.

    In a view::

        @app.get("/prices")
        async def prices():
            async def events():
                async for price in watch(since=request.headers.get("Last-Event-ID")):
                    yield Event({"price": price.value}, id=price.number)

            return EventStream(events())

    Args:
        events: An async or sync generator (or iterable) of `Event`, of text, or of values
            to send as JSON. The request is current in it.
        retry_ms: Time to wait before the client reconnects, in milliseconds. If None,
            browsers use their own default of a few seconds.
        keep_alive_s: Send a comment after this many seconds without an event, or None for
            never. It keeps proxies from closing the connection, and lets a WSGI server
            notice that the client has disconnected. A sync generator can't be
            interrupted, so it has to yield ``Event(comment="")`` itself.

    On a typed view, the return annotation `EventStream[Book]` says what the events' data is, and
    nothing else of it is sent.

    Before the first piece is sent, the ``teardown_appcontext`` functions run, so that a stream
    that lives for hours holds no database connection for as long. They run again at its end.
    In the generator, use ``with app.app_context():`` or ``async with app.app_context():`` around
    what needs one.

    The generator resumes when the server has taken its last event. It is closed when the
    client disconnects. An error in it ends the response and is logged by the server.
    Raises `TypeError` if `events` is not an iterable of events.
    """

    def __init__(
        self,
        events: AsyncIterable[t.Any] | Iterable[t.Any],
        *,
        retry_ms: int | None = None,
        keep_alive_s: float | None = 15,
    ) -> None:
        if isinstance(events, (str, bytes)) or not isinstance(events, (AsyncIterable, Iterable)):
            raise TypeError(
                f"EventStream() takes a generator or another iterable of events, not {events!r}."
                " If that is a generator function, call it."
            )
        if keep_alive_s is not None and keep_alive_s <= 0:
            raise ValueError(f"keep_alive_s={keep_alive_s} must be positive, or None for never.")
        super().__init__(mimetype="text/event-stream")
        # Neither stored by caches nor buffered by nginx.
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"
        encode = self._encoder = _Encoder(current_app.json.dumps)
        ctx = request_view.get()
        # Servers send the headers with the first chunk, so send one at once: the client
        # then knows that it is connected.
        first = encode(Event(comment="") if retry_ms is None else Event(retry_ms=retry_ms))
        body: t.Any
        if isinstance(events, AsyncIterable):
            body = in_request(_AsyncEvents(events, encode, first, keep_alive_s, ctx))
        else:
            body = ContextStream(ctx, _Events(events, encode, first, ctx))
        self.response = body

    def narrow_data(self, narrow: t.Callable[[t.Any], str]) -> None:
        """Send of the data of each event what a function makes of it.

        Called for a typed view that declares `EventStream[T]`: no event has more than `T`, and
        data that does not fit is an error.
        """
        self._encoder.narrow = narrow


class _Encoder:
    """Encode the values that a generator yields as events."""

    def __init__(self, dumps: t.Callable[[t.Any], str]) -> None:
        self._dumps = dumps
        self.narrow: t.Callable[[t.Any], str] | None = None

    def _to_json(self, value: t.Any) -> str:
        if self.narrow is not None:
            return self.narrow(value)
        if isinstance(value, msgspec.Struct):
            return msgspec.json.encode(value).decode()
        return self._dumps(value)

    def __call__(self, value: t.Any) -> bytes:
        """Encode an event, or a value as the data of one."""
        event = value if isinstance(value, Event) else Event(value)
        if self.narrow is not None and isinstance(event.data, str):
            # Text is sent as it is, if it may be sent.
            self.narrow(event.data)
        return event.encode(self._to_json)


def _give_back(ctx: RequestContext) -> None:
    """Run the application's teardown functions, which give back what the view has used."""
    if ctx._borrowed is None:
        functions = [*reversed(ctx.app.teardown_appcontext_funcs)]
        call_all(map(ctx.app.ensure_sync, functions), ctx._error)


class _Events:
    """Iterate over the encoded events of a sync iterable."""

    def __init__(
        self, events: Iterable[t.Any], encode: Encode, first: bytes, ctx: RequestContext
    ) -> None:
        self._iterator = iter(events)
        self._encode = encode
        self._first = first
        self._ctx = ctx

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            _give_back(self._ctx)
            return first
        return self._encode(next(self._iterator))

    def close(self) -> None:
        """Close the generator."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


class _AsyncEvents:
    """Iterate over the encoded events of an async iterable, with keep-alive comments.

    The generator runs in one task, so it keeps its context variables and timeouts, and
    sending a comment does not interrupt it. It waits at its ``yield`` until the next event
    is requested.
    """

    def __init__(
        self,
        events: AsyncIterable[t.Any],
        encode: Encode,
        first: bytes,
        keep_alive_s: float | None,
        ctx: RequestContext,
    ) -> None:
        self._ctx = ctx
        self._iterator = aiter(events)
        self._encode = encode
        self._first = first
        self._keep_alive_s = keep_alive_s
        self._asked = asyncio.Event()
        self._came: asyncio.Queue[t.Any] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def __aiter__(self) -> t.Self:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            if self._ctx.app.teardown_appcontext_funcs:
                await hop_for(self._ctx.app, _give_back, self._ctx)
            return first
        if self._ended:
            raise StopAsyncIteration
        if self._came.empty():
            self._asked.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run_through())
            self._task.add_done_callback(lambda _: self._came.put_nowait(_END))
        try:
            async with asyncio.timeout(self._keep_alive_s):
                event = await self._came.get()
        except TimeoutError:
            return _KEEP_ALIVE
        if event is _END:
            self._finish(self._task)
            raise StopAsyncIteration
        return self._encode(event)

    async def _run_through(self) -> None:
        try:
            async for event in self._iterator:
                self._asked.clear()
                self._came.put_nowait(event)
                await self._asked.wait()
        finally:
            await self._close()

    async def _close(self) -> None:
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()

    def _finish(self, task: asyncio.Task[None], *, may_be_cancelled: bool = False) -> None:
        """Raise the generator's error, once."""
        self._ended = True
        if not task.cancelled():
            task.result()
        elif not may_be_cancelled:
            # A CancelledError would look as if the stream's reader were cancelled.
            raise RuntimeError("The generator of an EventStream raised CancelledError.")

    async def aclose(self) -> None:
        """Close the generator, even while it is running."""
        self._first = b""
        if self._ended:
            return
        if self._task is None:
            self._ended = True
            await self._close()
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        self._finish(self._task, may_be_cancelled=True)


_END: t.Any = object()
_KEEP_ALIVE = b": keep-alive\n\n"
