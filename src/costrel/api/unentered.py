"""Refuse dependencies that make context managers, which nothing would enter.

SECURITY: what a manager has not done yet may be the check of who sends the request, and what it
would close stays open.
"""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    closing,
    contextmanager,
)
from functools import _lru_cache_wrapper, partial

from ..ground.wrapped import layers

CLOSERS = (closing, aclosing)
"""Classes of managers that are nothing else: no code does anything with one but enter it."""


def _nothing() -> Iterator[None]:
    yield


_MANAGER_CODES = frozenset(
    decorated.__code__
    for decorated in (contextmanager(_nothing), asynccontextmanager(t.cast("t.Any", _nothing)))
)
"""The code that all functions have that these decorators make."""


def name_of(function: t.Any) -> str:
    """Return what messages call a function."""
    return str(getattr(function, "__qualname__", None) or repr(function))


def beneath_partials(function: t.Any) -> t.Any:
    """Return what is called in the end: of an object, the method ``__call__`` of its class."""
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    call = getattr(type(function), "__call__", None)  # noqa: B004  looked at, not asked
    # What is written in C, such as `functools.cache`, has nothing there to look at.
    is_in_c = inspect.isroutine(call) and not inspect.isfunction(call)
    return function if is_in_c else call


def refuse_unentered(function: t.Any) -> None:
    """Raise `TypeError`, with what to write, for a function whose calls would not run.

    These are context managers, and what `functools.cache` keeps of a generator function or an
    ``async def`` function, which can run only once.
    """
    called = beneath_partials(function)
    name = name_of(called)
    if getattr(called, "__code__", None) in _MANAGER_CODES:
        raise TypeError(
            f"{name} is a context manager, which nothing would enter. Remove its @contextmanager:"
            " Depends() takes the function with `yield`."
        )
    if isinstance(called, type) and issubclass(called, CLOSERS):
        raise TypeError(
            f"{name} makes a context manager, which nothing would enter.{_with(called)}"
        )
    for layer in layers(called):
        inner = getattr(layer, "__wrapped__", None)
        if isinstance(layer, _lru_cache_wrapper) and _runs_once(inner):
            raise TypeError(
                f"{name} is cached, but what it returns can run only once. Remove its @cache: all"
                " places of a request that depend on a function share one call anyway."
            )


def advice_for(thing: t.Any) -> str:
    """Return what to write instead of an object that can't be called, if that is known."""
    if isinstance(thing, (AbstractContextManager, AbstractAsyncContextManager)):
        return _with(type(thing))
    return ""


def _with(manager: type) -> str:
    """Return how to depend on what a class of context managers manages."""
    is_async = "" if hasattr(manager, "__enter__") else "async "
    return (
        f" Write a generator function that enters it, as in `{is_async}def opened():"
        f" {is_async}with {manager.__name__}(...) as value: yield value`, and Depends(opened)."
    )


def _runs_once(function: t.Any) -> bool:
    kinds = (inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.iscoroutinefunction)
    return any(kind(layer) for layer in layers(function) for kind in kinds)
