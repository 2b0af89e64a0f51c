"""Server-sent events: `EventStream`, a response that goes on."""

from __future__ import annotations

import asyncio
import re
import typing as t
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress

import msgspec

from .current import current_app, request_view
from .dispatch.asyncbody import AsyncBody
from .helpers import ContextStream
from .wrappers import Response

_line_ends = re.compile(r"\r\n|\r|\n")


class Event:
    """One event of a stream (WHATWG HTML §9.2).

    Args:
        data: Text, sent as it is; anything else is sent as JSON.
        event: Name that the client listens to; ``message`` if None.
        id: What the client sends back as ``Last-Event-ID`` when it comes again.
        retry_ms: How long the client is to wait, in milliseconds, before that.

    Raises `ValueError` for an `event` or `id` that would not arrive as it is.
    """

    __slots__ = ("data", "event", "id", "retry_ms")

    def __init__(
        self,
        data: t.Any = None,
        event: str | None = None,
        id: str | int | None = None,  # noqa: A002  the field's name
        retry_ms: int | None = None,
    ) -> None:
        self.data = data
        self.event = event
        self.id = None if id is None else str(id)
        self.retry_ms = retry_ms
        for name, value in (("event", event), ("id", self.id)):
            if value is not None and re.search(r"[\r\n\0]", value):
                raise ValueError(
                    f"{name}={value!r} has a line break or NUL in it, which ends the field. Put"
                    " such text into data."
                )

    def encode(self, to_json: t.Callable[[t.Any], str]) -> bytes:
        """Return the event as it is sent; `to_json` writes data that is no text."""
        lines = []
        if self.event is not None:
            lines.append(f"event: {self.event}")
        if self.id is not None:
            lines.append(f"id: {self.id}")
        if self.retry_ms is not None:
            lines.append(f"retry: {int(self.retry_ms)}")
        if self.data is not None:
            text = self.data if isinstance(self.data, str) else to_json(self.data)
            lines += [f"data: {line}" for line in _line_ends.split(text)]
        return ("\n".join(lines) + "\n\n").encode()


Events = AsyncIterable[t.Any] | Iterable[t.Any]


class EventStream(Response):
    """Answer with events as they come::

        @app.get("/prices")
        async def prices():
            async def events():
                async for price in watch(since=request.headers.get("Last-Event-ID")):
                    yield Event({"price": price.value}, id=price.number)

            return EventStream(events())

    Args:
        events: An async or sync generator (or iterable) of `Event`, or of what becomes
            one: text, or a value that is sent as JSON. The request is current in it.
        retry_ms: How long the client is to wait before it comes again.
        keep_alive_s: Send a comment after so many seconds without an event, which keeps
            proxies from closing the connection; None for never. A sync generator can't
            be interrupted, so it sends none.

    The generator is closed when the client goes away.
    """

    def __init__(
        self, events: Events, *, retry_ms: int | None = None, keep_alive_s: float | None = 15
    ) -> None:
        super().__init__(mimetype="text/event-stream")
        # A stream is read as it comes: neither kept by caches nor held back by nginx.
        self.headers["Cache-Control"] = "no-cache"
        self.headers["X-Accel-Buffering"] = "no"
        del self.headers["Content-Length"]
        app: t.Any = current_app._get_current_object()
        encode = _Encoder(app.json.dumps)
        first = b"" if retry_ms is None else Event(retry_ms=retry_ms).encode(encode.to_json)
        body: t.Any
        ctx = request_view.get()
        if isinstance(events, AsyncIterable):
            body = AsyncBody(_encode_async(events, encode, first, keep_alive_s))
        else:
            body = _encode_sync(events, encode, first)
        in_loop = ctx.on_loop and isinstance(events, AsyncIterable)
        self.response = body if in_loop else ContextStream(ctx, iter(body))


class _Encoder:
    """Write values that a generator yields as events."""

    def __init__(self, dumps: t.Callable[[t.Any], str]) -> None:
        self._dumps = dumps

    def to_json(self, value: t.Any) -> str:
        """Write data that is no text."""
        if isinstance(value, msgspec.Struct):
            return msgspec.json.encode(value).decode()
        return self._dumps(value)

    def __call__(self, value: t.Any) -> bytes:
        """Write an event, or what becomes the data of one."""
        event = value if isinstance(value, Event) else Event(value)
        return event.encode(self.to_json)


def _encode_sync(events: Iterable[t.Any], encode: _Encoder, first: bytes) -> Iterator[bytes]:
    iterator = iter(events)
    try:
        if first:
            yield first
        for event in iterator:
            yield encode(event)
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


async def _encode_async(
    events: AsyncIterable[t.Any], encode: _Encoder, first: bytes, keep_alive_s: float | None
) -> AsyncIterator[bytes]:
    """Yield what is sent: the events, and comments where none comes for a while.

    One task runs through the generator, which so keeps its context variables and timeouts.
    """
    queue: asyncio.Queue[t.Any] = asyncio.Queue(1)

    async def run_through() -> None:
        iterator = aiter(events)
        try:
            async for event in iterator:
                await queue.put(event)
        except Exception:
            await queue.put(_END)
            raise  # to who reads the queue
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()
        await queue.put(_END)

    task = asyncio.create_task(run_through())
    try:
        if first:
            yield first
        while True:
            try:
                async with asyncio.timeout(keep_alive_s):
                    event = await queue.get()
            except TimeoutError:
                yield b": keep-alive\n\n"
                continue
            if event is _END:
                break
            yield encode(event)
        await task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


_END: t.Any = object()
