"""Finds where in the user's code something was registered, for error messages.

It is only used during setup, never while requests are handled.
"""

from __future__ import annotations

import inspect
import os
import sys
import typing as t
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_PACKAGE = __name__.partition(".")[0]
_recorded: ContextVar[str | None] = ContextVar("recorded_place", default=None)


def caller() -> str:
    """Return the file and line of the user's code that registers something.

    This is the innermost call from outside this package, or inside `recorded` the
    place passed to it.
    """
    place = _recorded.get()
    if place is not None:
        return place
    frame = _callers_frame()
    return _show(frame.f_code.co_filename, frame.f_lineno)


def _callers_frame() -> FrameType:
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line; does nothing for a deferred registration, which has warned."""
    if _recorded.get() is None:
        frame = _callers_frame()
        warnings.warn_explicit(
            message,
            category,
            frame.f_code.co_filename,
            frame.f_lineno,
            frame.f_globals.get("__name__"),
            frame.f_globals.setdefault("__warningregistry__", {}),
        )


@contextmanager
def recorded(place: str) -> t.Iterator[None]:
    """Make `caller` return an earlier place, for what a blueprint registers later.

    A later call registers a blueprint's rule on the application. An error in the rule
    should name the line where the rule was written.
    """
    token = _recorded.set(place)
    try:
        yield
    finally:
        _recorded.reset(token)


def definition(function: t.Any) -> str:
    """Return the name of a function, and where it is defined if that is known."""
    function = inspect.unwrap(function)
    name = str(getattr(function, "__qualname__", None) or repr(function))
    code = getattr(function, "__code__", None)
    return name if code is None else f"{name} ({_show(code.co_filename, code.co_firstlineno)})"


def decorator(layer: t.Any) -> str:
    """Return the name of a decorator's own function, which bears that of the decorated one."""
    code = getattr(layer, "__code__", None)
    if code is None:
        return repr(type(layer).__qualname__)
    return f"{code.co_qualname} ({_show(code.co_filename, code.co_firstlineno)})"


def _is_ours(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


def _show(filename: str, line: int) -> str:
    """Format a place as editors do, relative to the working directory if below it."""
    if os.path.isabs(filename):
        try:
            relative = os.path.relpath(filename)
        except (OSError, ValueError):  # the folder was deleted, or is on another drive
            relative = filename
        if not relative.startswith(os.pardir):
            filename = relative
    return f"{filename}:{line}"
