"""The request: Werkzeug's, aware of the current application."""

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
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

from ..ground.current import context
from ..ground.debughints import attach_enctype_error_multidict
from ..ground.lazy import lazy
from ..ground.shortways import Watched
from .environ import EnvironRequest, is_clients_fault
from .multipart import AT_ONCE_BYTES, MultipartReader, boundary_of, may_read, usual_boundary

if t.TYPE_CHECKING:
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
        if mimetype == URLENCODED:
            return stream, self.cls(_parse_urlencoded(stream.read())), self.cls()
        boundary = usual_boundary((options or {}).get("boundary"))
        if mimetype != MULTIPART or boundary is None or not self._may_read_parts or not may_read():
            return super().parse(stream, mimetype, content_length, options)
        reader = MultipartReader(self, boundary, content_length, read=stream.read)
        try:
            reader.parse()
        except ValueError:
            if not self.silent:
                raise
            return stream, self.cls(), self.cls()
        return stream, self.cls(reader.fields), self.cls(reader.files)

    # Set by `costrel.ground.shortways`.
    _may_parse_form: t.ClassVar[bool]
    _may_read_parts: t.ClassVar[bool]


def _parse_urlencoded(data: bytes) -> list[tuple[str, str]]:
    """Read names and values; what is not UTF-8 of them stays percent-encoded.

    SPEC(RFC 3986 §2): clients should encode every byte that is not ASCII.
    """
    return _parse_pairs(data.decode(errors="werkzeug.url_quote"))


def _read_ascii(text: str) -> ImmutableMultiDict[str, str]:
    """Read a query or form of ASCII characters into a read-only multidict.

    PERF(query): 0.7 us instead of 4 us where nothing is encoded, without a list of pairs
    in between.
    PERF(form): what is encoded is decoded one by one, and the rest left alone.
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
        """Give the query's parameters; what is not UTF-8 stays percent-encoded."""
        plain = self._may_read_args and "query_string" not in self.__dict__
        try:
            text: str = self._received["QUERY_STRING"]
        except KeyError:
            text = ""
        plain = plain and text.isascii()
        if plain and self.parameter_storage_class is ImmutableMultiDict:
            return _read_ascii(text)
        pairs = _parse_pairs(text) if plain else _parse_urlencoded(self.query_string)
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
        if not self._read_form():
            super()._load_form_data()
        # A file field read from a form that was not sent as multipart is an
        # easy mistake; in debug mode the KeyError explains it.
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
        if storage is ImmutableMultiDict and body.isascii():
            fields = _read_ascii(body.decode())
        else:
            fields = storage(_parse_urlencoded(body))
        vars(self).update(form=fields, files=storage())
        return True

    def _read_multipart(self, boundary: bytes, body: bytes) -> bool:
        reader = MultipartReader(self.make_form_data_parser(), boundary, self.content_length, body)
        try:
            reader.parse()
        except ValueError:
            reader.fields, reader.files = [], []
        storage: t.Any = self.parameter_storage_class
        vars(self).update(form=storage(reader.fields), files=storage(reader.files))
        return True

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
