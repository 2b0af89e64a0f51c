"""Limits the nesting depth of JSON, to prevent stack overflows.

SECURITY(recursion): JSON parsers and writers recurse for each level. CPython 3.13
lets C code recurse for 10 000 levels. If the stack of a server's thread is too small
for that, the process crashes. 3.11, 3.12, and 3.14 raise `RecursionError` on their own.
"""

from __future__ import annotations

import json
import sys
import typing as t

from ..ground.jsontext import as_utf8, nesting_exceeds

MAX_DEPTH = 500
"""How deeply arrays and objects may be nested; deeper documents are refused.

Well below the depth at which CPython 3.11 and 3.12 raise `RecursionError`, and the
depth that fits in half a megabyte of stack.
"""

DEEP = 100
"""A nesting depth that certainly does not exhaust the stack by itself."""

TOO_DEEP = "The JSON is nested too deeply to be read."


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
    if opened > MAX_DEPTH and nesting_exceeds(as_utf8(s), MAX_DEPTH):
        raise ValueError(TOO_DEEP)


def is_deep(data: bytes) -> bool:
    """Whether JSON in UTF-8 may be what has exhausted the stack, not the application's code."""
    return nesting_exceeds(data, DEEP)


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
