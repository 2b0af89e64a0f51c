"""JSON schemas of values without parts: numbers, text, dates, enumerations, literals."""

from __future__ import annotations

import typing as t

import msgspec
from msgspec import inspect as types

from ..api.text import NUMBER

Schema = dict[str, t.Any]

FILE: Schema = {
    "type": "string",
    "format": "binary",  # what generators of clients know a file by
    "contentMediaType": "application/octet-stream",
}
"""The schema of an uploaded file."""

_NUMBER = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}  # fmt: skip
_STRING = {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}
_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}

DURATION = (
    r"^-?P(?=.)([0-9]{1,8}D)?"
    r"(T(?=[0-9])([0-9]{1,8}H)?([0-9]{1,8}M)?([0-9]{1,8}(\.[0-9]{1,6})?S)?)?$"
)
"""What msgspec reads of ISO 8601: days to seconds, since years and months have no fixed length."""

_DECIMAL = NUMBER.pattern.replace("[+-]?[0-9]+", "[+-]?[0-9]{1,17}")
"""Numbers in the range of `decimal.Decimal`: an exponent of more digits is refused."""

_FIXED: dict[type[types.Type], Schema] = {
    types.AnyType: {},
    types.RawType: {},
    types.NoneType: {"type": "null"},
    types.BoolType: {"type": "boolean"},
    types.IntType: {"type": "integer"},
    types.FloatType: {"type": "number"},
    types.StrType: {"type": "string"},
    types.BytesType: _BASE64,
    types.ByteArrayType: _BASE64,
    types.MemoryViewType: _BASE64,
    types.DateTimeType: {"type": "string", "format": "date-time"},
    types.DateType: {"type": "string", "format": "date"},
    types.TimeType: {"type": "string", "format": "time"},
    types.TimeDeltaType: {"type": "string", "pattern": DURATION},
    types.UUIDType: {"type": "string", "format": "uuid"},
    types.DecimalType: {"type": "string", "format": "decimal", "pattern": f"^{_DECIMAL}$"},
}

_KEYWORDS: dict[type[types.Type], dict[str, str]] = {
    types.IntType: _NUMBER, types.FloatType: _NUMBER, types.StrType: _STRING,
}  # fmt: skip


def scalar(kind: types.Type) -> Schema | None:
    """Return the schema of a value without parts; None for one with parts."""
    if isinstance(kind, types.LiteralType):
        return choice(kind.values)
    fixed = _FIXED.get(type(kind))
    if fixed is None:
        return None
    schema = fixed | constraints(kind, _KEYWORDS.get(type(kind), {}))
    if getattr(kind, "tz", None) is False:
        # RFC 3339 has no times without an offset; the registry of formats has this name for them.
        schema["format"] += "-local"
    return schema


def constraints(kind: types.Type, keywords: t.Mapping[str, str]) -> Schema:
    """Return a type's constraints, by the keywords of JSON Schema."""
    found = {keyword: getattr(kind, name) for name, keyword in keywords.items()}
    return {keyword: value for keyword, value in found.items() if value is not None}


def choice(values: t.Sequence[t.Any]) -> Schema:
    """Return the schema of one of some strings, numbers and None."""
    schema: Schema = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return {"type": "string", **schema}
    return {"type": "integer", **schema} if kinds == {int} else schema


_NOTHING: t.Any = object()
_EMPTY = (list, dict, tuple, set, frozenset)


def default_of(value: t.Any, factory: t.Any = msgspec.NODEFAULT) -> Schema:
    """Return the keyword ``default`` for a default value, if JSON can hold it.

    Args:
        value: The value; `msgspec.NODEFAULT` if there is none.
        factory: What makes one anew. It is called only if it makes an empty list or the like,
            since others may read the clock.
    """
    if value is msgspec.NODEFAULT and factory in _EMPTY:
        value = factory()
    if value is msgspec.NODEFAULT or value is msgspec.UNSET:
        return {}
    plain = as_json(value, _NOTHING)
    return {} if plain is _NOTHING else {"default": plain}


def text_default(value: t.Any, factory: t.Any = msgspec.NODEFAULT) -> Schema:
    """Return the same for what clients send as text, which has no null."""
    found = default_of(value, factory)
    return {} if found.get("default") is None else found


def as_json(value: t.Any, otherwise: t.Any = None) -> t.Any:
    """Return a value as JSON has it; `otherwise` if JSON can't hold it."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, RecursionError):
        return otherwise
