"""Errors that are caused by the content of the client's JSON.

JSON may hold values that can't be written out again: half of a surrogate pair, ``NaN``, or
very deep nesting. The parser accepts them, and a view that returns them fails.
"""

from __future__ import annotations

import math
import typing as t

from werkzeug.exceptions import BadRequest

from ..json.depth import DEEP

if t.TYPE_CHECKING:
    from ..wrappers import Request


def bad_request_for(error: Exception, request: Request) -> BadRequest | None:
    """Return the 400 for an error that was caused by the request's JSON; None for any other.

    Only called for requests that failed, and only looks at JSON that was read already.
    """
    if isinstance(error, UnicodeEncodeError):
        surrogates = set(filter(_is_surrogate, error.object[error.start : error.end]))

        def causes(value: t.Any) -> bool:
            return isinstance(value, str) and not surrogates.isdisjoint(value)
    elif isinstance(error, RecursionError):
        return BadRequest() if _depth(request) > DEEP else None
    elif isinstance(error, ValueError) and str(error).startswith("Out of range float"):
        # The message of `json` with ``allow_nan=False``.
        def causes(value: t.Any) -> bool:
            return isinstance(value, float) and not math.isfinite(value)
    else:
        return None
    return BadRequest() if any(map(causes, _leaves(request))) else None


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _levels(request: Request) -> t.Iterator[list[t.Any]]:
    """Yield the values of the request's JSON level by level, if it was read."""
    level = [value for value in request._cached_json if value is not Ellipsis][:1]
    while level:
        yield level
        level = [item for value in level for item in _parts(value)]


def _parts(value: t.Any) -> t.Iterable[t.Any]:
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, list) else ()


def _leaves(request: Request) -> t.Iterator[t.Any]:
    for level in _levels(request):
        yield from level


def _depth(request: Request) -> int:
    return sum(1 for _level in _levels(request))
