"""Parse dates in request headers, whatever the client sent.

SPEC(RFC 9110 §13.1.3): an invalid date is ignored. Werkzeug raises an `OverflowError` for a date
with a number that is too large for C.
"""

from __future__ import annotations

import typing as t
from datetime import datetime
from functools import lru_cache

import werkzeug.http
from werkzeug.datastructures import IfRange

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONDITIONS = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE")
"""The environ variables that Werkzeug reads a date from to answer a conditional request."""

_NEITHER = '"'
"""Neither a date nor any resource's entity tag."""


date_of: t.Callable[[int], str] = lru_cache(maxsize=16)(werkzeug.http.http_date)
"""Write a date, which many responses of one second have."""


def parse_date(value: str | None) -> datetime | None:
    """Return a header's date as an aware `datetime`; None if it is not a date."""
    try:
        return werkzeug.http.parse_date(value)
    except OverflowError:
        return None


def parse_if_range(value: str | None) -> IfRange:
    """Return the condition in an If-Range header: an entity tag or a date."""
    try:
        return werkzeug.http.parse_if_range_header(value)
    except OverflowError:
        # As Werkzeug does with any other text that is not a date.
        return IfRange(werkzeug.http.unquote_etag(value)[0])


def with_readable_dates(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return an environ in which no date makes Werkzeug fail: the same one, or a changed copy."""
    replaced = {name: _NEITHER for name in CONDITIONS if is_unreadable(environ.get(name))}
    return {**environ, **replaced} if replaced else environ


def is_unreadable(value: str | None) -> bool:
    """Whether Werkzeug fails on a date."""
    try:
        werkzeug.http.parse_date(value)
    except OverflowError:
        return True
    return False
