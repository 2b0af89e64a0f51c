"""Limits of what is parsed of a request, besides those that Flask has.

Each is a setting of the current application, which `Costrel` has a value for and `Flask` has not:
see docs/limits.md. What is short enough to be within a limit costs one comparison.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from ..ground.current import context
from ..ground.jsontext import as_utf8, has_longer_number, nesting_exceeds

FEW_FIELDS = 10
"""So few fields of a query are never too many, so that the setting need not be read."""

SHORT_FORM_BYTES = 1_000
"""In urlencoded forms up to this length no field is too long, so that the limit is not read."""


def setting(name: str) -> int | None:
    """Return a limit of the current application; None if there is none."""
    ctx = context.get(None)
    limit: int | None = None if ctx is None else ctx.app.config.get(name)
    return limit


def check_query(query: str | bytes) -> None:
    """Raise 400 for a query with more than ``MAX_QUERY_FIELDS`` fields."""
    fields = 1 + (query.count("&") if isinstance(query, str) else query.count(b"&"))
    if fields <= FEW_FIELDS:
        return
    limit = setting("MAX_QUERY_FIELDS")
    if limit is not None and fields > limit:
        raise BadRequest(f"The query has more than {limit} fields.")


def check_urlencoded(body: bytes, max_fields: int | None, max_bytes: int | None) -> None:
    """Raise 413 for an urlencoded form that is too long, or has too many fields.

    SECURITY(CVE-2026-54283): what such a form takes in memory is a hundred times its length.
    """
    if max_bytes is not None and len(body) > max_bytes:
        raise RequestEntityTooLarge(f"The form is longer than {max_bytes} bytes.")
    # Each field but the last takes two bytes at least.
    if max_fields is not None and len(body) >= max_fields and body.count(b"&") >= max_fields:
        raise RequestEntityTooLarge(f"The form has more than {max_fields} fields.")


def check_urlencoded_fields(body: bytes, limit_bytes: int | None) -> None:
    """Raise 413 for an urlencoded form with a name or a value that is too long.

    ``MAX_FORM_MEMORY_SIZE`` so is one rule for both kinds of forms, by what is decoded. It holds
    where urlencoded forms are limited at all: Flask has it for multipart forms only.
    """
    if limit_bytes is None or len(body) <= limit_bytes or not _limits_urlencoded():
        return
    for field in body.split(b"&"):
        for text in field.partition(b"=")[::2] if len(field) > limit_bytes else ():
            if len(text) > limit_bytes and len(unquote_to_bytes(text)) > limit_bytes:
                raise RequestEntityTooLarge(
                    f"A field of the form is longer than {limit_bytes} bytes."
                )


def _limits_urlencoded() -> bool:
    ctx = context.get(None)
    return ctx is not None and "MAX_URLENCODED_SIZE" in ctx.app.config


def limits_json() -> bool:
    """Whether the current application limits the JSON of its clients further than all do."""
    return setting("MAX_JSON_DEPTH") is not None or setting("MAX_JSON_DIGITS") is not None


def check_json(text: str | bytes | bytearray) -> None:
    """Raise `ValueError` for JSON from a client that exceeds what the application allows.

    That is ``MAX_JSON_DEPTH`` and ``MAX_JSON_DIGITS``. Clients get a 400 for it.
    """
    size = len(text)
    depth = setting("MAX_JSON_DEPTH")
    if (
        depth is not None
        and size > depth
        and _opened(text) > depth
        and nesting_exceeds(as_utf8(text), depth)
    ):
        raise ValueError(f"The JSON is nested more than {depth} levels deep.")
    digits = setting("MAX_JSON_DIGITS")
    # SECURITY(CVE-2020-10735): reading an integer takes the square of the number of its digits.
    if digits is not None and size > digits and has_longer_number(as_utf8(text), digits):
        raise ValueError(f"The JSON has a number of more than {digits} digits.")


def _opened(text: str | bytes | bytearray) -> int:
    """Return how many arrays and objects there are at most; quick for nearly every document."""
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")
