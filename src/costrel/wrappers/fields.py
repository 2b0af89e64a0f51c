"""Header fields: of new responses, and those that can be sent unchanged."""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.utils import get_content_type

Fields = list[tuple[str, str]]

CONTENT_TYPES = {
    mimetype: get_content_type(mimetype, "utf-8")
    for mimetype in ("application/json", "text/html", "text/plain")
}
"""The content types of usual MIME types."""

_MIMETYPE = re.compile("[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")

PLAIN_TYPES = frozenset(CONTENT_TYPES.values())
"""Content types that can be sent unchanged."""

_PLAIN_FIELDS = frozenset(("Content-Type", kind) for kind in PLAIN_TYPES)

_PLAIN, _LENGTH, _LOCATION, _SPECIAL = range(4)

_KINDS = dict.fromkeys(
    """
    Accept-Ranges Access-Control-Allow-Credentials Access-Control-Allow-Headers
    Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Expose-Headers
    Access-Control-Max-Age Age Allow Cache-Control Content-Disposition Content-Encoding
    Content-Language Content-Range Content-Security-Policy Content-Type
    Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date ETag Expires Last-Modified Link
    Permissions-Policy Pragma RateLimit RateLimit-Policy Referrer-Policy Retry-After Server
    Set-Cookie Strict-Transport-Security Vary WWW-Authenticate X-Accel-Buffering
    X-Content-Type-Options X-Frame-Options X-Request-ID X-XSS-Protection
    """.split(),
    _PLAIN,
) | {"Content-Length": _LENGTH, "Location": _LOCATION}
"""How to check the most common header fields, in their usual spelling."""

_NOT_PLAIN = frozenset(
    """
    connection content-length content-location keep-alive location proxy-connection te trailer
    transfer-encoding upgrade
    """.split()
)

FIELD_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""SPEC(RFC 9110 §5.1): a valid field name."""

_PLAIN_LOCATION = r"/(?!/)[A-Za-z0-9._~!$&'()*+,/:;=@%-]*(?:\?[A-Za-z0-9._~!$&'()*+,/:;=?@%-]+)?"
"""A path and query that `werkzeug.urls.iri_to_uri` does not change."""

STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


def count_lengths(fields: t.Iterable[tuple[str, str]]) -> int:
    """Count the lengths among header fields that can be sent unchanged; -1 if some can't.

    PERF(page): 0.3 us for the fields of most responses.
    """
    lengths = 0
    located = False
    for field in fields:
        if field in _PLAIN_FIELDS:
            continue
        name, value = field
        kind = _KINDS.get(name)
        if kind is None:
            kind = _kind_of(name)
        if kind == _LENGTH:
            lengths += 1
            if not (value.isdigit() and len(value) <= 18 and value.isascii()):
                return -1
        elif kind == _PLAIN:
            if not (value.isprintable() and value.isascii() and value.strip(" ") == value):
                return -1
        elif kind != _LOCATION or located or not re.fullmatch(_PLAIN_LOCATION, value):
            return -1
        else:
            located = True
    return lengths


def append_absent(headers: t.Any, *fields: tuple[str, str]) -> bool:
    """Append header fields that can be sent unchanged; False if one may be there already.

    PERF(page, page_redis): one look at the names. `in` takes 3 us for a name that is not there,
    since Werkzeug raises and catches an error, and setting a field looks for it once more.
    """
    if type(headers) is not Headers:
        return False
    present = [name.lower() for name, _value in headers._list]
    for name, _value in fields:
        if name.lower() in present:
            return False
    headers._list += fields
    return True


@lru_cache(maxsize=256)
def _kind_of(name: str) -> int:
    plain = re.fullmatch(FIELD_NAME, name) and name.lower() not in _NOT_PLAIN
    return _PLAIN if plain else _SPECIAL


def content_type_of(mimetype: t.Any) -> str | None:
    """Return the content type of a MIME type; None of what is none, or has parameters."""
    content_type = CONTENT_TYPES.get(mimetype)
    if content_type is None and type(mimetype) is str and _MIMETYPE.fullmatch(mimetype):
        return get_content_type(mimetype, "utf-8")
    return content_type


def usual_fields(
    headers: t.Any, mimetype: t.Any, content_type: t.Any, default: str | None
) -> Fields | None:
    """Return the fields of a new response except its length; None if Werkzeug must find them."""
    fields: Fields = []
    typed = False
    if headers:
        if type(headers) is not dict and type(headers) is not list:
            return None
        for field in headers.items() if type(headers) is dict else headers:
            lowered = _name_of(field)
            if (
                lowered is None
                or lowered == "content-length"
                or (typed and lowered == "content-type")
            ):
                return None
            typed = typed or lowered == "content-type"
            fields.append(field)
    if typed:
        return fields if mimetype is None and content_type is None else None
    if content_type is None:
        wanted = default if mimetype is None else mimetype
        content_type = None if wanted is None else content_type_of(wanted)
    if type(content_type) is not str or not content_type.isprintable():
        return None
    fields.append(("Content-Type", content_type))
    return fields


def _name_of(field: t.Any) -> str | None:
    """Return the name of a field in lower case; None if it is not a pair of strings."""
    if type(field) is not tuple or len(field) != 2:
        return None
    name, value = field
    if type(name) is not str or type(value) is not str or not value.isprintable():
        return None
    return name.lower()


_ONLY_WITH_BODY = frozenset(
    """
    allow content-encoding content-language content-length content-md5 content-range content-type
    last-modified
    """.split()
)
"""What Werkzeug does not send with a 304."""


def without_body(fields: Fields) -> Fields:
    """Return the fields that are sent with a 304 (RFC 9110 §15.4.5)."""
    return [field for field in fields if field[0].lower() not in _ONLY_WITH_BODY]
