"""Refuse what a dependency returns if its code has not run, and nobody would run it.

SECURITY: what a generator, a coroutine or the like has not done yet may be the check of who
sends the request.
"""

from __future__ import annotations

import typing as t
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import _AsyncGeneratorContextManager, _GeneratorContextManager

from .unentered import CLOSERS

_MANAGERS = (_GeneratorContextManager, _AsyncGeneratorContextManager, *CLOSERS)

# Objects that can be awaited but are more than that, such as the clients of some databases, are
# values like others.
_UNRUN = (Coroutine, Generator, AsyncGenerator, *_MANAGERS)


def is_generator(value: t.Any) -> bool:
    """Whether a value is a sync generator."""
    return issubclass(type(value), Generator)


def is_async_generator(value: t.Any) -> bool:
    """Whether a value is an async generator."""
    return issubclass(type(value), AsyncGenerator)


def refuse_unrun(value: t.Any, name: str) -> None:
    """Raise `TypeError` if a value is a call that has not run yet.

    Args:
        value: What a dependency returned.
        name: What messages call the dependency.
    """
    # Of the type: proxies of werkzeug have the class of what they stand for.
    cls = type(value)
    # `asyncio.isfuture` knows futures by the same attribute.
    is_future = hasattr(cls, "_asyncio_future_blocking")
    if value is None or not (is_future or issubclass(cls, _UNRUN)):
        return
    if issubclass(cls, Coroutine):
        value.close()  # Python would warn that it was never awaited.
    what, advice = _described(cls)
    raise TypeError(f"The dependency {name} returned {what}, whose code has not run. {advice}.")


def _described(cls: type[t.Any]) -> tuple[str, str]:
    """Return what messages call such a type, and what to write instead."""
    if issubclass(cls, _MANAGERS):
        advice = "Depend on a generator function without that decorator"
        if issubclass(cls, CLOSERS):
            advice = "Enter it in a generator function: `with` it, `yield` what it manages"
        return "a context manager", advice
    if issubclass(cls, (Generator, AsyncGenerator)):
        return "a generator", "Depend on the generator function itself, or return a list"
    what = "a coroutine" if issubclass(cls, Coroutine) else "a future"
    return what, "Make the dependency `async def`, and await that in it"
