"""Defaults of models: those that can change must be made anew for each request."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import typing as t
import uuid

import msgspec
from msgspec import inspect as types

from .kinds import all_in

IMMUTABLE = (
    type(None), bool, int, float, str, bytes, enum.Enum, dt.date, dt.time, dt.timedelta,
    decimal.Decimal, uuid.UUID,
)  # fmt: skip
"""Classes whose values can't change, which requests may share."""

_ADVICE: dict[str, str] = {
    "attrs": "Write {field} = attrs.field(factory=...), which makes one for each.",
    "tuple": "Make it a tuple or None; or make {model} a msgspec.Struct, and write"
    " {field} = msgspec.field(default_factory=...).",
    "": "Write {field} = field(default_factory=...), which makes one for each.",
}


def refuse_shared(kind: types.Type) -> None:
    """Raise `TypeError` for a model with a default that requests would share, and could change.

    SECURITY(shared state): what a view adds to it for one client, the next one would get.
    Dataclasses and structs refuse most of these themselves; named tuples and attrs classes don't.
    """
    for item in all_in(kind):
        for field in getattr(item, "fields", ()):
            if field.default is msgspec.NODEFAULT or can_share(field.default):
                continue
            cls = t.get_origin(item.cls) or item.cls
            model = cls.__name__
            raise TypeError(
                f"{model}.{field.name} has the default {field.default!r}, which all requests would"
                " share: what a view changes of it, the next request would get."
                f" {_ADVICE[_kind_of(cls)].format(model=model, field=field.name)}"
            )


def can_share(value: t.Any) -> bool:
    """Whether a value can't change: one of `IMMUTABLE`, or with a hash that is made of such."""
    cls: t.Any = type(value)
    if isinstance(value, (*IMMUTABLE, type, msgspec.UnsetType)) or cls is object:
        return True
    if cls.__hash__ is object.__hash__:
        # That of its identity says nothing of what it holds.
        return False
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _kind_of(cls: t.Any) -> str:
    if hasattr(cls, "__attrs_attrs__"):
        return "attrs"
    return "tuple" if issubclass(cls, tuple) else ""
