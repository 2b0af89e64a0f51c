"""Pick what a type declares from objects: a database's rows, subclasses, dictionaries."""

from __future__ import annotations

import typing as t
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MappingView
from decimal import Decimal
from functools import lru_cache

from msgspec import NODEFAULT, UNSET, Raw, ValidationError
from msgspec import inspect as types

from .kinds import ARRAYS, DICTS, OBJECTS, all_in, bare, is_positional, members_of
from .models import Adapter, has_model


def pick(value: t.Any, kind: types.Type) -> t.Any:  # noqa: C901, PLR0911  a table of types
    """Return a value of dictionaries and lists with nothing but what the type declares.

    What does not fit is left as it is, for the type to refuse. Raises `ValidationError` for a
    value that the type would read by position, though it has names.
    """
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        members = members_of(kind)
        models = [member for member in members if _is_model(member)]
        if models:
            return None if value is None else pick(value, models[0])
        member = _member_for(value, members)
        return _left(value, kind) if member is None else pick(value, member)
    if is_positional(kind):
        return _pick_positions(value, kind)
    if isinstance(kind, OBJECTS):
        return _pick_fields(_named(value), kind)
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
    return _left(value, kind)


def prepare_models(kind: types.Type) -> None:
    """Make what writes Pydantic's models; raises `TypeError` for one that can't be written."""
    for item in all_in(kind):
        if _is_model(item):
            _adapter_of(item.cls)


def may_be_array(kind: types.Type) -> bool:
    """Whether a type is a union with arrays among its members."""
    kind = bare(kind)
    is_union = isinstance(kind, types.UnionType)
    return is_union and any(isinstance(one, _LISTS) for one in members_of(kind))  # type: ignore[arg-type]


_adapter_of = lru_cache(maxsize=256)(Adapter)


def _is_model(kind: types.Type) -> bool:
    return isinstance(kind, types.CustomType) and has_model(kind.cls)


_MISSING = object()
_SCALARS = (type(None), bool, int, float, str, bytes)


def _is_array(value: t.Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _left(value: t.Any, kind: types.Type) -> t.Any:
    """Return what does not fit a type; raises `ValidationError` if it might do by position."""
    if not isinstance(value, _SCALARS) and any(map(is_positional, all_in(kind))):
        raise ValidationError(f"Got `{type(value).__name__}`, which is none of what it declares")
    return value


def _named(value: t.Any) -> t.Any:
    """Return what has the names of a value's parts.

    COMPAT(SQLAlchemy): a row is a tuple, which also has its columns by name.
    """
    return getattr(value, "_mapping", value) if isinstance(value, tuple) else value


def _pick_fields(value: t.Any, kind: t.Any) -> t.Any:
    if isinstance(value, (*_SCALARS, list, tuple)):
        return value
    tag_field = getattr(kind, "tag_field", None)
    is_dataclass = isinstance(kind, types.DataclassType)
    picked: dict[str, t.Any] = {} if tag_field is None else {tag_field: kind.tag}
    for field in kind.fields:
        item = _item(value, field)
        if item is _MISSING and is_dataclass and field.default is not NODEFAULT:
            # msgspec would leave it to the class, and write only what an object has itself.
            item = field.default
        if item is not _MISSING and item is not UNSET:
            picked[field.encode_name] = pick(item, field.type)
    return picked


def _item(value: t.Any, field: types.Field) -> t.Any:
    """Return what an object or a dictionary has for a field."""
    if isinstance(value, Mapping):
        return value.get(field.encode_name, _MISSING)
    return getattr(value, field.name, _MISSING)


def has_no_names(value: t.Any) -> bool:
    """Whether nothing but their positions tells the items of a value."""
    value = _named(value)
    return isinstance(value, (list, tuple)) and not hasattr(value, "_fields")


def _pick_positions(value: t.Any, kind: t.Any) -> t.Any:
    """Return the list of fields that an array of them is, read by name from what has names.

    SECURITY(excess data): the fields of another class have other positions.
    """
    if isinstance(value, _SCALARS):
        return value
    tag = getattr(kind, "tag", None)
    tags = [] if tag is None else [tag]
    if has_no_names(value):
        types_ = [field.type for field in kind.fields]
        given, items = list(value[: len(tags)]), value[len(tags) :]
        # What is more is for the type to ignore or to refuse, but not to be read.
        more = [None] * (len(items) - len(types_))
        return [*given, *map(pick, items, types_), *more]
    named = _named(value)
    return [*tags, *(_filled(_item(named, field), field) for field in kind.fields)]


def _filled(item: t.Any, field: types.Field) -> t.Any:
    """Return what a field has, or its default, since an array can't leave it out."""
    if item is _MISSING or item is UNSET:
        item = field.default
        if field.default_factory is not NODEFAULT:
            item = field.default_factory()
        elif item is NODEFAULT:
            raise ValidationError(f"Object missing required field `{field.name}`")
    return pick(item, field.type)


def _member_for(value: t.Any, members: list[t.Any]) -> types.Type | None:
    """Return the member of a union that a value with parts is meant for."""
    found: list[t.Any]
    if isinstance(value, _SCALARS):
        return None
    if isinstance(value, ITERABLES):
        found = [one for one in members if isinstance(one, _LISTS)]
    elif has_no_names(value) or isinstance(value, (set, frozenset)):
        found = [one for one in members if isinstance(one, _LISTS) or is_positional(one)]
    else:
        found = [one for one in members if isinstance(one, _WITH_NAMES)]
        if not found and isinstance(value, tuple):
            found = [one for one in members if isinstance(one, _LISTS)]
    if len(found) > 1:
        found = [member for member in found if _is_tagged_as(value, member)]
    return found[0] if len(found) == 1 else None


ITERABLES: tuple[t.Any, ...] = (Iterator, MappingView, deque)
"""What can only be meant for an array, such as the results of a database, or what `map` makes."""

_LISTS = (*ARRAYS, types.TupleType)
_WITH_NAMES = (*OBJECTS, *DICTS, types.NamedTupleType)


def _is_tagged_as(value: t.Any, member: t.Any) -> bool:
    """Whether an object has the tag of a struct, or a class that has it."""
    tag = getattr(member, "tag", None)
    if isinstance(value, Mapping):
        return tag is not None and bool(value.get(member.tag_field, _MISSING) == tag)
    if isinstance(value, (list, tuple)) and tag is not None and value and has_no_names(value):
        return bool(value[0] == tag)
    cls = getattr(member, "cls", ())
    return isinstance(value, t.get_origin(cls) or cls)
