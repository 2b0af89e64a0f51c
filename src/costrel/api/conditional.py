"""Conditional requests: entity tags of values, and what clients demand of them."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from hashlib import sha256

import msgspec
from werkzeug.exceptions import HTTPException, PreconditionFailed, PreconditionRequired

from ..ground.current import request, request_view
from ..wrappers import Response
from .filters import filter_of
from .negotiation import is_packed_wanted

_PACKED = "-msgpack"
"""What the tag of a value ends with if it is sent as MessagePack.

SPEC(RFC 9110 §8.8.3.3): representations of one thing that differ have different tags.
"""

OTHER_VERSION = "There is another version now than If-Match names."
"""What a client is told with 412."""

_OPAQUE = re.compile(r"[\x21\x23-\x7e]+")
"""SPEC(RFC 9110 §8.8.3): a tag without its quotes."""


def etag_of(value: t.Any, type: t.Any = None) -> str:  # noqa: A002  as msgspec calls it
    """Return an entity tag for a value: a hash of its JSON, in quotes.

    Args:
        value: Text, bytes, or anything that can be sent as JSON.
        type: What a view declares to return, if the value is not just that: then the tag is of
            what is sent, and is the one that ``etag=True`` makes of it.

    Raises `TypeError` for a value that is no JSON, or does not fit the type.
    """
    if type is not None:
        _copy, data = filter_of(type).encode(value)
    elif isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
    else:
        data = msgspec.json.encode(value)
    return tag_of_json(data)


def tag_of_json(data: bytes, *, is_packed: bool = False) -> str:
    """Return the entity tag of a value that is sent, from its JSON."""
    return f'"{sha256(data).hexdigest()[:32]}{_PACKED if is_packed else ""}"'


def check_preconditions(
    etag: str | None, modified: dt.datetime | None = None, *, required: bool = False
) -> None:
    """Compare the conditions of the current request with what there is.

    Call it before anything is changed. Of a GET or HEAD request, the answer gets ``ETag`` and
    ``Last-Modified``, and is 304 without a body if the client has that version.

    Args:
        etag: The tag of the current version: from `etag_of`, or any text, such as the number of
            a version. None if there is nothing at this URL yet.
        modified: When it was changed last; UTC if it has no time zone.
        required: Whether requests that change something must say which version they mean.

    Raises 412 if a condition does not hold, 428 if one is required and missing, and ends the
    view with 304 if there is nothing new. SPEC(RFC 9110 §13.2.2): in this order. Tags are
    compared strongly for ``If-Match`` and weakly for ``If-None-Match``. Raises `ValueError` for
    text that can't be a tag.
    """
    tag = None if etag is None else _opaque(etag)
    modified = None if modified is None else _in_seconds(modified)
    is_safe = request.method in {"GET", "HEAD"}
    _check_version(tag, modified, is_required=required and not is_safe)
    is_known = _is_known(tag, modified if is_safe else None)
    if is_safe:
        _tell(tag, modified)
        if is_known:
            raise HTTPException(response=Response(status=304))
    elif is_known:
        raise PreconditionFailed("There is a version that If-None-Match names.")


def _check_version(tag: str | None, modified: dt.datetime | None, *, is_required: bool) -> None:
    """Raise 412 if the client means another version, and 428 if it has to name one."""
    since = request.if_unmodified_since
    if "If-Match" in request.headers:
        if not _matches(request.if_match, tag):
            raise PreconditionFailed(OTHER_VERSION)
    elif since is not None and modified is not None:
        if modified > since:
            raise PreconditionFailed("It was changed after the date of If-Unmodified-Since.")
    elif is_required:
        raise PreconditionRequired("Say with If-Match which version you mean.")


def _is_known(tag: str | None, modified: dt.datetime | None) -> bool:
    """Whether the client says that it has this version."""
    if "If-None-Match" in request.headers:
        return _matches(request.if_none_match, tag, weakly=True)
    since = request.if_modified_since
    return since is not None and modified is not None and modified <= since


def _opaque(etag: str) -> str:
    """Return a tag without its quotes, and without what says which format it is of."""
    bare = etag.removeprefix('"').removesuffix('"').removesuffix(_PACKED)
    if not _OPAQUE.fullmatch(bare):
        raise ValueError(
            f"{etag!r} can't be an entity tag: it must be printable ASCII without spaces and"
            " quotes, and is never weak. etag_of(value) makes one of any value."
        )
    return bare


def _in_seconds(moment: dt.datetime) -> dt.datetime:
    """SPEC(RFC 9110 §5.6.7): dates in headers have no fractions of a second."""
    zone = moment.tzinfo or dt.UTC
    return moment.replace(microsecond=0, tzinfo=zone)


def _matches(tags: t.Any, tag: str | None, *, weakly: bool = False) -> bool:
    """Whether a header names a version; ``*`` names any."""
    if tag is None or tags.star_tag:
        return tag is not None
    is_in = tags.contains_weak if weakly else tags.is_strong
    # What is demanded of another representation is demanded of the same thing, unless it is sent.
    if weakly and request.method in {"GET", "HEAD"}:
        return bool(is_in(_sent(tag)))
    return bool(is_in(tag) or is_in(tag + _PACKED))


def _sent(tag: str) -> str:
    """Return the tag of the format that the client gets."""
    return tag + _PACKED if is_packed_wanted() else tag


def _tell(tag: str | None, modified: dt.datetime | None) -> None:
    """Add the validators to the response of the current request."""

    def add(response: t.Any) -> t.Any:
        if response.status_code in {200, 304}:
            response.vary.add("Accept")
            if tag is not None:
                response.set_etag(_sent(tag))
            if modified is not None:
                response.last_modified = modified
        return response

    request_view.get()._after_request_functions.append(add)
