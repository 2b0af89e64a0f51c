"""Refuse functions whose annotations have markers that nothing reads, when plans are made.

What is registered by its method is looked at there: see `costrel.ground.markers`. Views are looked
at here, because what their application is may change, and so are hooks that were added to lists.
"""

from __future__ import annotations

import sys
import typing as t
from contextlib import suppress
from weakref import WeakSet

from ..ground.markers import HOOK, SOCKET_HOOK, Unfilled
from ..registration.operations import TURN_ON

UNTYPED = Unfilled("views that are not typed", TURN_ON)
SOCKET = Unfilled(
    "WebSockets, whose views are not typed",
    "Check handshakes with @app.before_websocket.",
    SOCKET_HOOK.proxy,
)

_checked: WeakSet[t.Any] = WeakSet()
"""Functions that have no markers in their annotations."""


def refuse_ignored(functions: t.Iterable[t.Any], kind: Unfilled = HOOK) -> None:
    """Raise `TypeError` for a function that has a marker, which would be ignored.

    Args:
        functions: The functions; each is looked at once.
        kind: What they are.
    """
    # Nothing can be a marker before that is imported.
    if "costrel.api.ignored" in sys.modules:
        for function in functions:
            _refuse_ignored(function, kind)


def _refuse_ignored(function: t.Any, kind: Unfilled) -> None:
    with suppress(TypeError):  # It may have no hash, or no weak references.
        if function in _checked:
            return
    from ..api import ignored

    is_view = kind in {UNTYPED, SOCKET}
    (ignored.refuse_ignored_in_view if is_view else ignored.refuse_ignored)(function, kind)
    with suppress(TypeError):
        _checked.add(function)
