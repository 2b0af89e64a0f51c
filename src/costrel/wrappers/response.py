"""The response: Werkzeug's, created from what it was given only when somebody looks."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime
from functools import lru_cache

from werkzeug.datastructures import (
    Headers,
)
from werkzeug.http import HTTP_STATUS_CODES, http_date
from werkzeug.utils import get_content_type, header_property
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase

from ..ground.current import context
from ..ground.dates import is_unreadable, parse_date, with_readable_dates
from ..ground.lazy import lazy
from ..ground.shortways import Watched

if t.TYPE_CHECKING:
    from http import HTTPStatus

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_CONTENT_TYPES = {
    mimetype: get_content_type(mimetype, "utf-8")
    for mimetype in ("application/json", "text/html", "text/plain")
}

_MIMETYPE = re.compile("[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")

_PLAIN_TYPES = frozenset(_CONTENT_TYPES.values())

_PLAIN_FIELDS = frozenset(("Content-Type", kind) for kind in _PLAIN_TYPES)

_PLAIN, _LENGTH, _LOCATION, _SPECIAL = range(4)

_KINDS = dict.fromkeys(
    """
    Accept-Ranges Access-Control-Allow-Credentials Access-Control-Allow-Headers
    Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Expose-Headers
    Access-Control-Max-Age Age Allow Cache-Control Content-Disposition Content-Encoding
    Content-Language Content-Range Content-Security-Policy Content-Type
    Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date ETag Expires Last-Modified Link
    Permissions-Policy Pragma Referrer-Policy Retry-After Server Set-Cookie
    Strict-Transport-Security Vary WWW-Authenticate X-Accel-Buffering X-Content-Type-Options
    X-Frame-Options X-Request-ID X-XSS-Protection
    """.split(),
    _PLAIN,
) | {"Content-Length": _LENGTH, "Location": _LOCATION}
"""How the fields that most responses have are looked at, as they are usually written."""

_NOT_PLAIN = frozenset(
    """
    connection content-length content-location keep-alive location proxy-connection te trailer
    transfer-encoding upgrade
    """.split()
)

FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""SPEC(RFC 9110 §5.1): what the name of a field is made of."""

_PLAIN_LOCATION = re.compile(
    r"/(?!/)[A-Za-z0-9._~!$&'()*+,/:;=@%-]*(?:\?[A-Za-z0-9._~!$&'()*+,/:;=?@%-]+)?"
)
"""A path and query of which `werkzeug.urls.iri_to_uri` changes nothing."""

_STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


def are_plain(fields: t.Iterable[tuple[str, str]]) -> bool:
    """Tell whether fields can be sent as they are: one length, and nothing unusual.

    PERF(page): 0.3 us for the fields that most responses have.
    """
    lengths = 0
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
                return False
        elif kind == _PLAIN:
            if not (value.isprintable() and value.isascii() and value.strip(" ") == value):
                return False
        elif kind != _LOCATION or not _PLAIN_LOCATION.fullmatch(value):
            return False
    return lengths == 1


@lru_cache(maxsize=256)
def _kind_of(name: str) -> int:
    plain = FIELD_NAME.fullmatch(name) and name.lower() not in _NOT_PLAIN
    return _PLAIN if plain else _SPECIAL


def content_type_of(mimetype: t.Any) -> str | None:
    """Return the content type of a MIME type; None of what is none, or has parameters."""
    content_type = _CONTENT_TYPES.get(mimetype)
    if content_type is None and type(mimetype) is str and _MIMETYPE.fullmatch(mimetype):
        return get_content_type(mimetype, "utf-8")
    return content_type


# A date that is none is the property's default.
_parse_date: t.Callable[[str], datetime] = t.cast("t.Any", parse_date)


