"""Functions in the place of dependencies: `App.override`."""

from __future__ import annotations

import typing as t
from collections.abc import Hashable

if t.TYPE_CHECKING:
    from types import TracebackType


def key_of(function: t.Any) -> Hashable:
    """Return what a dependency is known by; two accesses to a bound method give the same."""
    return function if isinstance(function, Hashable) else id(function)


class Override:
    """What `App.override` returns: the end of its ``with`` block ends the override."""

    def __init__(self, app: t.Any, function: t.Any, other: t.Any) -> None:
        self._app = app
        self._function = function
        self._before = app._overrides.get(key_of(function))
        self._put(other)

    def _put(self, other: t.Any) -> None:
        overrides = dict(self._app._overrides)
        overrides.pop(key_of(self._function), None)
        if other is not None:
            overrides[key_of(self._function)] = other
        # INVARIANT: a new dict, since typed views are compiled for the one that they have seen;
        # assigning it makes the plans stale.
        self._app._overrides = overrides

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._put(self._before)
