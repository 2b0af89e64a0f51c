"""Families of msgspec's descriptions of types, which the other modules tell apart."""

from __future__ import annotations

import typing as t

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


def holds(kind: types.Type, wanted: type[types.Type]) -> bool:
    """Whether a type, or anything in it, is of a kind."""
    seen: set[int] = set()

    def look(item: t.Any) -> bool:
        if isinstance(item, wanted):
            return True
        if not isinstance(item, (types.Type, types.Field, tuple)) or id(item) in seen:
            return False
        seen.add(id(item))
        if isinstance(item, tuple):
            return any(map(look, item))
        return any(look(getattr(item, name)) for name in item.__struct_fields__)

    return look(kind)
