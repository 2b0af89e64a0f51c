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
_BYTES = (types.BytesType, types.ByteArrayType, types.MemoryViewType)

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
    if isinstance(kind, _BYTES):
        return fixed | base64(kind.min_length or 0, kind.max_length)
    schema = fixed | constraints(kind, _KEYWORDS.get(type(kind), {}))
    return _of_time(schema, kind.tz) if isinstance(kind, _TIMES) else schema


_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

LOCAL = {"date-time-local": f"^{_DATE}[Tt ]{_TIME}$", "time-local": f"^{_TIME}$"}
"""The patterns of times without an offset."""

_TIMES = (types.DateTimeType, types.TimeType)


def _of_time(schema: Schema, tz: bool | None) -> Schema:
    """Return the schema of a time with an offset, without one, or either.

    RFC 3339 has none without an offset. The registry of formats has this name for them, which few
    tools know; hence the pattern.
    """
    name = f"{schema['format']}-local"
    local = {**schema, "format": name, "pattern": LOCAL[name]}
    return {True: schema, False: local}.get(t.cast("bool", tz)) or {"anyOf": [schema, local]}


def base64(least: int, most: int | None) -> Schema:
    """Return what base64 text of so many bytes has: its length, and its form if that can be said.

    SPEC(RFC 4648 §4): each three bytes are four characters; of one or two that are left over,
    there are four too, the last of them ``=``.
    """
    schema: Schema = {"pattern": f"^({_QUAD})*({_ONE}|{_TWO})?$"}
    if least:
        schema["minLength"] = _characters(least)
    if most is not None:
        schema["maxLength"] = _characters(most)
    # Some engines of regular expressions have no repetitions of more than a thousand.
    if (least or most is not None) and max(least, most or 0) <= 3_000:
        schema["pattern"] = f"^({_exactly(least, most)})$"
    return schema


_QUAD = "[A-Za-z0-9+/]{4}"
_ONE = "[A-Za-z0-9+/]{2}=="
_TWO = "[A-Za-z0-9+/]{3}="
_ENDS = ("", _ONE, _TWO)


def _characters(count: int) -> int:
    """Return how many characters so many bytes are as base64."""
    return 4 * -(-count // 3)


def _exactly(least: int, most: int | None) -> str:
    """Return the pattern of base64 text of so many bytes."""
    first, over = divmod(least, 3)
    if most is None:
        return f"({_QUAD}){{{first}}}({_either(over, 2)}|({_QUAD})+({_ONE}|{_TWO})?)"
    last, left = divmod(most, 3)
    if first >= last:
        return f"({_QUAD}){{{first}}}{_either(over, left if first == last else -1)}"
    fewer = f"({_QUAD}){{{first}}}{_either(over, 2)}"
    more = f"({_QUAD}){{{last}}}{_either(0, left)}"
    between = f"|({_QUAD}){{{first + 1},{last - 1}}}({_ONE}|{_TWO})?" if last - first > 1 else ""
    return f"{fewer}{between}|{more}"


def _either(least: int, most: int) -> str:
    """Return the pattern of what is left over of the last bytes: from so many to so many."""
    return f"({'|'.join(_ENDS[least : most + 1])})" if most >= least else "(?!)"


_INTEGERS = "-?(0|[1-9][0-9]*)"


def text_of_number(kind: types.Type) -> Schema | None:
    """Return the schema of a number, or one of some values, as a key; None for other types.

    Limits can't be said of text, but whether it may be negative can.
    """
    if isinstance(kind, types.IntType):
        least = kind.ge if kind.ge is not None else None if kind.gt is None else kind.gt + 1
        pattern = _INTEGERS
        if least is not None and least >= 0:
            pattern = "-?0|[1-9][0-9]*" if least == 0 else "[1-9][0-9]*"
        return {"pattern": f"^({pattern})$"}
    if isinstance(kind, types.FloatType):
        return {"pattern": f"^{NUMBER.pattern}$"}
    values: t.Any = ()
    if isinstance(kind, types.LiteralType):
        values = kind.values
    elif isinstance(kind, types.EnumType):
        values = [member.value for member in kind.cls]
    if any(isinstance(value, int) for value in values):
        return choice([str(value) for value in values if value is not None])
    return None


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
