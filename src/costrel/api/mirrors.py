"""Private types with the fields of declared ones, which msgspec fills from any object.

`msgspec.convert` returns an instance of the class that it is asked for as it is, with whatever
is in it. Nobody has an instance of a private class, so that of such a class msgspec always makes
a new one, with the declared fields and no others, at any depth.
"""

from __future__ import annotations

import datetime as dt
import decimal
import sys
import typing as t
import uuid

import msgspec
from msgspec import inspect as types

from .kinds import OBJECTS
from .models import has_model

_LEAVES: dict[type[types.Type], t.Any] = {
    types.AnyType: t.Any, types.NoneType: None, types.BoolType: bool, types.IntType: int,
    types.FloatType: float, types.StrType: str, types.BytesType: bytes,
    types.DateTimeType: dt.datetime, types.DateType: dt.date, types.TimeType: dt.time,
    types.TimeDeltaType: dt.timedelta, types.UUIDType: uuid.UUID,
    types.DecimalType: decimal.Decimal,
}  # fmt: skip

_ARRAYS: dict[type[types.Type], t.Any] = {
    types.ListType: list, types.SetType: set, types.FrozenSetType: frozenset,
}  # fmt: skip

_PARTS = frozenset(("item_type", "key_type", "value_type"))
"""What descriptions of types have besides their constraints."""

_MAX_FLOAT = sys.float_info.max


class _NoMirrorError(Exception):
    """Raised for a type that a private one can't stand for."""


def mirror_of(kind: types.Type) -> t.Any:
    """Return a type whose JSON is that of another, of private classes; None if there is none.

    There is none for recursive types, nor for classes of which msgspec would do more than to
    copy their fields: run their ``__post_init__`` or the validators of attrs, leave out defaults,
    or write arrays.
    """
    try:
        return _Mirrors().of(kind)
    except _NoMirrorError:
        return None


class _Mirrors:
    """Make the mirror of a type; each class in it gets one."""

    def __init__(self) -> None:
        #: By the identity of the description of a class; None while it is being made.
        self._made: dict[int, t.Any] = {}

    def of(self, kind: types.Type) -> t.Any:  # noqa: PLR0911  a table of types
        """Return the mirror of a type; raises `_NoMirrorError`."""
        if isinstance(kind, types.Metadata):
            return self.of(kind.type)
        if isinstance(kind, types.UnionType):
            if any(map(_is_model, kind.types)):
                return _of_optional_model(kind)
            return t.Union[tuple(map(self.of, kind.types))]  # noqa: UP007  made at run time
        if isinstance(kind, OBJECTS):
            return self._of_object(kind)
        if isinstance(kind, types.DictType):
            made: t.Any = dict.__class_getitem__((self.of(kind.key_type), self.of(kind.value_type)))
            return _limited(made, kind)
        if isinstance(kind, types.VarTupleType):
            return _limited(tuple[self.of(kind.item_type), ...], kind)  # type: ignore[misc]
        if isinstance(kind, types.TupleType):
            return tuple[tuple(map(self.of, kind.item_types))]  # type: ignore[misc]
        if isinstance(kind, types.CollectionType) and type(kind) in _ARRAYS:
            return _limited(_ARRAYS[type(kind)][self.of(kind.item_type)], kind)
        return _leaf(kind)

    def _of_object(self, kind: t.Any) -> t.Any:
        if id(kind) in self._made:
            made = self._made[id(kind)]
            if made is None:
                raise _NoMirrorError
            return made
        self._made[id(kind)] = None
        cls = t.get_origin(kind.cls) or kind.cls
        if _does_more(cls) or not all(field.name.isidentifier() for field in kind.fields):
            raise _NoMirrorError
        renamed = {
            field.name: field.encode_name
            for field in kind.fields
            if field.name != field.encode_name
        }
        # INVARIANT: no field has a default. msgspec would take it for an attribute that raises any
        # error; so it refuses the value, and `picking` raises the error.
        made = msgspec.defstruct(
            cls.__name__,
            [(field.name, self.of(field.type)) for field in _in_order(kind, cls)],
            rename=renamed or None,
            tag=getattr(kind, "tag", None),
            tag_field=getattr(kind, "tag_field", None),
            gc=False,
        )
        self._made[id(kind)] = made
        return made


def _does_more(cls: t.Any) -> bool:
    """Whether msgspec does more with a class than to copy its fields."""
    config = getattr(cls, "__struct_config__", None)
    return (
        hasattr(cls, "__post_init__")
        or hasattr(cls, "__attrs_attrs__")
        or (config is not None and (config.array_like or config.omit_defaults))
    )


def _in_order(kind: t.Any, cls: t.Any) -> list[types.Field]:
    """Return the fields as the class declares them; of a TypedDict, msgspec sorts them."""
    if not isinstance(kind, types.TypedDictType):
        return list(kind.fields)
    names: list[str] = list(getattr(cls, "__annotations__", ()))
    known = {name: number for number, name in enumerate(names)}
    return sorted(kind.fields, key=lambda field: known.get(field.name, len(names)))


def _leaf(kind: types.Type) -> t.Any:
    if isinstance(kind, types.LiteralType):
        return t.Literal[kind.values]
    if isinstance(kind, types.EnumType):
        return kind.cls
    if _is_model(kind):
        # What `picking` makes of a model; of this type nothing else is.
        return msgspec.Raw
    if type(kind) not in _LEAVES:
        raise _NoMirrorError
    return _limited(_LEAVES[type(kind)], kind)


def _is_model(kind: types.Type) -> bool:
    return isinstance(kind, types.CustomType) and has_model(kind.cls)


def _of_optional_model(kind: types.UnionType) -> t.Any:
    """Return any type, because `picking` makes None or a written model of whatever there is."""
    if not all(_is_model(item) or isinstance(item, types.NoneType) for item in kind.types):
        raise _NoMirrorError
    return t.Any


def _limited(annotation: t.Any, kind: types.Type) -> t.Any:
    """Return a type with the constraints of a description."""
    given = {name: getattr(kind, name) for name in kind.__struct_fields__ if name not in _PARTS}
    limits: dict[str, t.Any] = {name: value for name, value in given.items() if value is not None}
    if isinstance(kind, types.FloatType):
        # What JSON has no number for, msgspec would write as null.
        if limits.keys().isdisjoint(("gt", "ge")):
            limits["ge"] = -_MAX_FLOAT
        if limits.keys().isdisjoint(("lt", "le")):
            limits["le"] = _MAX_FLOAT
    return t.Annotated[annotation, msgspec.Meta(**limits)] if limits else annotation
