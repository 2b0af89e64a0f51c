"""Bodies from async generators, for requests that were answered in a thread."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncIterator
from contextvars import Context

from ..ground.convertible import Convertible
from ..ground.current import context as current_context
from ..helpers import ContextStream
from .threads import workers_of

if t.TYPE_CHECKING:
    from ..registration.application import App

R = t.TypeVar("R")


class AsyncContextStream(ContextStream, Convertible):
    """The stream of a request that was answered in a thread, produced on an event loop.

    Unless `on_loop` is called, sync code iterates over it and waits for each piece in its
    thread.
    """

    _iterator: t.Any

    def on_loop(self, app: App, context: Context) -> AsyncIterator[t.Any]:
        """Return an iterator that runs on the current loop, in the context of the request.

        It occupies no thread while it waits.
        """
        self._app, self._context = app, context
        return self

    def convert(self, make: t.Callable[[AsyncIterator[t.Any]], AsyncIterator[t.Any]]) -> None:
        """Replace the async iterator by what a function makes of it, before anything is read."""
        self._iterator.convert(make)

    def __aiter__(self) -> t.Self:
        return self

    async def __anext__(self) -> t.Any:
        if not self._open:
            raise StopAsyncIteration
        try:
            return await self._run(anext, self._iterator.iterator)
        except BaseException as error:
            await self._leave(None if isinstance(error, StopAsyncIteration) else error)
            raise

    async def _run(self, function: t.Callable[..., t.Awaitable[R]], *args: t.Any) -> R:
        async def run() -> R:
            loop = asyncio.get_running_loop()
            self._ctx.loop = loop
            token = current_context.set(self._current)
            try:
                return await function(*args)
            except StopAsyncIteration as end:
                raise _Ended from end
            finally:
                self._current = current_context.get()
                current_context.reset(token)

        try:
            return await asyncio.get_running_loop().create_task(run(), context=self._context)
        except _Ended as end:
            raise StopAsyncIteration from end

    async def _leave(self, error: BaseException | None) -> None:
        if not self._open:
            return
        self._open = False
        try:
            close = getattr(self._iterator.iterator, "aclose", None)
            if close is not None:
                await self._run(close)
        finally:
            await workers_of(self._app).run(self._ctx.release, error, context=self._context)

    async def aclose(self) -> None:
        """Close the async generator, and let the request's teardown functions run."""
        await self._leave(None)


class _Ended(Exception):  # noqa: N818  not a fault
    """Replaces StopAsyncIteration, which a task can't raise."""
