"""Werkzeug's request, changed to read the environ on access only."""

from __future__ import annotations

import typing as t
from datetime import datetime

from werkzeug.datastructures import EnvironHeaders, Headers, IfRange, ImmutableMultiDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.sansio.utils import get_current_url, get_host
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request as RequestBase

from ..ground.dates import parse_date, parse_if_range
from ..ground.lazy import lazy
from ..ground.shortways import Watched
from .limits import check_json, limits_json

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


_READ_WHEN_MADE = (
    "HTTP_CONNECTION", "HTTP_HOST", "HTTP_UPGRADE", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR",
    "REQUEST_METHOD", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme",
)  # fmt: skip
"""The variables for a request and its URL adapter; others in the environ are read later."""


# A method set on the request itself, and a content type that was read before a change.
_SEEN_BY_JSON = frozenset({"get_data", "_parsed_content_type"})


def immutable_multidict(pairs: t.Iterable[tuple[str, str]]) -> ImmutableMultiDict[str, str]:
    """Create a read-only multidict of names and values.

    PERF(page): does the same as its constructor, for pairs only; 0.6 us instead of 1.3 us.
    """
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in lists:
            lists[name].append(value)
        else:
            lists[name] = [value]
    found: t.Any = ImmutableMultiDict.__new__(ImmutableMultiDict)
    dict.update(found, lists)
    multidict: ImmutableMultiDict[str, str] = found
    return multidict


def are_plain_cookies(text: str) -> bool:
    """Whether a ``Cookie`` header is as browsers write it, without quotes or other spaces."""
    return (
        text.count(";") == text.count("; ") == text.count(" ")
        and '"' not in text
        and "\t" not in text
        and text.isascii()
    )


def is_clients_fault(error: Exception, stream: t.Any) -> bool:
    """Return whether an error from a server's stream means that the body is broken.

    COMPAT(werkzeug): servers raise `OSError` and `ValueError` for it. Errors from storing
    the body, such as a full disk, don't count: they are not the client's fault.
    COMPAT(gunicorn): it raises its own classes for invalid chunks.
    """
    if isinstance(error, (OSError, ValueError)):
        return getattr(stream, "failure", None) is not error
    return type(error).__module__ == "gunicorn.http.errors"


