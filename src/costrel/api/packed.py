"""MessagePack from clients, made JSON: so both have one grammar, one set of errors, one limit."""

from __future__ import annotations

import re

import msgspec

from ..json.depth import MAX_DEPTH, TOO_DEEP, UNGUARDED

_OPENERS = bytes((*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF))
"""The first bytes of arrays and maps."""

_COUNTS = re.compile(rb"[\xdc-\xdf]")
"""The first bytes of those that say how many values follow, which may be any number."""


def to_json(data: bytes) -> bytes:
    """Return a MessagePack document as JSON.

    Binary data becomes base64 and a timestamp its text, which is what JSON has for ``bytes`` and
    ``datetime``. Raises `ValueError` or `msgspec.DecodeError` if it is broken or nested too
    deeply, or has what JSON can't hold, such as a map with a list for a key.
    """
    is_deep = UNGUARDED and len(data) - len(data.translate(None, _OPENERS)) > MAX_DEPTH
    if is_deep or _COUNTS.search(data):
        check_heads(data)
    try:
        return msgspec.json.encode(msgspec.msgpack.decode(data))
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except TypeError as error:
        raise ValueError(str(error)) from error


def check_heads(data: bytes) -> None:
    """Raise `ValueError` for data that is nested too deeply, or shorter than it says.

    SECURITY(recursion): it does not recurse itself. SECURITY(CWE-789): decoders make room for as
    many values as an array says that it has.
    """
    #: How many values are still to come, in all and in each array or map.
    missing = 1
    lacking = [1]
    at = 0
    while lacking:
        if missing > len(data) - at:
            raise ValueError("It ends too early.")
        at, count = _next(data, at)
        missing += count - 1
        if count:
            lacking.append(count)
            if len(lacking) > MAX_DEPTH + 1:
                raise ValueError(TOO_DEEP)
            continue
        while lacking:
            lacking[-1] -= 1
            if lacking[-1]:
                break
            lacking.pop()


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
