"""Werkzeug's request and response, aware of the current application."""

from __future__ import annotations

import io
import re
import sys
import typing as t
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qsl

from werkzeug.datastructures import (
    Authorization,
    FileStorage,
    Headers,
    ImmutableMultiDict,
    MultiDict,
)
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import HTTP_STATUS_CODES, http_date
from werkzeug.utils import cached_property, get_content_type, header_property
from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase
from werkzeug.wsgi import LimitedStream

from .current import context
from .dates import is_unreadable, parse_date, with_readable_dates
from .debughints import attach_enctype_error_multidict
from .environrequest import EnvironRequest, is_clients_fault
from .lazy import lazy
from .shortways import Watched

if t.TYPE_CHECKING:
    from http import HTTPStatus

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.routing import Rule


def _config(name: str) -> t.Any:
    """Return the current application's setting, or None outside of one."""
    ctx = context.get(None)
    return None if ctx is None else ctx.app.config[name]


_PIECE_BYTES = 65_536


class _AsyncReading:
    """Let async code read a stream in pieces: ``async for chunk in request.stream``."""

    async def __aiter__(self) -> t.AsyncIterator[bytes]:
        """Yield what there is, in pieces of any size; raises what reading does."""
        import asyncio

        stream: t.Any = self
        source = getattr(self, "_stream", self)
        # Under ASGI, of what is still being received.
        prepare = getattr(source, "prepare", None)
        while True:
            if prepare is not None:
                await prepare()
            if prepare is not None or isinstance(source, io.BytesIO):
                piece: bytes = stream.read(_PIECE_BYTES)
            else:
                piece = await asyncio.to_thread(stream.read, _PIECE_BYTES)
            if not piece:
                return
            yield piece


class _Body(_AsyncReading, LimitedStream):
    """Read a body as far as it was announced, or may be long."""

    def readinto(self, b: t.Any) -> int | None:
        """Fill a buffer; 400 where the server's stream says that the body is broken."""
        try:
            return super().readinto(b)
        except Exception as error:
            if not is_clients_fault(error, self._stream):
                raise
            raise ClientDisconnected from error

    def on_disconnect(self, error: Exception | None = None) -> None:
        """Raise what the server's stream raised, or 400 for a client that is gone."""
        if error is not None and not is_clients_fault(error, self._stream):
            raise error
        super().on_disconnect(error)


class _ReadBody(_AsyncReading, io.BytesIO):
    """Be at the end of a body that was read already, or is not there."""


class _BoundedBody(_Body):
    """Refuse a body of unannounced length as soon as it exceeds the limit.

    SECURITY(truncation): a chunked body would otherwise end at the limit, as if
    the client had sent no more; one of exactly the limit is complete.
    """

    def on_exhausted(self) -> None:
        """Raise 413 if there is more; the server has said that the stream ends by itself."""
        try:
            more = self._stream.read(1)
        except Exception as error:
            if not is_clients_fault(error, self._stream):
                raise
            raise ClientDisconnected from error
        if more:
            super().on_exhausted()

    def readall(self) -> bytes:
        """Return the rest of the body; 413 instead of its beginning."""
        body = super().readall()
        if body and self.is_exhausted:
            self.on_exhausted()
        return body


