"""Pick what a type declares from objects: a database's rows, subclasses, dictionaries."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from msgspec import UNSET, Raw
from msgspec import inspect as types

from .kinds import ARRAYS, DICTS, OBJECTS, bare, members_of
from .models import Adapter, has_model


def pick(value: t.Any, kind: types.Type) -> t.Any:  # noqa: PLR0911  a table of types
    """Return a value of dictionaries and lists with nothing but what the type declares.

    What does not fit is left as it is, for the type to refuse.
    """
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        members = members_of(kind)
        models = [member for member in members if _is_model(member)]
        if models:
            return None if value is None else pick(value, models[0])
        member = _member_for(value, members)
        return value if member is None else pick(value, member)
    if isinstance(kind, OBJECTS):
        # COMPAT(SQLAlchemy): a row is a tuple, which also has its columns by name.
        row = getattr(value, "_mapping", value) if isinstance(value, tuple) else value
        return _pick_fields(row, kind)
    if isinstance(kind, DICTS) and isinstance(value, Mapping):
        return {key: pick(item, kind.value_type) for key, item in value.items()}
    if _is_array(value):
        if isinstance(kind, ARRAYS):
            return [pick(item, kind.item_type) for item in value]
        if isinstance(kind, types.TupleType) and len(value) == len(kind.item_types):
            return [pick(*pair) for pair in zip(value, kind.item_types, strict=True)]
    if isinstance(kind, types.FloatType) and isinstance(value, Decimal):
        return float(value)
    if isinstance(kind, types.CustomType) and _is_model(kind):
        return Raw(_adapter_of(kind.cls).write(value))
    return value


_adapter_of = lru_cache(maxsize=256)(Adapter)


def _is_model(kind: types.Type) -> bool:
    return isinstance(kind, types.CustomType) and has_model(kind.cls)


_MISSING = object()
_SCALARS = (type(None), bool, int, float, str, bytes)


def _is_array(value: t.Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _pick_fields(value: t.Any, kind: t.Any) -> t.Any:
    if isinstance(value, (*_SCALARS, list, tuple)) or getattr(kind, "array_like", False):
        return value
    tag_field = getattr(kind, "tag_field", None)
    picked: dict[str, t.Any] = {} if tag_field is None else {tag_field: kind.tag}
    for field in kind.fields:
        if isinstance(value, Mapping):
            item = value.get(field.encode_name, _MISSING)
        else:
            item = getattr(value, field.name, _MISSING)
        if item is not _MISSING and item is not UNSET:
            picked[field.encode_name] = pick(item, field.type)
    return picked


def _member_for(value: t.Any, members: list[t.Any]) -> types.Type | None:
    """Return the member of a union that a value with parts is meant for."""
    if isinstance(value, _SCALARS):
        return None
    if isinstance(value, (list, tuple, set, frozenset)):
        wanted: tuple[type[types.Type], ...] = (*ARRAYS, types.TupleType)
    else:
        wanted = (*OBJECTS, *DICTS)
    found = [member for member in members if isinstance(member, wanted)]
    if len(found) > 1:
        found = [member for member in found if _is_tagged_as(value, member)]
    return found[0] if len(found) == 1 else None


def _is_tagged_as(value: t.Any, member: t.Any) -> bool:
    """Whether an object has the tag of a struct, or a class that has it."""
    if isinstance(value, Mapping):
        return bool(value.get(getattr(member, "tag_field", None), _MISSING) == member.tag)
    return isinstance(value, getattr(member, "cls", ()))
