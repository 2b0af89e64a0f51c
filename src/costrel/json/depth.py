"""Limits the nesting depth of JSON, to prevent stack overflows.

SECURITY(recursion): JSON parsers and writers recurse for each level. CPython 3.13
lets C code recurse for 10 000 levels. If the stack of a server's thread is too small
for that, the process crashes. 3.11, 3.12, and 3.14 raise `RecursionError` on their own.
"""

from __future__ import annotations

import json
import sys
import typing as t
from itertools import accumulate

MAX_DEPTH = 500
"""How deeply arrays and objects may be nested; deeper documents are refused.

Well below the depth at which CPython 3.11 and 3.12 raise `RecursionError`, and the
depth that fits in half a megabyte of stack.
"""

DEEP = 100
"""A nesting depth that certainly does not exhaust the stack by itself."""

TOO_DEEP = "The JSON is nested too deeply to be read."

_OTHERS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STEPS = bytes.maketrans(b"[]{}", bytes((1, 255, 1, 255)))


def check_depth(s: t.Any) -> None:
    """Raise `ValueError` for JSON nested deeper than `MAX_DEPTH`, in any encoding of JSON."""
    # PERF(echo): nearly every document has fewer brackets than that in total. UTF-16 and
    # UTF-32 contain the same bytes among others, so no bracket is missed.
    if isinstance(s, str):
        opened = s.count("[") + s.count("{")
    elif isinstance(s, (bytes, bytearray)):
        opened = s.count(b"[") + s.count(b"{")
    else:
        # The parser decides about other types.
        return
    if opened > MAX_DEPTH and _nesting_exceeds(_as_utf8(s), MAX_DEPTH):
        raise ValueError(TOO_DEEP)


def is_deep(data: bytes) -> bool:
    """Whether JSON in UTF-8 may be what has exhausted the stack, not the application's code."""
    return _nesting_exceeds(data, DEEP)


def _as_utf8(s: str | bytes | bytearray) -> bytes | bytearray:
    """Return JSON in an encoding in which brackets and quotes are single bytes."""
    if not isinstance(s, str):
        encoding = json.detect_encoding(s)
        if encoding.startswith("utf-8"):
            return s
        # Raises the same error as reading it would.
        s = s.decode(encoding, "surrogatepass")
    return s.encode("utf-8", "surrogatepass")


def _nesting_exceeds(data: bytes | bytearray, limit: int) -> bool:
    """Return whether brackets outside strings are nested deeper than the limit.

    Up to the first syntax error, this reads the text as a parser does. After that, the
    result does not matter.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Every other part between quotes is outside strings.
    brackets = b"".join(data.translate(None, _OTHERS).split(b'"')[::2])
    # Each bracket becomes a signed byte: 1 for opening, -1 for closing.
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    return max(accumulate(steps), default=0) > limit


def read_plainly(s: str | bytes | bytearray, **kwargs: t.Any) -> t.Any:
    """Parse JSON with the standard library, up to `MAX_DEPTH`; raises `ValueError`."""
    check_depth(s)
    try:
        return json.loads(s, **kwargs)
    except RecursionError as error:
        # A client may send such JSON, and then gets a 400.
        raise ValueError(TOO_DEEP) from error


def check_written_depth(obj: t.Any) -> None:
    """Raise `RecursionError` for a document that is nested too deeply to be written.

    Raises `ValueError` for a circular reference, as the standard library does.
    """
    try:
        if isinstance(obj, _CONTAINERS):
            _follow(obj)
    except RecursionError:
        # The Python encoder, which is safe from overflows, detects circular references.
        for _chunk in json.JSONEncoder(default=str).iterencode(obj):
            pass
        raise


def _follow(value: t.Any) -> None:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _CONTAINERS):
            _follow(item)


_CONTAINERS = (dict, list, tuple)


UNGUARDED = sys.version_info[:2] == (3, 13)
"""Whether C code of this interpreter may recurse until the stack overflows."""
