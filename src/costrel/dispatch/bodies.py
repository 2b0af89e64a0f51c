"""Response bodies from async generators, for both WSGI and ASGI servers."""

from __future__ import annotations

import typing as t
from collections.abc import AsyncIterator
from weakref import ref

from ..ground.convertible import Convertible
from ..ground.current import request_view
from ..helpers import ContextStream
from .loop import async_to_sync


class AsyncBody(Convertible):
    """A body that async code can iterate over on its loop, and sync code in a thread."""

    def __init__(self, iterator: AsyncIterator[t.Any]) -> None:
        self.iterator = iterator

    def __aiter__(self) -> AsyncIterator[t.Any]:
        return self.iterator

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> t.Any:
        try:
            return async_to_sync(_next)(self.iterator)
        except StopAsyncIteration:
            raise StopIteration from None

    def convert(self, make: t.Callable[[AsyncIterator[t.Any]], AsyncIterator[t.Any]]) -> None:
        """Replace the iterator by what a function makes of it, before anything is read."""
        self.iterator = make(self.iterator)

    def close(self) -> None:
        """Close the async generator."""
        close = getattr(self.iterator, "aclose", None)
        if close is not None:
            async_to_sync(close)()


async def _next(iterator: AsyncIterator[t.Any]) -> t.Any:
    return await anext(iterator)


def in_request(iterator: AsyncIterator[t.Any]) -> AsyncBody | ContextStream:
    """Make a body from an async iterator, and keep the request current while it runs."""
    ctx = request_view.get()
    body = AsyncBody(iterator)
    if not ctx.on_loop:
        from .streams import AsyncContextStream

        return AsyncContextStream(ctx, body)
    # On a loop, the request is left only after the body is sent.
    ctx.streams.append(ref(body))
    return body
