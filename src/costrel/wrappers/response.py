"""The response class: Werkzeug's, with headers and body list created on first access."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime
from functools import lru_cache

from werkzeug.datastructures import (
    Headers,
)
from werkzeug.http import HTTP_STATUS_CODES, http_date
from werkzeug.utils import get_content_type, header_property, redirect
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

_UNESCAPED = r"[A-Za-z0-9._~!$()*+,/:;=?@%#-]+"
"""A URL that the page of a redirect contains as it is."""

_REDIRECT_PAGE = tuple(redirect("LOCATION").get_data(as_text=True).split("LOCATION"))
"""Werkzeug's page, without the two locations in it."""

STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


def count_lengths(fields: t.Iterable[tuple[str, str]]) -> int:
    """Count the lengths among header fields that can be sent unchanged; -1 if some can't.

    PERF(page): 0.3 us for the fields of most responses.
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
                return -1
        elif kind == _PLAIN:
            if not (value.isprintable() and value.isascii() and value.strip(" ") == value):
                return -1
        elif kind != _LOCATION or not re.fullmatch(_PLAIN_LOCATION, value):
            return -1
    return lengths


@lru_cache(maxsize=256)
def _kind_of(name: str) -> int:
    plain = re.fullmatch(FIELD_NAME, name) and name.lower() not in _NOT_PLAIN
    return _PLAIN if plain else _SPECIAL


def content_type_of(mimetype: t.Any) -> str | None:
    """Return the content type of a MIME type; None of what is none, or has parameters."""
    content_type = _CONTENT_TYPES.get(mimetype)
    if content_type is None and type(mimetype) is str and _MIMETYPE.fullmatch(mimetype):
        return get_content_type(mimetype, "utf-8")
    return content_type


# An invalid date gives the property's default.
_parse_date: t.Callable[[str], datetime] = t.cast("t.Any", parse_date)


class Response(ResponseBase, metaclass=Watched):
    """Werkzeug's response with ``text/html`` as its default type."""

    default_mimetype: str | None = "text/html"
    json_module: t.Any
    """Reads JSON, as in the request."""
    autocorrect_location_header = False
    _may_omit_response: t.ClassVar[bool]
    _may_send_parts: t.ClassVar[bool]
    _may_use_defaults: t.ClassVar[bool]

    date = header_property("Date", None, _parse_date, http_date)
    expires = header_property("Expires", None, _parse_date, http_date)
    last_modified = header_property("Last-Modified", None, _parse_date, http_date)

    @property
    def retry_after(self) -> datetime | None:
        """The time of ``Retry-After``, from a date or seconds; None if it is neither."""
        try:
            return super().retry_after
        except OverflowError:
            return None

    @retry_after.setter
    def retry_after(self, value: datetime | int | str | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        ResponseBase.retry_after.fset(self, value)  # type: ignore[attr-defined]

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]
        """The size in bytes above which cookies give a warning; 0 for no warning.

        Default: ``MAX_COOKIE_SIZE`` (4 093), a size that browsers are known to support.
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
        """Create a response: see `werkzeug.wrappers.Response`."""
        # PERF(json): 0.8 us instead of 5 us for a complete body with common arguments;
        # tests/wrappers/test_wrappers.py compares the two.
        body = response.encode() if type(response) is str else response
        code = self.default_status if status is None else status
        if (
            type(body) is not bytes
            or not isinstance(code, int)
            or (line := STATUS_LINES.get(code)) is None
            or (fields := _usual_fields(headers, mimetype, content_type, self.default_mimetype))
            is None
            or not self._may_omit_response
        ):
            super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)
            return
        self._content = body
        name, self._kind = fields[-1]
        if len(fields) > 1 or name != "Content-Type":
            headers = Headers.__new__(Headers)
            headers._list = [*fields, ("Content-Length", str(len(body)))]
            self.headers = headers  # pyright: ignore[reportIncompatibleVariableOverride]
        if code != 200:
            self._status = line
            self._status_code = int(line[:3])
        if direct_passthrough:
            self.direct_passthrough = direct_passthrough

    @classmethod
    def of_bytes(cls, body: bytes, content_type: str) -> Response:
        """Create a 200 response from a complete body and its content type.

        PERF(hello): the result is that of the constructor, without checking for other
        arguments. tests/wrappers/test_wrappers.py compares the two.
        """
        response = cls.__new__(cls)
        response._content = body
        response._kind = content_type
        return response

    @classmethod
    def of_redirect(cls, location: str, code: int) -> Response | None:
        """Create a redirect; None if the location has to be escaped, or for an unusual code.

        PERF(redirect_url_for): with Werkzeug's page, which was split at its locations once.
        tests/wrappers/test_wrappers.py compares the two.
        """
        line = STATUS_LINES.get(code)
        if (
            line is None
            or type(code) is not int
            or type(location) is not str
            or not cls._may_omit_response
            or len(_REDIRECT_PAGE) != 3
            or not re.fullmatch(_UNESCAPED, location)
        ):
            return None
        response = cls.__new__(cls)
        body = response._content = location.join(_REDIRECT_PAGE).encode()
        kind = response._kind = _CONTENT_TYPES["text/html"]
        headers = Headers.__new__(Headers)
        headers._list = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Location", location),
        ]
        response.headers = headers  # pyright: ignore[reportIncompatibleVariableOverride]
        response._status = line
        response._status_code = code
        return response

    @classmethod
    def of_file(cls, file: t.Any) -> Response:
        """Create the response that a `costrel.wrappers.files.SentFile` sends."""
        response = cls.__new__(cls)
        response._file = file
        response.direct_passthrough = True
        if file.unmodified:
            response._status = "304 NOT MODIFIED"
            response._status_code = 304
        return response

    # A response with a complete body has only these attributes until others are accessed.
    _content = b""
    _kind = ""
    _file: t.Any = None
    _status = "200 OK"
    _status_code = 200
    direct_passthrough = False

    @lazy
    def headers(self) -> Headers:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The headers, which may be changed."""
        headers = Headers.__new__(Headers)
        if self._file is not None:
            headers._list = self._file.fields()
        else:
            headers._list = [
                ("Content-Type", self._kind),
                ("Content-Length", str(len(self._content))),
            ]
        return headers

    @lazy
    def response(self) -> t.Iterable[str] | t.Iterable[bytes]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The chunks of the body; assign to it to replace them."""
        return [self._content] if self._file is None else self._file.pieces()

    @lazy
    def _on_close(self) -> list[t.Callable[[], t.Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return []

    def __getstate__(self) -> object:
        """Return what a copy or a pickle contains: the same whatever was accessed before."""
        for name in ("headers", "response", "_on_close"):
            getattr(self, name)
        return super().__getstate__()

    def make_conditional(
        self,
        request_or_environ: WSGIEnvironment | RequestBase,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> ResponseBase:
        """Handle a conditional or range request: see `werkzeug.wrappers.Response`.

        An invalid condition is ignored.
        """
        environ: t.Any = getattr(request_or_environ, "environ", request_or_environ)
        if is_unreadable(self.headers.get("Last-Modified")):
            # It may come from another service, and can't be compared with a condition.
            del self.headers["Last-Modified"]
        return super().make_conditional(
            with_readable_dates(environ), accept_ranges, complete_length
        )

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response to a WSGI server."""
        if self._file is not None and (file := self.sent_file()) is not None:
            return t.cast("t.Iterable[bytes]", file(environ, start_response))
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

    def plain_parts(  # noqa: PLR0911  unrolled
        self,
    ) -> tuple[str, list[tuple[str, str]], bytes] | None:
        """Return status, headers and body to send; None if that is not so simple.

        PERF(page): a body in memory with its length, and common header fields, need neither
        Werkzeug's copy of the headers nor a closing iterator. The result is valid:
        `costrel.dispatch.sendable` would change nothing.
        """
        if type(self) is not Response or not self._may_omit_response:
            return None
        own = self.__dict__
        if len(own) == 3 and "_kind" in own and type(headers := own.get("headers")) is Headers:
            # Of `of_bytes`, and only its headers were looked at, as by an after-hook.
            fields = headers._list.copy()
            if count_lengths(fields) == 1 and type(body := own.get("_content")) is bytes:
                return "200 OK", fields, body
        untouched = self.plain_body()
        if untouched is not None:
            content, kind = untouched
            length = str(len(content))
            return "200 OK", [("Content-Type", kind), ("Content-Length", length)], content
        # Only what the constructor sets: no method was replaced on this response.
        if not own.keys() <= _OWN_ATTRIBUTES:
            return None
        headers, pieces = own.get("headers"), own.get("response", _UNTOUCHED)
        if (
            (headers is not None and type(headers) is not Headers)
            or (pieces is not _UNTOUCHED and (type(pieces) is not list or len(pieces) > 1))
            or own.get("direct_passthrough")
            or own.get("_on_close")
            or self._status_code in _WITHOUT_LENGTH
            or STATUS_LINES.get(self._status_code) != self._status
        ):
            return None
        content = self._content if pieces is _UNTOUCHED else pieces[0] if pieces else b""
        fields = (self.headers if headers is None else headers)._list.copy()
        lengths = count_lengths(fields)
        if (
            type(content) is not bytes
            or not 0 <= lengths < 2
            or not (lengths or self.automatically_set_content_length)
        ):
            return None
        if not lengths:
            fields.append(("Content-Length", str(len(content))))
        return self._status, fields, content

    def sent_file(self) -> t.Any:
        """Return what sends the file of this response; None if the response must do that.

        PERF(static): where at most the headers were changed, and to common ones, the file
        is sent without Werkzeug's copies of them, and is not opened to answer 304.
        """
        own = self.__dict__
        file = own["_file"]
        if (
            not own.keys() <= _OF_FILE
            or not self._may_omit_response
            or self.direct_passthrough is not True
            or self._status != ("304 NOT MODIFIED" if file.unmodified else "200 OK")
        ):
            return None
        headers = own.get("headers")
        if headers is not None:
            if type(headers) is not Headers or count_lengths(headers._list) != 1:
                return None
            file.headers = headers._list.copy()
        return file


def _usual_fields(
    headers: t.Any, mimetype: t.Any, content_type: t.Any, default: str | None
) -> list[tuple[str, str]] | None:
    """Return the fields of a new response except its length; None if Werkzeug must find them."""
    fields: list[tuple[str, str]] = []
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


_UNTOUCHED: t.Any = object()

_WITHOUT_LENGTH = frozenset((*range(100, 200), 204, 304))

_OWN_ATTRIBUTES = frozenset(
    """
    _content _kind _on_close _status _status_code direct_passthrough headers response
    """.split()
)

_OF_FILE = frozenset("_file _status _status_code direct_passthrough headers".split())
