"""How JSON text is built, found out without parsing it: its depth and its longest number."""

from __future__ import annotations

import json
import re
import typing as t
from functools import lru_cache
from itertools import accumulate

_OTHERS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STEPS = bytes.maketrans(b"[]{}", bytes((1, 255, 1, 255)))
_SAMPLES = 8
"""A run of digits that is too long is certain to contain this many samples in a row."""


def as_utf8(s: str | bytes | bytearray) -> bytes | bytearray:
    """Return JSON in an encoding in which brackets and quotes are single bytes."""
    if not isinstance(s, str):
        encoding = json.detect_encoding(s)
        if encoding.startswith("utf-8"):
            return s
        # Raises the same error as reading it would.
        s = s.decode(encoding, "surrogatepass")
    return s.encode("utf-8", "surrogatepass")


def nesting_exceeds(data: bytes | bytearray, limit: int) -> bool:
    """Return whether brackets outside strings are nested deeper than the limit.

    Up to the first syntax error, this reads the text as a parser does. After that, the
    result does not matter.
    """
    # Every other part between quotes is outside strings.
    brackets = b"".join(_unescaped(data).translate(None, _OTHERS).split(b'"')[::2])
    # Each bracket becomes a signed byte: 1 for opening, -1 for closing.
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    return max(accumulate(steps), default=0) > limit


def has_longer_number(data: bytes | bytearray, digits: int) -> bool:
    """Return whether a number of the text has a run of more digits than that.

    PERF(echo): only every so many bytes are looked at first. A run that is too long shows as
    several digits in a row among these, and few texts have that.
    """
    longer = digits + 1
    stride = max(1, longer // _SAMPLES)
    if _run_of(longer // stride)(data[::stride]) is None or _run_of(longer)(data) is None:
        return False
    outside_strings = b" ".join(_unescaped(data).split(b'"')[::2])
    return _run_of(longer)(outside_strings) is not None


def _unescaped(data: bytes | bytearray) -> bytes | bytearray:
    """Return a text in which every quote begins or ends a string."""
    return data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data


@lru_cache(maxsize=64)
def _run_of(digits: int) -> t.Callable[[bytes | bytearray], t.Any]:
    return re.compile(rb"[0-9]{%d}" % digits).search
