"""Registries that may be changed at any time, and that record each change.

Hooks, views, and handlers are kept in mutable lists and dicts, because extensions append to
them, insert at the front, remove by identity, and replace values, also while requests run.
The plans compiled from them are valid for as long as their shared `Epoch` stays the same.
"""

from __future__ import annotations

import typing as t
from collections import defaultdict

K = t.TypeVar("K")
V = t.TypeVar("V")


class Epoch:
    """Count the changes of everything that plans are compiled from.

    INVARIANT: code that changes such a thing calls `bump`. Code that compiles stores ``value``
    first, and discards the result once ``value`` differs.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def bump(self) -> None:
        """Declare everything compiled so far stale."""
        self.value += 1


def tracked(base: type, name: str) -> t.Callable[..., t.Any]:
    """Wrap the mutating method `name` of `base` so that it bumps the epoch."""
    original = getattr(base, name)

    def method(self: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        # Bump even if the call raises: it may have changed something first.
        try:
            return original(self, *args, **kwargs)
        finally:
            self.epoch.bump()

    method.__name__ = name
    method.__qualname__ = f"Tracked.{name}"
    method.__doc__ = original.__doc__
    return method


class TrackedList(list[V]):
    """A list that bumps its epoch whenever it changes."""

    __slots__ = ("epoch",)

    def __init__(self, epoch: Epoch, items: t.Iterable[V] = ()) -> None:
        super().__init__(items)
        self.epoch = epoch

    def __reduce__(self) -> tuple[t.Any, ...]:
        return list, (list(self),)


for _name in (
    "append extend insert remove pop clear sort reverse __setitem__ __delitem__ __iadd__ __imul__"
).split():
    setattr(TrackedList, _name, tracked(list, _name))


class TrackedDict(dict[K, V]):
    """A dict that bumps its epoch whenever it changes."""

    def __init__(self, epoch: Epoch, *args: t.Any) -> None:
        self.epoch = epoch
        super().__init__(*args)

    def __reduce__(self) -> tuple[t.Any, ...]:
        return dict, (dict(self),)


class TrackedLists(defaultdict[K, list[V]]):
    """A ``defaultdict(list)`` of tracked lists: one registry of hooks.

    A plain list stored as a value is kept as the same object, and its changes go unnoticed;
    `tracked` is then false.
    """

    def __init__(self, epoch: Epoch, *args: t.Any) -> None:
        self.epoch = epoch
        super().__init__(lambda: TrackedList(epoch), *args)

    def __reduce__(self) -> tuple[t.Any, ...]:
        return defaultdict, (list, dict(self))

    def __missing__(self, key: K) -> list[V]:
        # An empty list does not change any plan, so creating one is not a change.
        created: list[V] = TrackedList(self.epoch)
        dict.__setitem__(self, key, created)
        return created

    def setdefault(self, key: K, default: t.Any = None) -> t.Any:
        """Return the list of `key`, stored first if there was none."""
        if key not in self:
            if default == []:
                return self[key]
            self[key] = default
        return self[key]

    def tracked(self) -> bool:
        """Whether every change of every list is noticed."""
        # On a copy, since another thread may register something in the meantime.
        return all(type(value) is TrackedList for value in list(self.values()))


for _cls, _names in (
    (TrackedDict, "__setitem__ __delitem__ __ior__ pop popitem clear update setdefault"),
    (TrackedLists, "__setitem__ __delitem__ __ior__ pop popitem clear update"),
):
    for _name in _names.split():
        setattr(_cls, _name, tracked(dict, _name))
