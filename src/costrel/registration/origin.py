"""Where in the user's code something was registered, for errors to name.

Asked for at set-up only: nothing here runs while requests are served.
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
    """Name the file and line of the user's code that is registering something.

    It is the innermost call from outside of this package. Inside of `recorded`
    it is the place given to that.
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


def warn(message: str) -> None:
    """Warn of something that is registered, at the user's line; once for what is put off."""
    if _recorded.get() is None:
        frame = _callers_frame()
        warnings.warn_explicit(
            message,
            UserWarning,
            frame.f_code.co_filename,
            frame.f_lineno,
            frame.f_globals.get("__name__"),
            frame.f_globals.setdefault("__warningregistry__", {}),
        )


@contextmanager
def recorded(place: str) -> t.Iterator[None]:
    """Let `caller` name an earlier place: of what a blueprint put off.

    A blueprint's rule is registered on the application later, by another call;
    an error in the rule belongs to where the rule was written.
    """
    token = _recorded.set(place)
    try:
        yield
    finally:
        _recorded.reset(token)


def definition(function: t.Any) -> str:
    """Name a function, and where it is defined if that can be known."""
    function = inspect.unwrap(function)
    name = str(getattr(function, "__qualname__", None) or repr(function))
    code = getattr(function, "__code__", None)
    return name if code is None else f"{name} ({_show(code.co_filename, code.co_firstlineno)})"


def _is_ours(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


def _show(filename: str, line: int) -> str:
    """Show a place as editors read it, relative to the working directory if below it."""
    if os.path.isabs(filename):
        try:
            relative = os.path.relpath(filename)
        except (OSError, ValueError):  # the folder is gone, or on another drive
            relative = filename
        if not relative.startswith(os.pardir):
            filename = relative
    return f"{filename}:{line}"
