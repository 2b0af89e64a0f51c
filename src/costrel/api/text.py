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

from .kinds import ARRAYS, bare, members_of, without_none

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""SPEC(RFC 8259 §6): a number."""

_INTEGER, _FRACTION, _WORD, _STRING = (
    frozenset((name,)) for name in ("integer", "fraction", "true or false", "string")
)

_ACCEPTED: dict[type[types.Type], frozenset[str]] = {
    types.IntType: _INTEGER, types.FloatType: _INTEGER | _FRACTION, types.BoolType: _WORD,
    types.StrType: _STRING, types.BytesType: _STRING, types.DateTimeType: _STRING,
    types.DateType: _STRING, types.TimeType: _STRING, types.TimeDeltaType: _STRING,
    types.UUIDType: _STRING, types.DecimalType: _STRING, types.NoneType: frozenset(),
}  # fmt: skip
"""What a text may stand for. A decimal is a string in JSON too, so that it stays exact."""

_WORDS = {"true": True, "false": False}
_WORDS_OF_FORMS = {**_WORDS, "on": True}

_decode = msgspec.json.Decoder().decode

Read = t.Callable[[str], t.Any]


def reader(kind: types.Type, *, in_form: bool = False) -> Read | None:
    """Return what reads a type's text; None for a type that text can't stand for.

    SPEC(HTML, the input element): in a form, a checkbox that has no value of its own is ``on``.
    """
    accepted = _accepted(bare(kind))
    if not accepted:
        return None
    words = _WORDS_OF_FORMS if in_form and not accepted >= _STRING else _WORDS
    if not accepted >= _INTEGER:
        return (lambda text: words.get(text, text)) if accepted >= _WORD else str
    # Where any text fits, only what can be no other number is one.
    only_integers = accepted >= _STRING and not accepted >= _FRACTION
    read = _read_integer if only_integers else _read_number
    if not accepted >= _WORD:
        return read
    return lambda text: words[text] if text in words else read(text)


def takes_on(kind: types.Type) -> bool:
    """Whether ``on`` is true for a type, or for each item of a list, in a form."""
    kind = without_none(kind)
    accepted = _accepted(bare(kind.item_type if isinstance(kind, ARRAYS) else kind))
    return accepted is not None and accepted >= _WORD and not accepted >= _STRING


def is_text(kind: types.Type) -> bool:
    """Whether text can stand for a type that may be None, or for each item of a list."""
    kind = without_none(kind)
    return reader(kind.item_type if isinstance(kind, ARRAYS) else kind) is not None


def _accepted(kind: types.Type) -> frozenset[str] | None:
    if isinstance(kind, types.UnionType):
        found = [_accepted(member) for member in members_of(kind)]
        return None if None in found else frozenset().union(*t.cast("t.Any", found))
    if isinstance(kind, types.LiteralType):
        return _accepted_of(kind.values)
    if isinstance(kind, types.EnumType):
        return _accepted_of(kind.cls)
    return _ACCEPTED.get(type(kind))


def _accepted_of(values: t.Iterable[t.Any]) -> frozenset[str] | None:
    """Return the same for the values of a literal or an enumeration: numbers and strings."""
    kinds = {type(value.value if isinstance(value, enum.Enum) else value) for value in values}
    if not kinds <= {int, str, type(None)}:
        return None
    return (_INTEGER if int in kinds else frozenset()) | (_STRING if str in kinds else frozenset())


_MAX_DIGITS = 18
"""So many digits are an integer of 64 bits, whichever they are."""


def _read_number(text: str) -> t.Any:
    """Return a number; text that is none as it is, for the type to refuse."""
    if len(text) <= _MAX_DIGITS and text.isdigit() and text.isascii():
        # The usual case, for which no pattern is needed.
        return text if text[0] == "0" and len(text) > 1 else int(text)
    if not NUMBER.fullmatch(text):
        return text
    try:
        return _decode(text)
    except msgspec.ValidationError:  # out of range
        return text


def _read_integer(text: str) -> t.Any:
    """Return an integer; other text as it is."""
    value = _read_number(text)
    return value if isinstance(value, int) else text
