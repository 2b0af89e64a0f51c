"""Functions in the place of dependencies: `App.override`."""

from __future__ import annotations

import typing as t
import weakref
from collections.abc import Hashable
from itertools import pairwise, takewhile
from types import BuiltinMethodType, MethodType, MethodWrapperType, ModuleType

if t.TYPE_CHECKING:
    from types import TracebackType


def key_of(function: t.Any) -> Hashable:
    """Return what a dependency is known by while it exists: itself, not what it is equal to.

    Two accesses to a bound method give the same.
    """
    if isinstance(function, MethodType):
        return id(function.__self__), id(function.__func__)
    if isinstance(function, _WRITTEN_IN_C):
        owner = function.__self__
        if not (owner is None or isinstance(owner, ModuleType)):
            return id(owner), function.__qualname__
    return id(function)


_WRITTEN_IN_C = (BuiltinMethodType, MethodWrapperType)
"""Functions and bound methods that are written in C."""


class _Entry(t.NamedTuple):
    """What one call of `App.override` said of a function.

    Attributes:
        owner: What the call returned; it is gone if no block can end the override any more.
        function: The function, kept alive while it is known by its identity.
        other: What is called instead; None for the function itself.
    """

    owner: weakref.ref[Override]
    function: t.Any
    other: t.Any

    def lasts_over(self, later: _Entry) -> bool:
        """Whether it may count again when what was said after it ends."""
        return self.owner() is not None or later.owner() is not None


class Override:
    """What `App.override` returns: the end of its ``with`` block ends the override.

    Blocks may end in any order. What was said last and has not ended counts; what was said
    without a block ends with the block that it was said in.
    """

    def __init__(self, app: t.Any, function: t.Any, other: t.Any) -> None:
        self._app = app
        self._key = key_of(function)
        # Two that no block can end: only the later one can ever count.
        said = [*self._entries(), _Entry(weakref.ref(self), function, other)]
        self._put([entry for entry, later in pairwise(said) if entry.lasts_over(later)] + said[-1:])

    def _entries(self) -> list[_Entry]:
        """Return what has been said of the function, the latest last."""
        return t.cast("list[_Entry]", self._app._overridden.get(self._key, []))

    def _put(self, entries: list[_Entry]) -> None:
        overridden = {**self._app._overridden, self._key: entries}
        self._app._overridden = {key: said for key, said in overridden.items() if said}
        counts = {key: said[-1].other for key, said in self._app._overridden.items()}
        # INVARIANT: a new dict, since typed views are compiled for the one that they have seen;
        # assigning it makes the plans stale.
        self._app._overrides = {key: other for key, other in counts.items() if other is not None}

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        entries = self._entries()
        owners = [entry.owner() for entry in entries]
        if self not in owners:
            return
        start = owners.index(self)
        within = takewhile(lambda owner: owner is None, owners[start + 1 :])
        end = start + 1 + len(list(within))
        self._put(entries[:start] + entries[end:])
