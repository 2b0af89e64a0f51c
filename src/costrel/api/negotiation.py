"""Formats of data: which one a client wants, and which one it has sent."""

from __future__ import annotations

import re
import typing as t

import msgspec
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable, UnsupportedMediaType
from werkzeug.http import parse_accept_header

from ..ground.current import request_view

JSON_TYPE = "application/json"

PACKED_TYPES = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
"""MessagePack's media type, then the names that it had before it was registered."""


class Format(t.NamedTuple):
    """A format of answers.

    Attributes:
        media_type: What the client is told.
        encode: Makes the body.
        is_chosen: Whether the client's ``Accept`` has chosen it, so that the answer varies by that.
    """

    media_type: str
    encode: t.Callable[[t.Any], bytes]
    is_chosen: bool = True

    @property
    def is_packed(self) -> bool:
        """Whether it is MessagePack."""
        return self.media_type != JSON_TYPE


def _pack(value: t.Any) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError as error:
        raise NotAcceptable(
            f"This has a number that MessagePack can't hold. It can be had as {JSON_TYPE}."
        ) from error


JSON = Format(JSON_TYPE, msgspec.json.encode, is_chosen=False)

_CHOSEN_JSON = JSON._replace(is_chosen=True)
_OFFERED = {JSON_TYPE: _CHOSEN_JSON} | {name: Format(name, _pack) for name in PACKED_TYPES}
_RANGE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
"""SPEC(RFC 9110 §12.5.1): a media range, without its parameters and in lower case."""

# INVARIANT: bounded, so that clients can't fill the memory.
_KNOWN_LIMIT = 256
_known: dict[str | None, Format | None] = dict.fromkeys((None, "", "*/*", JSON_TYPE), JSON)


def format_of_request() -> Format:
    """Return the format that the current request's ``Accept`` asks for.

    JSON unless MessagePack is preferred, also if the header makes no sense. Raises `NotAcceptable`
    (406) if the client accepts neither.
    """
    found = _find()
    if found is None:
        raise NotAcceptable(f"This is sent as {JSON_TYPE} or {PACKED_TYPES[0]} only.")
    return found


def is_packed_wanted() -> bool:
    """Whether the current request asks for MessagePack, should there be any data."""
    found = _find()
    return found is not None and found.is_packed


def _find() -> Format | None:
    accept = request_view.get().environ.get("HTTP_ACCEPT")
    if (usual := _known.get(accept)) is not None:
        return usual
    if accept in _known:
        return None
    found = _choose(accept)
    if len(_known) < _KNOWN_LIMIT:
        _known[accept] = found
    return found


def _choose(accept: str) -> Format | None:
    """Return the format that the client likes best; None if it accepts none.

    SPEC(RFC 9110 §12.5.1): the most specific range that matches a format has its weight. What
    parameters a range has besides, such as a charset, is ignored.
    """
    ranges = []
    for item, weight in parse_accept_header(accept):
        name = item.partition(";")[0].strip(" \t").lower()
        if _RANGE.fullmatch(name):
            ranges.append((name, weight))
    if not ranges:
        return _CHOSEN_JSON
    best = MIMEAccept(ranges).best_match(_OFFERED)
    return None if best is None else _OFFERED[best]


def decode_body(request: t.Any) -> tuple[bytes, t.Any]:
    """Return the body of a request as JSON text, whatever format it has; empty without a body.

    With it, the value of a MessagePack document if that says more of its types: see `Packed`.

    Raises `UnsupportedMediaType` (415) for another format, and `BadRequest` (400) for broken
    MessagePack. Whether it is valid JSON remains to be seen.
    """
    data: bytes = request.get_data()
    if not data or request.is_json:
        return data, None
    if request.mimetype not in PACKED_TYPES:
        raise UnsupportedMediaType(
            "The body has to be JSON or MessagePack. Send it with the header 'Content-Type:"
            f" {JSON_TYPE}', or {PACKED_TYPES[0]}."
        )
    from .packed import to_json

    try:
        return to_json(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadRequest(f"The body is not valid MessagePack: {error}") from error
