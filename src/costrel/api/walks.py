"""Go through a value that a client has sent as its type says, before it is decoded as that type.

What goes through it are dictionaries and lists, as JSON has them. The function that does is
compiled once for a type; types may be recursive.
"""

from __future__ import annotations

import typing as t

from msgspec import inspect as types

from .kinds import ARRAYS, DICTS, OBJECTS, bare, is_positional, members_of
from .numbers import integer_in

Step = t.Callable[[t.Any], t.Any]
"""Returns a value, or what takes its place; what is in it may be changed."""

At = t.Callable[[list[t.Any]], Step | None]
"""Returns the step for values of one of these types; None if there is nothing to do with them."""


class WalkError(Exception):
    """Raised by a step for a value that is refused, with the path to it.

    Args:
        detail: What is wrong with it.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        #: From the value outwards.
        self.steps: list[t.Any] = []

    @property
    def path(self) -> list[str]:
        """The names and numbers that lead to the value."""
        return [str(step) for step in reversed(self.steps)]


def walk_of(kind: types.Type, at: At) -> Step:
    """Return what takes a step at each value in a value of a type, the outermost first."""
    return _Walks(at).of(kind)


class _Walks:
    """Make the walk of a type; each type in it has one."""

    def __init__(self, at: At) -> None:
        self._at = at
        self._made: dict[int, Step] = {}

    def of(self, kind: types.Type) -> Step:
        """Return the walk of a type."""
        kind = bare(kind)
        if id(kind) in self._made:
            return self._made[id(kind)]
        inner: list[Step] = []

        def later(value: t.Any) -> t.Any:
            return inner[0](value)

        # Until it is made, what is recursive in it has this one.
        self._made[id(kind)] = later
        if isinstance(kind, types.UnionType):
            made = self._of_union(members_of(kind))
        else:
            made = _both(self._at([kind]), self._into(kind))
        inner.append(made)
        self._made[id(kind)] = made
        return made

    def _into(self, kind: t.Any) -> Step | None:
        """Return what goes into the parts of a value; None for a type without parts."""
        tag = getattr(kind, "tag", None)
        if is_positional(kind):
            tags = [] if tag is None else [self.of(types.LiteralType((tag,)))]
            return _positions([*tags, *(self.of(one.type) for one in kind.fields)])
        if isinstance(kind, OBJECTS):
            named = {one.encode_name: self.of(one.type) for one in kind.fields}
            if tag is not None:
                named[t.cast("t.Any", kind).tag_field] = self.of(types.LiteralType((tag,)))
            return _fields(named)
        if isinstance(kind, DICTS):
            return _values(self.of(kind.value_type))
        if isinstance(kind, ARRAYS):
            return _items(self.of(kind.item_type))
        if isinstance(kind, types.TupleType):
            return _positions(list(map(self.of, kind.item_types)))
        return None

    def _of_union(self, members: list[t.Any]) -> Step:
        """Go into the member that a value is meant for, of arrays or objects."""
        own = self._at(members)
        arrays = [one for one in members if _is_array(one)]
        objects = [
            one for one in members if isinstance(one, (*OBJECTS, *DICTS)) and not _is_array(one)
        ]
        into_array, into_object = self._chosen(arrays, _first), self._chosen(objects, _tag)

        def step(value: t.Any) -> t.Any:
            if isinstance(value, list):
                return value if into_array is None else into_array(value)
            if isinstance(value, dict):
                return value if into_object is None else into_object(value)
            return value if own is None else own(value)

        return step

    def _chosen(
        self, members: list[t.Any], tag_of: t.Callable[[t.Any, t.Any], t.Any]
    ) -> Step | None:
        """Return the walk of one of several members; of all, if they have no tags to tell them."""
        if not members:
            return None
        if len(members) == 1:
            return self.of(members[0])
        walks = [self.of(one) for one in members]
        tagged = [
            (one.tag, one, walk)
            for one, walk in zip(members, walks, strict=True)
            if getattr(one, "tag", None) is not None
        ]
        if len(tagged) < len(members):
            return _all(walks)

        def step(value: t.Any) -> t.Any:
            for tag, member, walk in tagged:
                if tag_of(value, member) == tag:
                    return walk(value)
            return value

        return step


def _is_array(kind: types.Type) -> bool:
    return isinstance(kind, (*ARRAYS, types.TupleType)) or is_positional(kind)


def _first(value: list[t.Any], _member: t.Any) -> t.Any:
    return integer_in(value[0]) if value else None


def _tag(value: dict[str, t.Any], member: t.Any) -> t.Any:
    return integer_in(value.get(member.tag_field))


def _as_it_is(value: t.Any) -> t.Any:
    return value


def _both(first: Step | None, second: Step | None) -> Step:
    if first is None or second is None:
        return first or second or _as_it_is
    return lambda value: second(first(value))


def _all(steps: list[Step]) -> Step:
    def walk(value: t.Any) -> t.Any:
        for step in steps:
            value = step(value)
        return value

    return walk


def _fields(named: dict[str, Step]) -> Step:
    named = {name: step for name, step in named.items() if step is not _as_it_is}

    def walk(value: t.Any) -> t.Any:
        if not isinstance(value, dict):
            return value
        for name, step in named.items():
            if name in value:
                value[name] = _taken(step, value[name], name)
        return value

    return walk if named else _as_it_is


def _values(step: Step) -> Step:
    def walk(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            for name, item in value.items():
                value[name] = _taken(step, item, name)
        return value

    return _as_it_is if step is _as_it_is else walk


def _items(step: Step) -> Step:
    def walk(value: t.Any) -> t.Any:
        if isinstance(value, list):
            value[:] = [_taken(step, item, number) for number, item in enumerate(value)]
        return value

    return _as_it_is if step is _as_it_is else walk


def _positions(steps: list[Step]) -> Step:
    if all(step is _as_it_is for step in steps):
        return _as_it_is

    def walk(value: t.Any) -> t.Any:
        if isinstance(value, list):
            for number, (item, step) in enumerate(zip(value, steps, strict=False)):
                value[number] = _taken(step, item, number)
        return value

    return walk


def _taken(step: Step, value: t.Any, name: t.Any) -> t.Any:
    try:
        return step(value)
    except WalkError as error:
        error.steps.append(name)
        raise
