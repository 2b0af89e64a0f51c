"""MessagePack from clients, made JSON: so both have one grammar, one set of errors, one limit.

What JSON has nothing for is refused: extension types, numbers that are not finite, keys that are
neither text nor what an answer may have as a key, and a key that is there twice.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import typing as t

import msgspec
from msgspec.msgpack import Ext

from ..json.depth import MAX_DEPTH, TOO_DEEP, UNGUARDED

_OPENERS = bytes((*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF))
"""The first bytes of arrays and maps."""

_COUNTS = re.compile(rb"[\xdc-\xdf]")
"""The first bytes of those that say how many values follow, which may be any number."""


class Packed(t.NamedTuple):
    """A document that was MessagePack.

    Attributes:
        json: The same as JSON.
        value: Its value, if JSON does not tell all of its types: binary data, which becomes base64
            there, a timestamp, which becomes its text, or a key that is not text. Else None.
    """

    json: bytes
    value: t.Any


def to_json(data: bytes) -> Packed:
    """Return a MessagePack document as JSON.

    Binary data becomes base64 and a timestamp its text, which is what JSON has for ``bytes`` and
    ``datetime``. Raises `ValueError` or `msgspec.DecodeError` if it is broken or nested too
    deeply, or has what JSON can't hold, such as a map with a list for a key.
    """
    is_deep = UNGUARDED and len(data) - len(data.translate(None, _OPENERS)) > MAX_DEPTH
    said = check_heads(data) if is_deep or _COUNTS.search(data) else None
    try:
        value = msgspec.msgpack.decode(data)
        pairs, is_told = _look(value)
        if said is None and not (is_told and _is_as_long(value, data)):
            said = check_heads(data)
        if said is not None and said != pairs:
            raise ValueError("A map has the same key twice.")
        return Packed(msgspec.json.encode(value), None if is_told else value)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except TypeError as error:
        raise ValueError(str(error)) from error


def _is_as_long(value: t.Any, data: bytes) -> bool:
    """Whether a value is all that there is in its data, since that is written in the shortest way.

    Numbers of single precision would be written longer, and so hide what is missing.
    """
    return _SINGLE not in data and len(msgspec.msgpack.encode(value)) == len(data)


_SINGLE = 0xCA
"""The first byte of a number of single precision."""


def _look(value: t.Any) -> tuple[int, bool]:
    """Return how many pairs the maps in a value have, and whether JSON tells all of its types.

    Raises `ValueError` for what JSON has nothing for.
    """
    pairs, is_told = 0, True
    pending: list[t.Any] = [[value]]
    while pending:
        item = pending.pop()
        items = item
        if type(item) is dict:
            pairs += len(item)
            if not _TEXT.issuperset(map(type, item)):
                is_told = False
                for key in item:
                    _check_key(key)
            items = item.values()
        if _PLAIN.issuperset(map(type, items)):
            continue
        for one in items:
            if isinstance(one, (dict, list)):
                pending.append(one)
            elif isinstance(one, (bytes, dt.datetime)):
                is_told = False
            else:
                _check_value(one)
    return pairs, is_told


_TEXT = frozenset((str,))
_PLAIN = frozenset((str, int, bool, type(None)))
"""Types of which JSON tells each, and has all values."""


def _check_key(key: t.Any) -> None:
    if type(key) is float:
        _check_finite(key)
    elif type(key) not in {str, int, bytes, dt.datetime}:
        raise ValueError(f"A map has a key of the type {type(key).__name__}. Make it text.")


def _check_value(value: t.Any) -> None:
    if type(value) is Ext:
        raise ValueError(f"It has the extension type {value.code}, which JSON does not have.")
    if isinstance(value, float):
        _check_finite(value)


def _check_finite(number: float) -> None:
    if not math.isfinite(number):
        raise ValueError(f"It has the number {number}, which JSON does not have.")


def whole(value: t.Any) -> t.Any:
    """Return a value with an integer for each number that is one, as for JSON in `numbers`."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(whole, value))
    is_whole = isinstance(value, float) and value.is_integer() and -(2.0**63) <= value < 2.0**64
    return int(value) if is_whole else value


def check_heads(data: bytes) -> int:
    """Return how many pairs all maps have, by their heads.

    Raises `ValueError` for data that is nested too deeply, or shorter than it says.

    SECURITY(recursion): it does not recurse itself. SECURITY(CWE-789): decoders make room for as
    many values as an array says that it has.
    """
    #: How many values are still to come, in all and in each array or map.
    missing = 1
    lacking = [1]
    at = 0
    pairs = 0
    while lacking:
        if missing > len(data) - at:
            raise ValueError("It ends too early.")
        head = data[at]
        at, count = _next(data, at)
        missing += count - 1
        if count:
            pairs += count // 2 if head in _MAPS else 0
            lacking.append(count)
            if len(lacking) > MAX_DEPTH + 1:
                raise ValueError(TOO_DEEP)
            continue
        while lacking:
            lacking[-1] -= 1
            if lacking[-1]:
                break
            lacking.pop()
    return pairs


_MAPS = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
"""The first bytes of maps."""


# First byte -> how many bytes its length takes, and how many follow besides the content.
_WITH_LENGTH = {
    0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1),
    0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0),
}  # fmt: skip

# First byte -> how many bytes follow.
_FIXED = {
    0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip

# First byte -> how many bytes its count takes, and how many values each item has.
_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _next(data: bytes, at: int) -> tuple[int, int]:
    """Return where the head or scalar at a place ends, and how many values are in it."""
    first = data[at]
    at += 1
    if 0x80 <= first <= 0x8F:
        return at, 2 * (first & 0x0F)
    if 0x90 <= first <= 0x9F:
        return at, first & 0x0F
    if 0xA0 <= first <= 0xBF:
        return at + (first & 0x1F), 0
    if first in _COUNTED:
        size, values = _COUNTED[first]
        return at + size, values * int.from_bytes(data[at : at + size], "big")
    if first in _WITH_LENGTH:
        size, more = _WITH_LENGTH[first]
        return at + size + more + int.from_bytes(data[at : at + size], "big"), 0
    return at + _FIXED.get(first, 0), 0
