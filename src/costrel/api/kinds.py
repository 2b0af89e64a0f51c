"""Families of msgspec's descriptions of types, which the other modules tell apart."""

from __future__ import annotations

import typing as t
from functools import lru_cache

import msgspec
from msgspec import inspect as types

OBJECTS = (types.StructType, types.DataclassType, types.TypedDictType)
"""Objects with fields."""

DICTS = (types.DictType, types.FrozenDictType)
"""Objects whose keys are data."""

ARRAYS = (
    types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType, types.CollectionType,
)  # fmt: skip
"""Arrays whose items have one type."""


def bare(kind: types.Type) -> types.Type:
    """Return a type without its metadata."""
    while isinstance(kind, types.Metadata):
        kind = kind.type
    return kind


def members_of(kind: types.UnionType) -> list[t.Any]:
    """Return the members of a union, without their metadata."""
    return [bare(member) for member in kind.types]


def without_none(kind: types.Type) -> types.Type:
    """Return what a type is if it is not None, without metadata."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        rest = [item for item in members_of(kind) if not isinstance(item, types.NoneType)]
        if len(rest) == 1:
            return t.cast("types.Type", rest[0])
    return kind


def kind_of(annotation: t.Any) -> types.Type:
    """Return what msgspec says of a type; the same for the same type.

    Raises `TypeError` for a type that msgspec does not know.
    """
    try:
        return _kept_kind_of(annotation)
    except TypeError:
        # Or it could not be hashed.
        return msgspec.inspect.type_info(annotation)


@lru_cache(maxsize=1_000)
def _kept_kind_of(annotation: t.Any) -> types.Type:
    """Describe a type once, since views share models: it takes long, and memory."""
    return msgspec.inspect.type_info(annotation)


def is_positional(kind: types.Type) -> bool:
    """Whether it has fields that JSON has as an array: named tuples, and structs that say so."""
    return isinstance(kind, types.NamedTupleType) or (
        isinstance(kind, types.StructType) and kind.array_like
    )


def holds(kind: types.Type, wanted: type[types.Type]) -> bool:
    """Whether a type, or anything in it, is of a kind."""
    return any(isinstance(item, wanted) for item in all_in(kind))


def key_that_is_no_text(kind: types.Type) -> types.Type | None:
    """Return the type of a dictionary's keys in a type, if JSON can't write it as text."""
    for item in all_in(kind):
        if isinstance(item, DICTS):
            key = bare(item.key_type)
            members = members_of(key) if isinstance(key, types.UnionType) else [key]
            if all(isinstance(member, _NO_TEXT) for member in members):
                return key
    return None


_NO_TEXT = (
    types.BoolType, types.NoneType, types.RawType, types.TupleType, types.NamedTupleType,
    *ARRAYS, *DICTS, *OBJECTS,
)  # fmt: skip


def refuse_keys(kind: types.Type) -> None:
    """Raise `TypeError` for dictionaries whose keys JSON can't write as text."""
    key = key_that_is_no_text(kind)
    if key is not None:
        name = type(key).__name__.removesuffix("Type").lower()
        raise TypeError(
            f"a dictionary in it has keys of the kind {name!r}, but those of JSON are text. Make"
            " them text, numbers, dates or the like, as in dict[str, int], or write a list of"
            " objects."
        )


def all_in(kind: types.Type) -> t.Iterator[t.Any]:
    """Yield a type and everything in it."""
    seen: set[int] = set()
    pending: list[t.Any] = [kind]
    while pending:
        item = pending.pop()
        if id(item) not in seen:
            yield item
            seen.add(id(item))
            yield item
            pending += _parts_of(item)


def _parts_of(kind: t.Any) -> t.Iterable[types.Type]:  # noqa: PLR0911  a table of types
    """Return the types that a type is made of."""
    if isinstance(kind, types.Metadata):
        return (kind.type,)
    if isinstance(kind, types.UnionType):
        return kind.types
    if isinstance(kind, ARRAYS):
        return (kind.item_type,)
    if isinstance(kind, types.TupleType):
        return kind.item_types
    if isinstance(kind, DICTS):
        return (kind.key_type, kind.value_type)
    if isinstance(kind, (*OBJECTS, types.NamedTupleType)):
        return [field.type for field in kind.fields]
    return ()
