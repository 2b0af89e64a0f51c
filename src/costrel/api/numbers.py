"""Numbers of JSON documents: ``2000.0`` is an integer, as JSON Schema has it.

Some languages have no other numbers, and write all of them so. msgspec tells them apart, so a
document that it refuses is read once more. Text, as in a query, has to be written as an integer.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

import msgspec

_FRACTION = re.compile(rb"[0-9](?:\.0|[eE])")


def _number(text: str) -> int | float:
    """SPEC(JSON Schema Validation §6.1.1): a number without a fraction is an integer.

    SECURITY(amplification): one that does not fit 64 bits is left for the type to refuse, since as
    an integer ``1e308`` has 309 digits.
    """
    number = float(text)
    if math.isinf(number):
        raise msgspec.ValidationError("Number out of range")
    if not -(2.0**63) <= number < 2.0**64:
        return number
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else number


decode_whole = msgspec.json.Decoder(float_hook=_number).decode
"""Decode a document without a type, with integers for all numbers that are integers."""


def with_integers(data: bytes) -> bytes:
    """Return a document with its integers written as such; itself, if they are.

    Raises `msgspec.DecodeError` for broken JSON, and `msgspec.ValidationError` for a number out of
    range.
    """
    return msgspec.json.encode(decode_whole(data)) if _FRACTION.search(data) else data
