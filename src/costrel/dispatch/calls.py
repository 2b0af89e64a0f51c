"""Call a function from an event loop, wherever it has to run."""

from __future__ import annotations

import typing as t
from functools import partial
from inspect import isawaitable, iscoroutinefunction

from ..ground.wrapped import coroutine_beneath
from .threads import hop_for

if t.TYPE_CHECKING:
    from ..registration.application import App


async def call(app: App, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:
    """Call a function: a coroutine function on the loop, a sync one in a worker thread.

    What sync decorators of a coroutine function return is awaited on the loop.
    """
    if iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await settle(function, await hop_for(app, partial(function, *args, **kwargs)))


async def settle(function: t.Callable[..., t.Any], rv: t.Any) -> t.Any:
    """Await what a function has returned in a thread, if it has a coroutine function beneath."""
    if coroutine_beneath(function) is not None and isawaitable(rv):
        return await rv
    return rv
