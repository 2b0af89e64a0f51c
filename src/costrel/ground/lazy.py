"""Attributes that are created on first access."""

from __future__ import annotations

import typing as t

V = t.TypeVar("V")


class lazy(t.Generic[V]):  # noqa: N801  used as a decorator, like property
    """Compute an attribute on first access and store it on the instance.

    Unlike `functools.cached_property`, it takes no lock (CPython 3.11's does). The value may
    be replaced by assignment. After the first access it is a plain attribute.
    """

    def __init__(self, make: t.Callable[[t.Any], V]) -> None:
        self.make = make
        self.name = make.__name__
        self.__doc__ = make.__doc__

    @t.overload
    def __get__(self, obj: None, owner: type) -> lazy[V]: ...
    @t.overload
    def __get__(self, obj: object, owner: type) -> V: ...
    def __get__(self, obj: object | None, owner: type) -> V | lazy[V]:
        """Return the value, computed and stored; on the class, the descriptor."""
        if obj is None:
            return self
        value = self.make(obj)
        # PERF(query): not through `__dict__`, for which CPython would create a separate dict.
        setattr(obj, self.name, value)
        return value

    if t.TYPE_CHECKING:

        def __set__(self, obj: object, value: V) -> None:
            """Replace the value; at run time, plain attribute assignment does this."""


class anew(lazy[V]):  # noqa: N801  used as a decorator, like property
    """Compute an attribute on each access, unless it was assigned.

    For a value that refers to its owner: storing it would create a reference cycle.
    """

    @t.overload
    def __get__(self, obj: None, owner: type) -> lazy[V]: ...
    @t.overload
    def __get__(self, obj: object, owner: type) -> V: ...
    def __get__(self, obj: object | None, owner: type) -> V | lazy[V]:
        """Return the computed value; on the class, the descriptor."""
        return self if obj is None else self.make(obj)


class touching(lazy[V]):  # noqa: N801  used as a decorator, like property
    """A `lazy` attribute whose first access sets the instance's ``touched``."""

    @t.overload
    def __get__(self, obj: None, owner: type) -> lazy[V]: ...
    @t.overload
    def __get__(self, obj: object, owner: type) -> V: ...
    def __get__(self, obj: object | None, owner: type) -> V | lazy[V]:
        """Return the value, computed and stored; on the class, the descriptor."""
        if obj is None:
            return self
        value = self.make(obj)
        setattr(obj, self.name, value)
        obj.touched = True  # type: ignore[attr-defined]
        return value
