"""The response class: Werkzeug's, with headers and body list created on first access."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta
from time import time
from types import GeneratorType

from werkzeug.datastructures import Headers
from werkzeug.http import dump_cookie, http_date
from werkzeug.utils import header_property, redirect
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase

from ..ground.current import context
from ..ground.dates import date_of, is_unreadable, parse_date, with_readable_dates
from ..ground.lazy import lazy
from .conditions import is_unmodified
from .fields import (
    CONTENT_TYPES,
    PLAIN_TYPES,
    STATUS_LINES,
    Fields,
    count_lengths,
    usual_fields,
    without_body,
)
from .thin import ThinResponse, complete

if t.TYPE_CHECKING:
    from http import HTTPStatus

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_UNESCAPED = r"[A-Za-z0-9._~!$()*+,/:;=?@%#-]+"
"""A URL that the page of a redirect contains as it is."""

_REDIRECT_PAGE = tuple(redirect("LOCATION").get_data(as_text=True).split("LOCATION"))
"""Werkzeug's page, without the two locations in it."""

_UNQUOTED = re.compile(r"[\x1a-\x1f]")
_COOKIE_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff;=]+").fullmatch
_COOKIE_ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff;]*").fullmatch
"""SPEC(RFC 6265 §4.1.1): what ends neither a name, or an attribute, nor the header field."""

# An invalid date gives the property's default.
_parse_date: t.Callable[[str], datetime] = t.cast("t.Any", parse_date)


def _check_attributes(key: str, **attributes: object) -> None:
    """Raise `ValueError` for an attribute of a cookie that would be read as several."""
    for name, text in attributes.items():
        if isinstance(text, str) and not _COOKIE_ATTRIBUTE(text):
            raise ValueError(
                f"{name}={text!r} of the cookie {key!r} has a control character or ';'. Pass a host"
                " name as domain, and a datetime as expires."
            )


