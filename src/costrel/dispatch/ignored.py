"""Refuse functions whose annotations name dependencies that would not run."""

from __future__ import annotations

import sys
import typing as t
from contextlib import suppress
from weakref import WeakSet

from ..registration.operations import TURN_ON
from ..registration.origin import definition

UNTYPED = f"are not called for views that are not typed. {TURN_ON}"
SOCKET = (
    "are not called for WebSockets, whose views are not typed. Check handshakes with"
    " @app.before_websocket."
)
HOOK = (
    "are not called for hooks. Call the function in the hook, or write"
    " dependencies=[Depends(...)] for the application, a blueprint or a view."
)

_checked: WeakSet[t.Any] = WeakSet()
"""Functions that have no dependencies in their annotations."""


def refuse_ignored(functions: t.Iterable[t.Any], why: str) -> None:
    """Raise `TypeError` for a function that depends on something, which would not be called.

    Args:
        functions: The functions; each is looked at once.
        why: Says why not, after "Dependencies".
    """
    # Nothing can be a marker before that is imported.
    if "costrel.api.markers" in sys.modules:
        for function in functions:
            _refuse_ignored(function, why)


def _refuse_ignored(function: t.Any, why: str) -> None:
    with suppress(TypeError):  # It may have no hash, or no weak references.
        if function in _checked:
            return
    from ..api.ignored import ignored_in

    found = ignored_in(function)
    if found is not None:
        raise TypeError(
            f"{found.parameter!r} of {definition(function)} depends on {found.function}."
            f" Dependencies {why}"
        )
    with suppress(TypeError):
        _checked.add(function)
