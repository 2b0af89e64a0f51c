"""A response's body that an async generator makes, for servers of both kinds."""

from __future__ import annotations

import typing as t
from collections.abc import AsyncIterator
from weakref import ref

from ..ground.current import request_view
from ..helpers import ContextStream
from .loop import async_to_sync


class AsyncBody:
    """Be iterated over by async code on an event loop, and by sync code beside one."""

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

    def close(self) -> None:
        """Close the async generator."""
        close = getattr(self.iterator, "aclose", None)
        if close is not None:
            async_to_sync(close)()


async def _next(iterator: AsyncIterator[t.Any]) -> t.Any:
    return await anext(iterator)


def in_request(iterator: AsyncIterator[t.Any]) -> AsyncBody | ContextStream:
    """Make a body of an async iterator, in which the current request stays current."""
    ctx = request_view.get()
    body = AsyncBody(iterator)
    if not ctx.on_loop:
        from .streams import AsyncContextStream

        return AsyncContextStream(ctx, body)
    # There the request is left when the body is sent, and not before.
    ctx.streams.append(ref(body))
    return body
