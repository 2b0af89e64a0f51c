"""Look through decorators: find the coroutine function beneath sync ones.

A decorator that uses `functools.wraps` names the function that it calls as ``__wrapped__``.
A sync decorator around an ``async def`` function usually returns the awaitable that it got.
"""

from __future__ import annotations

import typing as t
from functools import partial
from inspect import iscoroutinefunction

_LIMIT = 100
"""How many layers are looked at; some objects have any attribute, and so no end."""


def layers(function: t.Any) -> t.Iterator[t.Any]:
    """Yield a function and what it wraps, the outermost decorator first."""
    for _ in range(_LIMIT):
        yield function
        function = _inner(function)
        if function is None:
            return


def _inner(function: t.Any) -> t.Any:
    inner = getattr(function, "__wrapped__", None)
    return function.func if inner is None and isinstance(function, partial) else inner


def coroutine_beneath(function: t.Any) -> t.Any:
    """Return the coroutine function beneath sync decorators; None for any other function."""
    inner = _inner(function)
    if inner is None or iscoroutinefunction(function):
        return None
    return next(filter(iscoroutinefunction, layers(inner)), None)


def is_async(function: t.Any) -> bool:
    """Whether this is a coroutine function, or has one beneath its decorators."""
    return iscoroutinefunction(function) or coroutine_beneath(function) is not None