class FormParser(FormDataParser):
    """Parse forms as Werkzeug does, and lose none for a byte that is not UTF-8.

    Werkzeug drops the whole urlencoded form then. Here that byte stays
    percent-encoded, as it does if the client encoded it.
    """

    def parse(
        self,
        stream: t.IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[t.IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Return the rest of the stream, the form's fields and its files."""
        if mimetype != "application/x-www-form-urlencoded":
            return super().parse(stream, mimetype, content_length, options)
        return stream, self.cls(_parse_urlencoded(stream.read())), self.cls()


def _parse_urlencoded(data: bytes) -> list[tuple[str, str]]:
    """Read names and values; what is not UTF-8 of them stays percent-encoded.

    SPEC(RFC 3986 §2): clients should encode every byte that is not ASCII.
    """
    return _parse_pairs(data.decode(errors="werkzeug.url_quote"))


def _read_plain_query(text: str) -> ImmutableMultiDict[str, str]:
    """Read a query in which nothing is encoded, as most are.

    PERF(query): 0.7 us instead of 4 us, without a list of pairs in between.
    """
    lists: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _equals, value = part.partition("=")
            if name in lists:
                lists[name].append(value)
            else:
                lists[name] = [value]
    found: t.Any = ImmutableMultiDict.__new__(ImmutableMultiDict)
    dict.update(found, lists)
    multidict: ImmutableMultiDict[str, str] = found
    return multidict


def _parse_pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


class Request(EnvironRequest):
    """Give a view what the client sent, and where routing brought it.

    Everything is read from the WSGI environ when it is first asked for. The
    three limits answer 413 to the client as soon as they are exceeded.
    """

    json_module: t.Any
    """Reads JSON: `costrel.json`, which sets this because it is above."""

    url_rule: Rule | None = None
    """The rule that matched, or None before matching and when nothing did."""

    view_args: dict[str, t.Any] | None = None
    """The rule's converted variables, or None when nothing matched."""

    routing_exception: HTTPException | None = None
    """What matching raised (404, 405 or a redirect); dispatch raises it again."""

    _max_content_length: int | None = None
    _max_form_memory_size: int | None = None
    _max_form_parts: int | None = None

    # Set by `costrel.shortways`.
    _may_forget: t.ClassVar[bool]
    _may_know_rule: t.ClassVar[bool]
    _may_limit_body: t.ClassVar[bool]
    _may_make_request: t.ClassVar[bool]

    form_data_parser_class: type[FormDataParser] = FormParser
    """Parses the body for `form` and `files`."""

    @lazy
    def args(self) -> MultiDict[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Give the query's parameters; what is not UTF-8 stays percent-encoded."""
        plain = self._may_read_args and "query_string" not in self.__dict__
        try:
            text: str = self._received["QUERY_STRING"]
        except KeyError:
            text = ""
        if (
            "%" not in text
            and "+" not in text
            and text.isascii()
            and plain
            and self.parameter_storage_class is ImmutableMultiDict
        ):
            return _read_plain_query(text)
        if plain and text.isascii():
            pairs = _parse_pairs(text)
        else:
            pairs = _parse_urlencoded(self.query_string)
        return self.parameter_storage_class(pairs)

    @cached_property
    def full_path(self) -> str:
        """Give the path with its query, also if that is empty: ``/path?``."""
        return f"{self.path}?{self.query_string.decode(errors='werkzeug.url_quote')}"

    @cached_property
    def authorization(self) -> Authorization | None:
        """Give what the ``Authorization`` header says; None if it is malformed."""
        try:
            return Authorization.from_header(self.headers.get("Authorization"))
        except ValueError:
            # SPEC(RFC 7617 §2): Base64 is ASCII. Werkzeug would answer 500.
            return None

    @property
    def max_content_length(self) -> int | None:
        """Limit the body of this request, in bytes; None for no limit.

        Taken from ``MAX_CONTENT_LENGTH`` unless set on the request. A longer
        body, announced or not, is answered with 413.
        """
        if self._max_content_length is not None:
            return self._max_content_length
        ctx = context.get(None)
        if ctx is None:
            return super().max_content_length
        limit: int | None = ctx.app.config["MAX_CONTENT_LENGTH"]
        return limit

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._max_content_length = value
        self._whole_fits = False

    @property
    def max_form_memory_size(self) -> int | None:
        """Limit one form field that is not a file, in bytes; None for no limit.

        Taken from ``MAX_FORM_MEMORY_SIZE`` (500 000) unless set on the request.
        """
        if self._max_form_memory_size is not None:
            return self._max_form_memory_size
        ctx = context.get(None)
        if ctx is None:
            return super().max_form_memory_size
        limit: int | None = ctx.app.config["MAX_FORM_MEMORY_SIZE"]
        return limit

    @max_form_memory_size.setter
    def max_form_memory_size(self, value: int | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._max_form_memory_size = value

    @property  # type: ignore[override]
    def max_form_parts(self) -> int | None:
        """Limit the parts of a multipart form; None for no limit.

        Taken from ``MAX_FORM_PARTS`` (1 000) unless set on the request.
        """
        if self._max_form_parts is not None:
            return self._max_form_parts
        ctx = context.get(None)
        if ctx is None:
            return super().max_form_parts
        limit: int | None = ctx.app.config["MAX_FORM_PARTS"]
        return limit

    @max_form_parts.setter
    def max_form_parts(self, value: int | None) -> None:
        self._max_form_parts = value

    @cached_property
    def stream(self) -> t.IO[bytes]:
        """Read the body in pieces, once; `get_data` has all of it.

        Async code iterates over it: ``async for chunk in request.stream``.

        Ends where the body ends. Reading on past `max_content_length` answers 413,
        reading a body that ends before its announced length 400.
        """
        if self._whole_read:
            return _ReadBody()
        stream: t.Any = super().stream
        if "wsgi.input_terminated" in self._environ:
            # The server marks the body's end, but may take a client's going away for it.
            announced, limit = self._announced_length(), self.max_content_length
            if announced is not None:
                stream = _Body(self._environ["wsgi.input"], announced)
            elif limit is not None:
                stream = _BoundedBody(self._environ["wsgi.input"], limit, is_max=True)
            elif not hasattr(stream, "__aiter__"):
                stream = _Body(stream, sys.maxsize, is_max=True)
        elif type(stream) is LimitedStream:
            stream = _Body(stream._stream, stream.limit, stream._limit_is_max)
        elif type(stream) is io.BytesIO and stream is not self._environ["wsgi.input"]:
            stream = _ReadBody()
        return t.cast("t.IO[bytes]", stream)

    @property
    def endpoint(self) -> str | None:
        """Name the view that matched, with its blueprint's name; or None."""
        return None if self.url_rule is None else self.url_rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """Name the blueprint of the endpoint, as registered; or None."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """List the endpoint's blueprints, the innermost first."""
        name = self.blueprint
        return [] if name is None else blueprint_path(name)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        # A file field read from a form that was not sent as multipart is an
        # easy mistake; in debug mode the KeyError explains it.
        if _config("DEBUG") and self.mimetype != "multipart/form-data" and not self.files:
            attach_enctype_error_multidict(self)

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Answer a body that is not JSON: 400, or 415 for another type.

        `e` is the parser's error, or None when the content type is not JSON.
        The parser's words reach the client in debug mode only.
        """
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            if _config("DEBUG"):
                raise
            raise BadRequest from error


def blueprint_path(name: str) -> list[str]:
    """List a dotted blueprint name and its parents, the innermost first."""
    path = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        path.append(name)
    return path


_CONTENT_TYPES = {
    mimetype: get_content_type(mimetype, "utf-8")
    for mimetype in ("application/json", "text/html", "text/plain")
}

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
        return None if wanted is None else _CONTENT_TYPES.get(wanted)
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
