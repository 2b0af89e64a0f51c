"""The request class: Werkzeug's, with the current application's settings."""

from __future__ import annotations

import io
import sys
import typing as t
from urllib.parse import parse_qsl, unquote_to_bytes

from werkzeug.datastructures import (
    Authorization,
    EnvironHeaders,
    FileStorage,
    ImmutableMultiDict,
    MultiDict,
)
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
)
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

from ..ground.current import context
from ..ground.debughints import attach_enctype_error_multidict
from ..ground.lazy import lazy
from ..ground.shortways import Watched
from .environ import EnvironRequest, is_clients_fault
from .limits import (
    FEW_FIELDS,
    SHORT_FORM_BYTES,
    check_query,
    check_urlencoded,
    check_urlencoded_fields,
    setting,
)
from .multipart import (
    AT_ONCE_BYTES,
    MultipartReader,
    Rest,
    boundary_of,
    check_names,
    fill,
    is_strict,
    may_read,
    refuse,
    usual_boundary,
)

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule


def _config(name: str) -> t.Any:
    """Return a setting of the current application, or None without one."""
    ctx = context.get(None)
    return None if ctx is None else ctx.app.config[name]


_PIECE_BYTES = 65_536


class _AsyncReading:
    """Let async code read a stream in chunks: ``async for chunk in request.stream``."""

    async def __aiter__(self) -> t.AsyncIterator[bytes]:
        """Yield the available data in chunks of any size; raises the same errors as `read`."""
        import asyncio

        stream: t.Any = self
        source = getattr(self, "_stream", self)
        # Under ASGI, if the body is still being received.
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
    """Read a body up to its announced length, or up to the limit."""

    def readinto(self, b: t.Any) -> int | None:
        """Fill a buffer; raises 400 if the server's stream reports a broken body."""
        try:
            return super().readinto(b)
        except Exception as error:
            if not is_clients_fault(error, self._stream):
                raise
            raise ClientDisconnected from error

    def on_disconnect(self, error: Exception | None = None) -> None:
        """Raise the error of the server's stream, or 400 if the client has disconnected."""
        if error is not None and not is_clients_fault(error, self._stream):
            raise error
        super().on_disconnect(error)


class _ReadBody(_AsyncReading, io.BytesIO):
    """The stream of a body that was already read, or of no body."""


class _BoundedBody(_Body):
    """Refuse a body of unknown length as soon as it exceeds the limit.

    SECURITY(truncation): otherwise a chunked body would be cut off at the limit, as if
    the client had sent no more. A body of exactly the limit is complete.
    """

    def on_exhausted(self) -> None:
        """Raise 413 if there is more; the server guarantees that the stream ends."""
        try:
            more = self._stream.read(1)
        except Exception as error:
            if not is_clients_fault(error, self._stream):
                raise
            raise ClientDisconnected from error
        if more:
            super().on_exhausted()

    def readall(self) -> bytes:
        """Return the rest of the body; raises 413 rather than return part of it."""
        body = super().readall()
        if body and self.is_exhausted:
            self.on_exhausted()
        return body


URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

# Methods of the request's own, a form that was read, and a content type that was read
# before it was changed.
_SEEN_BY_FORM = frozenset(
    {
        "form", "make_form_data_parser", "_get_stream_for_parsing", "_parse_content_type",
        "_parsed_content_type",
    }
)  # fmt: skip
_PLAIN_HEADERS = frozenset({EnvironHeaders, type(None)})