class Response(ThinResponse):
    """Werkzeug's response with ``text/html`` as its default type."""

    default_mimetype: str | None = "text/html"
    json_module: t.Any
    """Reads JSON, as in the request."""
    autocorrect_location_header = False
    _may_answer_conditions: t.ClassVar[bool]
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
        # PERF(json): 0.8 us instead of 5 us for a complete body, or a generator, with common
        # arguments; tests/wrappers/test_wrappers.py compares the two.
        body: t.Any = response.encode() if type(response) is str else response
        code = self.default_status if status is None else status
        streamed = type(body) is GeneratorType
        if (
            not (streamed or type(body) is bytes)
            or not isinstance(code, int)
            or (line := STATUS_LINES.get(code)) is None
            or (fields := usual_fields(headers, mimetype, content_type, self.default_mimetype))
            is None
            or not self._may_omit_response
        ):
            super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)
            return
        if streamed:
            self.response = body  # pyright: ignore[reportIncompatibleVariableOverride]
        else:
            self._content = body
            self._kind = fields[-1][1]
        if streamed or len(fields) > 1 or fields[-1][0] != "Content-Type":
            headers = Headers.__new__(Headers)
            if not streamed:
                fields = [*fields, ("Content-Length", str(len(body)))]
            headers._list = fields
            self.headers = headers  # pyright: ignore[reportIncompatibleVariableOverride]
        if code != 200:
            self._status = line
            self._status_code = int(line[:3])
        if direct_passthrough:
            self.direct_passthrough = direct_passthrough

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie: see `werkzeug.wrappers.Response`. Any value is quoted as it needs to be.

        Raises `ValueError` for a name, domain or date that would end before it should, so that
        the rest of it would be read as another attribute or header field.
        """
        if not _COOKIE_NAME(key):
            raise ValueError(
                f"The name {key!r} of a cookie is empty, or has a control character, ';' or '='."
                " Choose the name yourself, and put what a user has sent into the value."
            )
        if domain is not None or isinstance(expires, str):
            _check_attributes(key, domain=domain, expires=expires)
        try:
            cookie = dump_cookie(
                key, value, max_age, expires, path, domain, secure, httponly,
                max_size=self.max_cookie_size, samesite=samesite, partitioned=partitioned,
            )  # fmt: skip
        except UnicodeError as error:
            # Half of a surrogate pair in the value is another matter: see `dispatch.clientdata`.
            if getattr(error, "encoding", "idna") != "idna":
                raise
            raise ValueError(f"domain={domain!r} of the cookie {key!r} is no host name.") from error
        if not value.isprintable():
            # COMPAT(werkzeug): it leaves six control characters as they are.
            cookie = _UNQUOTED.sub(lambda found: f"\\{ord(found[0]):03o}", cookie)
        self.headers.add("Set-Cookie", cookie)

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
        kind = response._kind = CONTENT_TYPES["text/html"]
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
        complete(self)
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
        if accept_ranges is False and self._answer_condition(environ):
            return self
        if is_unreadable(self.headers.get("Last-Modified")):
            # It may come from another service, and can't be compared with a condition.
            del self.headers["Last-Modified"]
        return super().make_conditional(
            with_readable_dates(environ), accept_ranges, complete_length
        )

    def _answer_condition(self, environ: WSGIEnvironment) -> bool:
        """Handle a conditional request for a complete body; False if Werkzeug must.

        PERF(conditional): 3 us instead of 30 us.
        """
        own = self._attributes_so_far
        headers = self.headers
        if (
            not self._may_answer_conditions
            or not own.keys() <= _OWN_ATTRIBUTES
            or type(headers) is not Headers
            or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        ):
            return False
        found = {name.lower(): value for name, value in reversed(headers._list)}
        if "content-length" not in found:
            return False
        unmodified = is_unmodified(environ, found.get("etag"), found.get("last-modified"))
        if unmodified is None:
            return False
        if "date" not in found:
            headers._list.append(("Date", date_of(int(time()))))
        if unmodified:
            self._status = "304 NOT MODIFIED"
            self._status_code = 304
        return True

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
        return EncodedPieces(self) if content is None else [content] if content else []

    def plain_body(self) -> tuple[bytes, str] | None:
        """Return body and type of a response that nobody has looked at; None of others.

        PERF(json): what `plain_parts` returns of it, without its head.
        """
        own = self._attributes_so_far
        if len(own) == 2 and "_content" in own and (kind := own.get("_kind")) in PLAIN_TYPES:
            return own["_content"], kind
        return None

    def plain_parts(  # noqa: C901, PLR0911  unrolled
        self,
    ) -> tuple[str, Fields, bytes | None] | None:
        """Return status, headers and body to send; None if that is not so simple.

        PERF(page): a body in memory with its length, and common header fields, need neither
        Werkzeug's copy of the headers nor a closing iterator. The result is valid:
        `costrel.dispatch.sendable` would change nothing. Of a body that a generator makes,
        None is returned: `EncodedPieces` sends that.
        """
        if type(self) is not Response or not self._may_omit_response:
            return None
        own = self._attributes_so_far
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
        streamed = type(pieces) is GeneratorType
        if (
            (headers is not None and type(headers) is not Headers)
            or not (streamed or pieces is _UNTOUCHED or (type(pieces) is list and len(pieces) < 2))
            or own.get("direct_passthrough")
            or (own.get("_on_close") and not streamed)
            or ((code := self._status_code) in _WITHOUT_LENGTH and (code != 304 or streamed))
            or STATUS_LINES.get(self._status_code) != self._status
        ):
            return None
        fields = (self.headers if headers is None else headers)._list.copy()
        lengths = count_lengths(fields)
        if streamed:
            return (self._status, fields, None) if 0 <= lengths < 2 else None
        content = self._content if pieces is _UNTOUCHED else pieces[0] if pieces else b""
        if (
            type(content) is not bytes
            or not 0 <= lengths < 2
            or not (lengths or self.automatically_set_content_length)
        ):
            return None
        if code == 304:
            return self._status, without_body(fields), b""
        if not lengths:
            fields.append(("Content-Length", str(len(content))))
        return self._status, fields, content

    def takes_cookie(self) -> bool:
        """Whether ``Set-Cookie`` and ``Vary`` may just be appended to the headers."""
        headers = self.headers
        return (
            type(headers) is Headers
            and _ADDS_COOKIES.isdisjoint(self.__dict__)
            and all(name.lower() != "vary" for name, _value in headers._list)
        )

    def sent_file(self) -> t.Any:
        """Return what sends the file of this response; None if the response must do that.

        PERF(static): where at most the headers were changed, and to common ones, the file
        is sent without Werkzeug's copies of them, and is not opened to answer 304.
        """
        own = self._attributes_so_far
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


class EncodedPieces:
    """Iterate over the encoded pieces of a response's body; closing it closes the response.

    PERF(streamed): 0.2 us for each piece instead of Werkzeug's 0.4 us.
    """

    __slots__ = ("_response", "generator")

    def __init__(self, response: Response) -> None:
        self._response = response
        self.generator: t.Any = response.response

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        piece = next(self.generator)
        return piece.encode() if isinstance(piece, str) else piece

    def close(self) -> None:
        """Close the response, and with it the generator."""
        self._response.close()


_UNTOUCHED: t.Any = object()

_WITHOUT_LENGTH = frozenset((*range(100, 200), 204, 304))

_OWN_ATTRIBUTES = frozenset(
    """
    _content _kind _on_close _status _status_code direct_passthrough headers response
    """.split()
)

_ADDS_COOKIES = frozenset(("delete_cookie", "max_cookie_size", "set_cookie", "vary"))

_OF_FILE = frozenset("_file _status _status_code direct_passthrough headers".split())
