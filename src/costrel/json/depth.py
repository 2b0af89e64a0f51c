"""How deep JSON may be nested, so that nobody's stack ends.

SECURITY(recursion): what reads and writes JSON calls itself for each level. CPython 3.13
lets C code go on for 10 000 levels, for which the stack of a server's thread may be too
small; that ends the process. 3.11, 3.12, and 3.14 on their own accord raise `RecursionError`.
"""

from __future__ import annotations

import json
import sys
import typing as t
from itertools import accumulate

MAX_DEPTH = 500
"""How many arrays and objects inside of each other are read; more are refused.

Well below what CPython 3.11 and 3.12 read before they raise `RecursionError`, and
what half a megabyte of stack holds.
"""

TOO_DEEP = "The JSON is nested too deeply to be read."

_OTHERS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STEPS = bytes.maketrans(b"[]{}", bytes((1, 255, 1, 255)))


def check_depth(s: t.Any) -> None:
    """Raise `ValueError` for JSON nested deeper than `MAX_DEPTH`, in any encoding of JSON."""
    # PERF(echo): nearly every document has fewer brackets at all. UTF-16 and UTF-32 have
    # their bytes among others, so no bracket is missed.
    if isinstance(s, str):
        opened = s.count("[") + s.count("{")
    elif isinstance(s, (bytes, bytearray)):
        opened = s.count(b"[") + s.count(b"{")
    else:
        # For the parser to refuse, or to know.
        return
    if opened > MAX_DEPTH and _nesting_exceeds(_as_utf8(s), MAX_DEPTH):
        raise ValueError(TOO_DEEP)


def _as_utf8(s: str | bytes | bytearray) -> bytes | bytearray:
    """Return JSON in an encoding in which its brackets and quotes are single bytes."""
    if not isinstance(s, str):
        encoding = json.detect_encoding(s)
        if encoding.startswith("utf-8"):
            return s
        # Raises what reading it would raise.
        s = s.decode(encoding, "surrogatepass")
    return s.encode("utf-8", "surrogatepass")


def _nesting_exceeds(data: bytes | bytearray, limit: int) -> bool:
    """Tell whether brackets are nested deeper than this, outside of strings.

    Up to its first error the text is taken apart as a parser does it; behind that any
    answer will do.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Every other piece between two quotes is outside of strings.
    brackets = b"".join(data.translate(None, _OTHERS).split(b'"')[::2])
    # A step of 1 inwards or, as a signed byte, of -1 outwards for each.
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    return max(accumulate(steps), default=0) > limit


def read_plainly(s: str | bytes | bytearray, **kwargs: t.Any) -> t.Any:
    """Read JSON by the standard library, as deep as `MAX_DEPTH`; raises `ValueError`."""
    check_depth(s)
    try:
        return json.loads(s, **kwargs)
    except RecursionError as error:
        # A client may send that, and is told so with 400.
        raise ValueError(TOO_DEEP) from error


def check_written_depth(obj: t.Any) -> None:
    """Raise `RecursionError` for a document nested too deeply to be written.

    `ValueError` for a circular one, as the standard library does.
    """
    try:
        if isinstance(obj, _CONTAINERS):
            _follow(obj)
    except RecursionError:
        # In Python, which looks after its own stack: names what is circular.
        for _chunk in json.JSONEncoder(default=str).iterencode(obj):
            pass
        raise


def _follow(value: t.Any) -> None:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _CONTAINERS):
            _follow(item)


_CONTAINERS = (dict, list, tuple)


UNGUARDED = sys.version_info[:2] == (3, 13)
"""Whether C code of this interpreter may recurse until the stack ends."""