class Response(ResponseBase, metaclass=Watched):
    """Werkzeug's response with ``text/html`` as its default type."""

    default_mimetype: str | None = "text/html"
    json_module: t.Any
    """Reads JSON, as for the request."""
    autocorrect_location_header = False
    _may_omit_response: t.ClassVar[bool]
    _may_send_parts: t.ClassVar[bool]

    date = header_property("Date", None, _parse_date, http_date)
    expires = header_property("Expires", None, _parse_date, http_date)
    last_modified = header_property("Last-Modified", None, _parse_date, http_date)

    @property
    def retry_after(self) -> datetime | None:
        """Give when to come again, of a date or seconds; None if it is neither."""
        try:
            return super().retry_after
        except OverflowError:
            return None

    @retry_after.setter
    def retry_after(self, value: datetime | int | str | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        ResponseBase.retry_after.fset(self, value)  # type: ignore[attr-defined]

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]
        """Warn about cookies over this many bytes; 0 never warns.

        Taken from ``MAX_COOKIE_SIZE`` (4 093), which browsers are known to keep.
        """
        ctx = context.get(None)
        size: int = super().max_cookie_size if ctx is None else ctx.app.config["MAX_COOKIE_SIZE"]
        return size

    def __init__(
        self,
        response: t.Iterable[bytes] | bytes | t.Iterable[str] | str | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: t.Mapping[str, str | t.Iterable[str]] | t.Iterable[tuple[str, str]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        """Make a response: see `werkzeug.wrappers.Response`."""
        # PERF(json): 0.8 us instead of 5 us for a whole body and what most give with it;
        # tests/test_wrappers.py holds the two together.
        body = response.encode() if type(response) is str else response
        code = self.default_status if status is None else status
        if (
            type(body) is not bytes
            or not isinstance(code, int)
            or (line := _STATUS_LINES.get(code)) is None
            or (kind := _usual_type(mimetype, content_type, self.default_mimetype)) is None
            or (fields := _usual_fields(headers)) is None
            or not self._may_omit_response
        ):
            super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)
            return
        self._content = body
        self._kind = kind
        if code != 200:
            self._status = line
            self._status_code = int(line[:3])
        if fields:
            self.headers._list[:0] = fields
        if direct_passthrough:
            self.direct_passthrough = direct_passthrough

    @classmethod
    def of_bytes(cls, body: bytes, content_type: str) -> Response:
        """Make a response of a whole body: 200, with its type and length.

        PERF(hello): what the constructor makes of the same body, without looking at
        what else it could be given. tests/test_wrappers.py holds the two together.
        """
        response = cls.__new__(cls)
        response._content = body
        response._kind = content_type
        return response

    # A response of a whole body has no more than this until somebody looks at it.
    _content = b""
    _kind = ""
    _status = "200 OK"
    _status_code = 200
    direct_passthrough = False

    @lazy
    def headers(self) -> Headers:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Give the headers, which may be changed."""
        headers = Headers.__new__(Headers)
        headers._list = [
            ("Content-Type", self._kind),
            ("Content-Length", str(len(self._content))),
        ]
        return headers

    @lazy
    def response(self) -> t.Iterable[str] | t.Iterable[bytes]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Give the pieces of the body; assigning to it replaces them."""
        return [self._content]

    @lazy
    def _on_close(self) -> list[t.Callable[[], t.Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return []

    def make_conditional(
        self,
        request_or_environ: WSGIEnvironment | RequestBase,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> ResponseBase:
        """Answer a conditional or range request: see `werkzeug.wrappers.Response`.

        A condition that can't be read is none.
        """
        environ: t.Any = getattr(request_or_environ, "environ", request_or_environ)
        if is_unreadable(self.headers.get("Last-Modified")):
            # Of another service perhaps, and no date to compare a condition with.
            del self.headers["Last-Modified"]
        return super().make_conditional(
            with_readable_dates(environ), accept_ranges, complete_length
        )

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response to a WSGI server."""
        plain = None if environ["REQUEST_METHOD"] == "HEAD" else self.plain_parts()
        if plain is None:
            return super().__call__(environ, start_response)
        status, headers, content = plain
        start_response(status, headers)
        return [content]

    def plain_body(self) -> tuple[bytes, str] | None:
        """Return body and type of a response that nobody has looked at; None of others.

        PERF(json): what `plain_parts` returns of it, without its head.
        """
        own = self.__dict__
        if len(own) == 2 and "_content" in own and (kind := own.get("_kind")) in _PLAIN_TYPES:
            return own["_content"], kind
        return None

    def plain_parts(self) -> tuple[str, list[tuple[str, str]], bytes] | None:
        """Return status, headers and body as they are to be sent; None where that takes more.

        PERF(page): a body in memory with its length, and fields of the common kind, need
        neither Werkzeug's copy of the headers nor a closing iterator. What is returned is
        sendable: `costrel.dispatch.sendable` would find nothing.
        """
        own = self.__dict__
        if type(self) is not Response or not self._may_omit_response:
            return None
        if len(own) == 2 and "_content" in own and (kind := own.get("_kind")) in _PLAIN_TYPES:
            # Nobody has looked at it.
            content = own["_content"]
            length = str(len(content))
            return "200 OK", [("Content-Type", kind), ("Content-Length", length)], content
        # Nothing but what the constructor sets: no method of this response's own.
        if not own.keys() <= _OWN_ATTRIBUTES:
            return None
        headers, pieces = own.get("headers"), own.get("response")
        if (
            (headers is not None and type(headers) is not Headers)
            or (pieces is not None and (type(pieces) is not list or len(pieces) != 1))
            or own.get("direct_passthrough")
            or own.get("_on_close")
            or self._status_code in _WITHOUT_LENGTH
            or _STATUS_LINES.get(self._status_code) != self._status
        ):
            return None
        content = self._content if pieces is None else pieces[0]
        fields = (self.headers if headers is None else headers)._list
        if type(content) is not bytes or not are_plain(fields):
            return None
        return self._status, fields.copy(), content


def _usual_type(mimetype: t.Any, content_type: t.Any, default: str | None) -> str | None:
    """Return the content type of a new response; None if Werkzeug must find it."""
    if content_type is None:
        wanted = default if mimetype is None else mimetype
        return None if wanted is None else content_type_of(wanted)
    if type(content_type) is str and content_type.isprintable():
        return content_type
    return None


def _usual_fields(headers: t.Any) -> list[tuple[str, str]] | None:
    """Return what a response is given beside its type and length; None if Werkzeug must read it."""
    if not headers:
        return []
    if type(headers) is dict:
        fields: list[t.Any] = list(headers.items())
    elif type(headers) is list:
        fields = headers
    else:
        return None
    for field in fields:
        if type(field) is not tuple or len(field) != 2:
            return None
        name, value = field
        if (
            type(name) is not str
            or type(value) is not str
            or not value.isprintable()
            or name.lower() in _OF_BODY
        ):
            return None
    return fields


_OF_BODY = frozenset(("content-type", "content-length"))

_WITHOUT_LENGTH = frozenset((*range(100, 200), 204, 304))

_OWN_ATTRIBUTES = frozenset(
    """
    _content _kind _on_close _status _status_code direct_passthrough headers response
    """.split()
)
