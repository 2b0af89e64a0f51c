"""Pick what a type declares from objects: a database's rows, subclasses, dictionaries."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from msgspec import UNSET
from msgspec import inspect as types

_OBJECTS = (types.StructType, types.DataclassType, types.TypedDictType)
_DICTS = (types.DictType, types.FrozenDictType)
_LISTS = (
    types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType, types.CollectionType,
)  # fmt: skip
_NOT_LISTS = (str, bytes, Mapping)


def pick(value: t.Any, kind: types.Type) -> t.Any:
    """Return a value of dictionaries and lists with nothing but what the type declares.

    What does not fit is left as it is, for the type to refuse.
    """
    if isinstance(kind, types.Metadata):
        return pick(value, kind.type)
    if isinstance(kind, types.UnionType):
        member = _member_for(value, kind.types)
        return value if member is None else pick(value, member)
    if isinstance(kind, _OBJECTS):
        return _pick_fields(value, kind)
    if isinstance(kind, _DICTS) and isinstance(value, Mapping):
        return {key: pick(item, kind.value_type) for key, item in value.items()}
    if isinstance(kind, _LISTS) and isinstance(value, Iterable) and not _is_whole(value):
        return [pick(item, kind.item_type) for item in value]
    if isinstance(kind, types.TupleType) and isinstance(value, (list, tuple)):
        if len(value) == len(kind.item_types):
            return [pick(*pair) for pair in zip(value, kind.item_types, strict=True)]
    return value


def _is_whole(value: t.Any) -> bool:
    return isinstance(value, _NOT_LISTS)


_MISSING = object()
_SCALARS = (type(None), bool, int, float, str, bytes, list, tuple)


def _pick_fields(value: t.Any, kind: t.Any) -> t.Any:
    if isinstance(value, _SCALARS) or getattr(kind, "array_like", False):
        return value
    picked: dict[str, t.Any] = {}
    tag_field = getattr(kind, "tag_field", None)
    if tag_field is not None:
        picked[tag_field] = kind.tag
    for field in kind.fields:
        if isinstance(value, Mapping):
            item = value.get(field.encode_name, _MISSING)
        else:
            item = getattr(value, field.name, _MISSING)
        if item is not _MISSING and item is not UNSET:
            picked[field.encode_name] = pick(item, field.type)
    return picked


def _member_for(value: t.Any, members: t.Iterable[types.Type]) -> types.Type | None:
    """Return the member of a union that a value with parts is meant for."""
    plain = [item.type if isinstance(item, types.Metadata) else item for item in members]
    if isinstance(value, _SCALARS[:6]):
        return None
    if isinstance(value, (list, tuple, set, frozenset)):
        found = [item for item in plain if isinstance(item, (*_LISTS, types.TupleType))]
        return found[0] if len(found) == 1 else None
    found = [item for item in plain if isinstance(item, (*_OBJECTS, *_DICTS))]
    if len(found) == 1:
        return found[0]
    for item in found:
        cls = getattr(item, "cls", None)
        if isinstance(value, Mapping):
            if value.get(getattr(item, "tag_field", None)) == getattr(item, "tag", _MISSING):
                return item
        elif cls is not None and isinstance(value, cls):
            return item
    return None
