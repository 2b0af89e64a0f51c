"""Read the text of a query parameter, header or cookie as the JSON value that it stands for.

There is one grammar for a type, whether its value is in a body or in a query: JSON's. So
``?n=10`` is a number for an ``int``, and ``1_000``, ``1.0``, ``+1`` and ``true`` are not.
"""

from __future__ import annotations

import enum
import re
import typing as t

import msgspec
from msgspec import inspect as types

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""SPEC(RFC 8259 §6): a number."""

_WORDS = {"true": True, "false": False}

_TEXTS = (
    types.StrType, types.BytesType, types.DateTimeType, types.DateType, types.TimeType,
    types.TimeDeltaType, types.UUIDType,
)  # fmt: skip

Read = t.Callable[[str], t.Any]


def reader(kind: types.Type) -> Read | None:
    """Return what reads a type's text; None for a type that text can't stand for."""
    accepted = _accepted(kind)
    if accepted is None:
        return None
    numbers, words, strings = accepted
    if not numbers and not words:
        return str
    if words and not numbers:
        return _word
    return _number_or_word if words else _number


def _accepted(kind: types.Type) -> tuple[bool, bool, bool] | None:
    """Return whether numbers, booleans and strings may be values of a type."""
    if isinstance(kind, types.Metadata):
        return _accepted(kind.type)
    if isinstance(kind, _TEXTS):
        return False, False, True
    if isinstance(kind, (types.IntType, types.FloatType)):
        return True, False, False
    if isinstance(kind, types.BoolType):
        return False, True, False
    if isinstance(kind, types.DecimalType):
        return False, False, True
    if isinstance(kind, types.LiteralType):
        return _of_values(kind.values)
    if isinstance(kind, types.EnumType):
        return _of_values(member.value for member in kind.cls)
    if isinstance(kind, types.UnionType):
        found = [_accepted(item) for item in kind.types if not isinstance(item, types.NoneType)]
        known = [item for item in found if item is not None]
        if len(known) != len(found) or not known:
            return None
        return t.cast("tuple[bool, bool, bool]", tuple(map(any, zip(*known, strict=True))))
    return None


def _of_values(values: t.Iterable[t.Any]) -> tuple[bool, bool, bool] | None:
    kinds = {type(value.value if isinstance(value, enum.Enum) else value) for value in values}
    return (int in kinds, False, str in kinds) if kinds <= {int, str} else None


def _number(text: str) -> t.Any:
    """Return a number; text that is none as it is, for the type to refuse."""
    if not NUMBER.fullmatch(text):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.ValidationError:  # out of range
        return text


def _word(text: str) -> t.Any:
    return _WORDS.get(text, text)


def _number_or_word(text: str) -> t.Any:
    return _WORDS[text] if text in _WORDS else _number(text)
