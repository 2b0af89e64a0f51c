"""Dates in headers, of which nobody knows what they hold.

SPEC(RFC 9110 §13.1.3): a date that is none is ignored. Werkzeug lets an `OverflowError` out
for one with a number that is too large for C.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

import werkzeug.http
from werkzeug.datastructures import IfRange

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONDITIONS = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE")
"""The variables that Werkzeug reads a date from to answer a conditional request."""

_NEITHER = '"'
"""Is no date, and not the tag of anything."""


def parse_date(value: str | None) -> datetime | None:
    """Return the date of a header, aware of its time zone; None if it is none."""
    try:
        return werkzeug.http.parse_date(value)
    except OverflowError:
        return None


def parse_if_range(value: str | None) -> IfRange:
    """Return the condition of a header: an entity tag or a date."""
    try:
        return werkzeug.http.parse_if_range_header(value)
    except OverflowError:
        # As Werkzeug has it for any other text that is no date.
        return IfRange(werkzeug.http.unquote_etag(value)[0])


def with_readable_dates(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return an environ whose conditions can be read: it, or a copy without the others."""
    replaced = {name: _NEITHER for name in CONDITIONS if is_unreadable(environ.get(name))}
    return {**environ, **replaced} if replaced else environ


def is_unreadable(value: str | None) -> bool:
    """Tell whether Werkzeug fails on a date."""
    try:
        werkzeug.http.parse_date(value)
    except OverflowError:
        return True
    return False
