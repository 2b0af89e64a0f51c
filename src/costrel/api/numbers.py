"""Numbers of JSON documents: ``2000.0`` is an integer, as JSON Schema has it.

Some languages have no other numbers, and write all of them so. msgspec tells them apart, so a
document that it refuses is read once more. Text, as in a query, has to be written as an integer.
"""

from __future__ import annotations

import math
import re
import typing as t
from decimal import Decimal

import msgspec

FRACTION = re.compile(rb"[0-9](?:\.0|[eE])")
"""What each number has in it that is an integer, but not written as one."""


def _written(text: str) -> msgspec.Raw:
    """Keep a number as it is written, since only its type tells what it becomes."""
    if math.isinf(float(text)):
        raise msgspec.ValidationError("Number out of range")
    return msgspec.Raw(text)


decode_as_written: t.Callable[[bytes | str], t.Any] = msgspec.json.Decoder(
    float_hook=_written
).decode
"""Decode a document without a type, with `msgspec.Raw` for all numbers but integers.

Encoded again, they are what they were. Raises `msgspec.DecodeError` for broken JSON, and
`msgspec.ValidationError` for a number out of range.
"""


def integer_in(value: t.Any) -> t.Any:
    """Return the integer that a number kept as it is written stands for; all else as it is.

    SPEC(JSON Schema Validation §6.1.1): a number without a fraction is an integer.
    SECURITY(amplification): one that does not fit 64 bits is left for the type to refuse, since as
    an integer ``1e308`` has 309 digits.
    """
    if type(value) is not msgspec.Raw or not -(2.0**63) <= float(value) < 2.0**64:
        return value
    exact = Decimal(_text(value))
    return int(exact) if exact == exact.to_integral_value() else value


def decimal_in(value: t.Any) -> t.Any:
    """Return the decimal that a number kept as it is written stands for; all else as it is."""
    return Decimal(_text(value)) if type(value) is msgspec.Raw else value


def text_in(value: t.Any) -> t.Any:
    """Return the text of a number kept as it is written; all else as it is."""
    return _text(value) if type(value) is msgspec.Raw else value


def with_floats(value: t.Any) -> t.Any:
    """Return a value with a float for each number that is still kept as it is written."""
    if isinstance(value, dict):
        return {name: with_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return list(map(with_floats, value))
    return float(value) if type(value) is msgspec.Raw else value


def _text(number: msgspec.Raw) -> str:
    return bytes(number).decode()