class FormParser(FormDataParser, metaclass=Watched):
    """Parse forms as Werkzeug does, but keep forms with bytes that are not UTF-8.

    Werkzeug drops the whole urlencoded form. Here such a byte stays percent-encoded,
    as it does if the client encoded it.
    """

    def parse(
        self,
        stream: t.IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[t.IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Return the rest of the stream, the form fields and the files."""
        if mimetype == URLENCODED:
            body = self._read_whole(stream)
            return stream, self.cls(_parse_urlencoded(body)), self.cls()
        boundary = usual_boundary((options or {}).get("boundary"))
        if mimetype != MULTIPART or boundary is None or not self._may_read_parts or not may_read():
            return self._parse_unusual(stream, mimetype, content_length, options)
        source: t.Any = stream
        read_into = source.readinto if type(source) is _Body else None
        reader = MultipartReader(
            self, boundary, content_length, read=stream.read, read_into=read_into
        )
        try:
            reader.parse()
        except ValueError:
            if not self.silent:
                raise
            if is_strict():
                refuse()
            return stream, self.cls(), self.cls()
        return stream, self.cls(reader.fields), self.cls(reader.files)

    def _parse_unusual(
        self,
        stream: t.IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None,
    ) -> tuple[t.IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Parse what Werkzeug has to; raises 400 for a malformed form if the application does."""
        if mimetype != MULTIPART or not self.silent or not is_strict():
            return super().parse(stream, mimetype, content_length, options)
        begun = stream.read(1)
        if not begun:
            return stream, self.cls(), self.cls()
        rest = t.cast("t.IO[bytes]", Rest(begun, stream.read))
        self.silent = False
        try:
            _rest, form, files = super().parse(rest, mimetype, content_length, options)
        except ValueError:
            refuse()
        finally:
            self.silent = True
        check_names(form.items(multi=True), files.items(multi=True))
        return stream, form, files

    max_form_fields: int | None = None
    """The limit for the number of fields of an urlencoded form; None for no limit."""

    max_urlencoded_size: int | None = None
    """The limit for the length of an urlencoded form, in bytes; None for no limit."""

    def _read_whole(self, stream: t.IO[bytes]) -> bytes:
        """Return an urlencoded form; raises 413 without reading on if it is too long."""
        limit = self.max_urlencoded_size
        body = stream.read() if limit is None else fill(b"", limit + 1, stream.read)
        check_urlencoded(body, self.max_form_fields, limit)
        if len(body) > SHORT_FORM_BYTES:
            check_urlencoded_fields(body, self.max_form_memory_size)
        return body

    # Set by `costrel.ground.shortways`.
    _may_parse_form: t.ClassVar[bool]
    _may_read_parts: t.ClassVar[bool]


def _parse_urlencoded(data: bytes) -> list[tuple[str, str]]:
    """Parse names and values; bytes that are not UTF-8 stay percent-encoded.

    SPEC(RFC 3986 §2): clients should encode all non-ASCII bytes.
    """
    return _parse_pairs(data.decode(errors="werkzeug.url_quote"))


def _read_ascii(text: str) -> ImmutableMultiDict[str, str]:
    """Parse a query or form of ASCII characters into a read-only multidict.

    PERF(query): 0.7 us instead of 4 us if nothing is encoded, without an intermediate list
    of pairs.
    PERF(form): only the names and values that are encoded are decoded.
    """
    encoded = "%" in text or "+" in text
    lists: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _equals, value = part.partition("=")
            if encoded:
                if "%" in name or "+" in name:
                    name = _decode(name)
                if "%" in value or "+" in value:
                    value = _decode(value)
            if name in lists:
                lists[name].append(value)
            else:
                lists[name] = [value]
    found: t.Any = ImmutableMultiDict.__new__(ImmutableMultiDict)
    dict.update(found, lists)
    multidict: ImmutableMultiDict[str, str] = found
    return multidict


def _decode(text: str) -> str:
    text = text.replace("+", " ")
    return unquote_to_bytes(text).decode(errors="werkzeug.url_quote") if "%" in text else text


def _parse_pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


class Request(EnvironRequest):
    """What the client sent, and the result of routing.

    Everything is read from the WSGI environ on first access. If one of the three limits
    is exceeded, the client gets a 413.
    """

    json_module: t.Any
    """Reads JSON: `costrel.json`, which sets this itself because it imports this module."""

    url_rule: Rule | None = None
    """The matched rule; None before matching, or if no rule matched."""

    view_args: dict[str, t.Any] | None = None
    """The rule's converted variables; None if no rule matched."""

    routing_exception: HTTPException | None = None
    """The error from matching (404, 405 or a redirect), which dispatch raises again."""

    _max_content_length: int | None = None
    _max_form_memory_size: int | None = None
    _max_form_parts: int | None = None

    # Set by `costrel.ground.shortways`.
    _may_forget: t.ClassVar[bool]
    _may_read_form: t.ClassVar[bool]
    _may_know_rule: t.ClassVar[bool]
    _may_limit_body: t.ClassVar[bool]
    _may_make_request: t.ClassVar[bool]

    form_data_parser_class: type[FormDataParser] = FormParser
    """Parses the body for `form` and `files`."""

    @lazy
    def args(self) -> MultiDict[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The query parameters; bytes that are not UTF-8 stay percent-encoded."""
        plain = self._may_read_args and "query_string" not in self.__dict__
        try:
            text: str = self._received["QUERY_STRING"]
        except KeyError:
            text = ""
        query = text if plain else self.query_string
        if len(query) > FEW_FIELDS:
            try:
                check_query(query)
            except BadRequest:
                # So that an error handler may look at it without another error.
                vars(self)["args"] = self.parameter_storage_class()
                raise
        plain = plain and text.isascii()
        if plain and self.parameter_storage_class is ImmutableMultiDict:
            return _read_ascii(text)
        pairs = _parse_pairs(text) if plain else _parse_urlencoded(self.query_string)
        return self.parameter_storage_class(pairs)

    @cached_property
    def full_path(self) -> str:
        """The path with its query, even if the query is empty: ``/path?``."""
        return f"{self.path}?{self.query_string.decode(errors='werkzeug.url_quote')}"

    @cached_property
    def authorization(self) -> Authorization | None:
        """The parsed ``Authorization`` header; None if it is malformed."""
        try:
            return Authorization.from_header(self.headers.get("Authorization"))
        except ValueError:
            # SPEC(RFC 7617 §2): Base64 is ASCII. Werkzeug would cause a 500.
            return None

    @property
    def max_content_length(self) -> int | None:
        """The limit for the request body, in bytes; None for no limit.

        Default: what `body_limit` says of the view, or else ``MAX_CONTENT_LENGTH``. A longer
        body, announced or not, gives a 413.
        """
        if self._max_content_length is not None:
            return self._max_content_length
        ctx = context.get(None)
        if ctx is None:
            return super().max_content_length
        app, rule = ctx.app, self.url_rule
        limit: int | None = app.config["MAX_CONTENT_LENGTH"]
        if rule is None:
            return limit
        return t.cast(
            "int | None",
            getattr(app.view_functions.get(rule.endpoint), "body_limit_bytes", limit),
        )

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._max_content_length = value
        self._whole_fits = False

    @property
    def max_form_memory_size(self) -> int | None:
        """The limit for each form field that is not a file, in bytes; None for no limit.

        Default: ``MAX_FORM_MEMORY_SIZE`` (500 000).
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
        """The limit for the number of parts in a multipart form; None for no limit.

        Default: ``MAX_FORM_PARTS`` (1 000).
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

    @lazy
    def max_form_fields(self) -> int | None:
        """The limit for the number of fields in an urlencoded form; None for no limit.

        Default: ``MAX_FORM_FIELDS``, which is 1 000 on `Costrel` and None on `Flask`.
        """
        return setting("MAX_FORM_FIELDS")

    @lazy
    def max_urlencoded_size(self) -> int | None:
        """The limit for the length of an urlencoded form, in bytes; None for no limit.

        Default: ``MAX_URLENCODED_SIZE``, which is 1 000 000 on `Costrel` and None on `Flask`.
        """
        return setting("MAX_URLENCODED_SIZE")

    def make_form_data_parser(self) -> FormDataParser:
        """Create the parser of a form that is read from the stream, with this request's limits."""
        parser = super().make_form_data_parser()
        if isinstance(parser, FormParser):
            parser.max_form_fields = self.max_form_fields
            parser.max_urlencoded_size = self.max_urlencoded_size
        return parser

    @cached_property
    def stream(self) -> t.IO[bytes]:
        """The body as a stream, which can be read once; `get_data` returns all of it.

        In async code, use ``async for chunk in request.stream``. The stream ends with the
        body. Reading beyond `max_content_length` raises 413. Reading a body that ends
        before its announced length raises 400.
        """
        if self._whole_read:
            return _ReadBody()
        stream: t.Any = super().stream
        if "wsgi.input_terminated" in self._environ:
            # The server marks the body's end, but may confuse it with a disconnect.
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
        """The endpoint of the matched rule, including the blueprint's name, or None."""
        return None if self.url_rule is None else self.url_rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The registered name of the endpoint's blueprint, or None."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The names of the endpoint's blueprints, innermost first."""
        name = self.blueprint
        return [] if name is None else blueprint_path(name)

    @lazy
    def form(self) -> ImmutableMultiDict[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Give the fields of a form, without its files."""
        self._load_form_data()
        fields: ImmutableMultiDict[str, str] = self.__dict__["form"]
        return fields

    @lazy
    def files(self) -> ImmutableMultiDict[str, FileStorage]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Give the files of a form that was sent as ``multipart/form-data``."""
        self._load_form_data()
        files: ImmutableMultiDict[str, FileStorage] = self.__dict__["files"]
        return files

    def _load_form_data(self) -> None:
        try:
            if not self._read_form():
                super()._load_form_data()
        except BadRequest:
            # So that an error handler may look at it without another error.
            storage: t.Any = self.parameter_storage_class
            vars(self).update(form=storage(), files=storage())
            raise
        # Reading a file field of a form that was not sent as multipart is a common
        # mistake; in debug mode the KeyError explains it.
        if _config("DEBUG") and self.mimetype != "multipart/form-data" and not self.files:
            attach_enctype_error_multidict(self)

    def _read_form(self) -> bool:
        """Read a form whose length was announced; False where that is not so simple.

        PERF(form): without a parser of its own, and without a stream for it to read.
        """
        own = self.__dict__
        if (
            not self._may_read_form
            or not _SEEN_BY_FORM.isdisjoint(own)
            or type(own.get("headers")) not in _PLAIN_HEADERS
            or self.form_data_parser_class is not FormParser
            or not FormParser._may_parse_form
        ):
            return False
        kind, _semicolon, options = self._environ.get("CONTENT_TYPE", "").partition("; ")
        if kind == URLENCODED:
            body = self._form_body(None)
            return body is not None and self._read_urlencoded(body)
        boundary = boundary_of(options) if kind == MULTIPART else None
        if boundary is None or not FormParser._may_read_parts or not may_read():
            return False
        body = self._form_body(AT_ONCE_BYTES)
        return body is not None and self._read_multipart(boundary, body)

    def _form_body(self, limit: int | None) -> bytes | None:
        """Return the body if it was read, or is to be read at once."""
        body: bytes | None = self._cached_data
        if body is None and (limit is None or (self._announced_length() or 0) <= limit):
            body = self._read_announced()
        return body

    def _read_urlencoded(self, body: bytes) -> bool:
        storage: t.Any = self.parameter_storage_class
        try:
            check_urlencoded(body, self.max_form_fields, self.max_urlencoded_size)
            if len(body) > SHORT_FORM_BYTES:
                check_urlencoded_fields(body, self.max_form_memory_size)
        except RequestEntityTooLarge:
            # So that an error handler may look at it without another error.
            vars(self).update(form=storage(), files=storage())
            raise
        if storage is ImmutableMultiDict and body.isascii():
            fields = _read_ascii(body.decode())
        else:
            fields = storage(_parse_urlencoded(body))
        vars(self).update(form=fields, files=storage())
        return True

    def _read_multipart(self, boundary: bytes, body: bytes) -> bool:
        reader = MultipartReader(self.make_form_data_parser(), boundary, self.content_length, body)
        storage: t.Any = self.parameter_storage_class
        try:
            reader.parse()
        except ValueError:
            if is_strict():
                refuse()
            reader.fields, reader.files = [], []
        vars(self).update(form=storage(reader.fields), files=storage(reader.files))
        return True

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Handle a body that is not JSON: raises 400, or 415 for another content type.

        `e` is the parser's error, or None if the content type is not JSON. The client
        sees the parser's message only in debug mode.
        """
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            if _config("DEBUG"):
                raise
            raise BadRequest from error


def blueprint_path(name: str) -> list[str]:
    """Return a dotted blueprint name and those of its parents, innermost first."""
    path = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        path.append(name)
    return path