class EnvironRequest(RequestBase, metaclass=Watched):
    """Werkzeug's request, with nothing computed at creation.

    PERF(query): creating one takes 0.2 us instead of 3 us. The attributes have the
    values that Werkzeug's constructor would set.
    """

    shallow = False
    """Whether reading the body is forbidden."""

    def __init__(
        self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False
    ) -> None:
        self._environ = environ
        if shallow:
            self.shallow = shallow
        if populate_request and not shallow:
            environ["werkzeug.request"] = self

    @property
    def environ(self) -> WSGIEnvironment:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The WSGI environ, which may be changed and passed on.

        Changes don't affect the request, just as if Werkzeug's constructor had read it: on
        first access from outside, variables that it has not read yet are saved.
        """
        environ = self._environ
        if self._kept is None:
            self._kept = {name: environ[name] for name in _READ_WHEN_MADE if name in environ}
        return environ

    @environ.setter
    def environ(self, environ: WSGIEnvironment) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._environ = environ

    @property
    def _received(self) -> WSGIEnvironment:
        """The original variables of the received request, before any change."""
        return self._environ if self._kept is None else self._kept

    @lazy
    def _parsed(self) -> RequestBase:
        """The request that Werkzeug's constructor creates from the environ."""
        return RequestBase(self._received, populate_request=False)

    @lazy
    def method(self) -> str:
        """The method, in upper case."""
        method: str = self._received.get("REQUEST_METHOD", "GET")
        return method.upper()

    @lazy
    def scheme(self) -> str:
        """The scheme of the URL, such as ``https``."""
        return self._parsed.scheme

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """The server's address; ``(path, None)`` for a Unix socket."""
        return self._parsed.server

    @lazy
    def root_path(self) -> str:
        """The prefix that the application is mounted under, without a trailing slash."""
        return self._parsed.root_path

    @lazy
    def path(self) -> str:
        """The decoded path below `root_path`; it begins with one slash."""
        path: str = self._received.get("PATH_INFO") or ""
        if not path.isascii():
            path = path.encode("latin-1").decode(errors="replace")
        return "/" + path.lstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """The query, as it was sent."""
        query: str = self._received.get("QUERY_STRING", "")
        return query.encode("latin-1")

    @lazy
    def host(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The requested host, with its port unless that is the default."""
        header = self._received.get("HTTP_HOST")
        return get_host(self.scheme, header, self.server, self.trusted_hosts)

    @cached_property
    def url(self) -> str:
        """The URL with its query, with the characters that it stands for."""
        return _url_of(self, self.root_path, self.path, self.query_string)

    @cached_property
    def base_url(self) -> str:
        """The URL without its query."""
        return _url_of(self, self.root_path, self.path)

    @cached_property
    def root_url(self) -> str:
        """The URL of the application."""
        return _url_of(self, self.root_path)

    @cached_property
    def host_url(self) -> str:
        """The URL of the host."""
        return _url_of(self)

    @lazy
    def headers(self) -> Headers:
        """The headers, a view of the environ."""
        return EnvironHeaders(self._environ)

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The cookies by name, read-only; of several with one name, the first is used."""
        text: str = self._environ.get("HTTP_COOKIE", "")
        if (
            # PERF(page): cookies from browsers need no unquoting or skipping; 1 us
            # instead of 4 us. tests/property/test_requests.py compares the two.
            are_plain_cookies(text)
            and self.dict_storage_class is ImmutableMultiDict
            and self._may_read_cookies
            and type(self.headers) is EnvironHeaders
        ):
            pairs = [
                (name, value)
                for part in (text.split("; ") if text else ())
                for name, _equals, value in (part.partition("="),)
            ]
            if all(name for name, _value in pairs):
                return immutable_multidict(pairs)
        return super().cookies

    @cached_property
    def date(self) -> datetime | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The ``Date`` header; None if it is not a date."""
        return parse_date(self.headers.get("Date"))

    @cached_property
    def if_modified_since(self) -> datetime | None:
        """The ``If-Modified-Since`` header; None if it is not a date."""
        return parse_date(self.headers.get("If-Modified-Since"))

    @cached_property
    def if_unmodified_since(self) -> datetime | None:
        """The ``If-Unmodified-Since`` header; None if it is not a date."""
        return parse_date(self.headers.get("If-Unmodified-Since"))

    @cached_property
    def if_range(self) -> IfRange:
        """The ``If-Range`` header: an entity tag or a date."""
        return parse_if_range(self.headers.get("If-Range"))

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client, or of the proxy that connects to the server."""
        address: str | None = self._received.get("REMOTE_ADDR")
        return address

    @property
    def is_json(self) -> bool:
        """Whether the content type is JSON."""
        # PERF(echo): the usual type need not be parsed.
        return (
            self._may_see_type
            and "_parsed_content_type" not in self.__dict__
            and self._environ.get("CONTENT_TYPE") == "application/json"
        ) or super().is_json

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> t.Any:
        """Parse the body as JSON: see `werkzeug.wrappers.Request.get_json`.

        Invalid JSON raises 400, and another content type 415.
        """
        if (
            cache
            and not silent
            and self._may_read_json
            and _SEEN_BY_JSON.isdisjoint(self.__dict__)
            and self._cached_data is None
            and self._environ.get("CONTENT_TYPE") == "application/json"
        ):
            # PERF(echo): the usual body, without the checks for other cases.
            if self._whole_fits and not self._whole_read and "stream" not in self.__dict__:
                body = self._whole
                self._whole_read = True
            else:
                body = self._read_announced()
            if body is not None:
                self._cached_data = body
                try:
                    check_json(body)
                    value = self.json_module.loads(body)
                except ValueError:
                    # Rare, so it is parsed again to create the error response.
                    return self._get_json(force, silent, cache)
                self._cached_json = (value, value)
                return value
        return self._get_json(force, silent, cache)

    def _get_json(self, force: bool, silent: bool, cache: bool) -> t.Any:
        """Parse the body as Werkzeug does, within the limits of the application."""
        is_known = cache and self._cached_json[silent] is not Ellipsis
        if not is_known and (force or self.is_json) and limits_json():
            try:
                # Kept in any case, since it is read again.
                check_json(self.get_data())
            except ValueError as error:
                return None if silent else self.on_json_loading_failed(error)
        return super().get_json(force, silent, cache)

    def get_data(  # type: ignore[override]
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> bytes | str:
        """Read the whole body: see `werkzeug.wrappers.Request.get_data`.

        A body over the limit raises 413, and one that ends too early 400.
        """
        if cache and not parse_form_data and self._cached_data is None:
            if self._whole_fits and not self._whole_read and "stream" not in self.__dict__:
                # PERF(typed_post): as in `get_json`.
                body = self._whole
                self._whole_read = True
            else:
                body = self._read_announced()
            if body is not None:
                self._cached_data = body
                if not as_text:
                    return body
        return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload,no-any-return]

    def _read_announced(self) -> bytes | None:
        """Read a body whose length was announced; None if that is not so simple.

        PERF(echo): a single read of the server's stream, without Werkzeug's wrapper.
        """
        whole = self._whole
        expected = self._announced_length() if whole is None else len(whole)
        if (
            expected is None
            or self.shallow
            or "stream" in self.__dict__
            or self._whole_read
            or not self._may_read_body
        ):
            return None
        limit = self.max_content_length
        if limit is not None and expected > limit:
            return None
        if whole is not None:
            self._whole_read = True
            return whole
        read = self._environ["wsgi.input"].read
        try:
            body: bytes = read(expected)
            while len(body) < expected and (more := read(expected - len(body))):
                body += more
        except Exception as error:
            if not is_clients_fault(error, self._environ["wsgi.input"]):
                raise
            raise ClientDisconnected from error
        if len(body) < expected:
            raise ClientDisconnected
        self._whole_read = True
        return body

    def _announced_length(self) -> int | None:
        """Return the announced length of the body in bytes, if any."""
        length = self._environ.get("CONTENT_LENGTH")
        if (
            not length
            # Too many digits for any body, and possibly for `int`.
            or len(length) > 18
            or not (length.isascii() and length.isdigit())
            # SPEC(RFC 9112 §6.3): the length is ignored then.
            or "HTTP_TRANSFER_ENCODING" in self._environ
        ):
            return None
        return int(length)

    # Set by `costrel.ground.shortways`.
    _may_read_args: t.ClassVar[bool]
    _may_read_body: t.ClassVar[bool]
    _may_read_cookies: t.ClassVar[bool]
    _may_read_json: t.ClassVar[bool]
    _may_see_type: t.ClassVar[bool]

    _environ: WSGIEnvironment

    _kept: WSGIEnvironment | None = None

    _cached_data: t.Any = None
    """The body, after `get_data` or `get_json` has read it."""

    _whole: bytes | None = None
    """The body, if the server has received all of it; set by the serving code."""

    _whole_fits = False
    """Whether that is within the limit, and no customization affects it."""

    _whole_read = False
    """Whether the body was already read, so that its stream is at its end."""


def _url_of(request: EnvironRequest, *parts: t.Any) -> str:
    """Return a request's URL up to some part, with its host decoded as far as Python can.

    Its codec knows the rules of 2003 only (RFC 3490). Labels that break these, such as that of
    "straße.de" (RFC 5891), stay as they were sent.
    """
    try:
        return get_current_url(request.scheme, request.host, *parts)
    except UnicodeError:
        name, colon, port = request.host.lower().partition(":")
        host = ".".join(map(_decoded, name.split(".")))
        beginning, stand_in = f"{request.scheme}://", "x"
        rest = get_current_url(request.scheme, stand_in, *parts)
        return f"{beginning}{host}{colon}{port}{rest[len(beginning) + len(stand_in) :]}"


def _decoded(label: str) -> str:
    try:
        return label.encode().decode("idna")
    except UnicodeError:
        return label
