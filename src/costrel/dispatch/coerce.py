"""Step 5, coerce: make a response from what a view returned."""

from __future__ import annotations

import sys
import typing as t
from collections.abc import AsyncIterator, Iterator, Mapping
from inspect import iscoroutine
from types import GeneratorType

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as BaseResponse

from ..ground.current import request
from ..ground.shortways import is_open_for
from ..helpers import ContextStream
from ..json.provider import DefaultJSONProvider
from ..wrappers import Response
from ..wrappers.fields import content_type_of
from ..wrappers.response import EncodedPieces
from .bodies import AsyncBody, in_request
from .errorpages import page_of
from .hints import others_of_request, view_of_request

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ..registration.application import App
    from ..wrappers.files import SentFile

_FORMS = "The tuple must have the form (body, status, headers), (body, status), or (body, headers)."


def make_response(app: App, rv: t.Any) -> Response:
    """Make a response from any value that a view may return.

    Raises `TypeError` (the client sees a 500) for None and for unsupported types.
    """
    status: t.Any = None
    headers: t.Any = None
    if isinstance(rv, tuple):
        rv, status, headers = _unpack(app, rv)

    made = isinstance(rv, app.response_class)  # first, since a response may be an iterator too
    if rv is None:
        raise TypeError(
            f"The view function for {request.endpoint!r} did not return a valid response. The"
            " function either returned None or ended without a return statement. Return a string,"
            f" a dict, a response, or ('', 204) for nothing.{_view_of(app)}"
        )
    if not made and isinstance(rv, AsyncIterator) and not isinstance(rv, ContextStream):
        rv = in_request(rv)
    if not made and isinstance(rv, (str, bytes, bytearray, Iterator, AsyncBody)):
        # Pass status and headers to the constructor, which uses a content type in the
        # headers instead of adding a second one.
        return app.response_class(rv, status=status, headers=headers)  # type: ignore[arg-type]

    response: t.Any = rv if made else _convert(app, rv)
    if isinstance(status, (str, bytes, bytearray)):
        response.status = status
    elif status is not None:
        response.status_code = status
    if headers:
        response.headers.update(headers)
    return t.cast("Response", response)


def _convert(app: App, rv: t.Any) -> t.Any:
    """Make a response from JSON data, another library's response, or a WSGI application."""
    if isinstance(rv, (dict, list)):
        return app.json.response(rv)
    if isinstance(rv, BaseResponse) or callable(rv):
        return _from_wsgi(app, rv)
    raise TypeError(_not_a_response(app, rv))


def _unpack(app: App, rv: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
    """Split a returned tuple into body, status and headers."""
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        body, second = rv
        if isinstance(second, (Headers, Mapping, tuple, list)):
            return body, None, second
        return body, second, None
    raise TypeError(
        f"The view function returned a tuple of {len(rv)} items. {_FORMS}{_view_of(app)}"
    )


def _from_wsgi(app: App, rv: t.Any) -> t.Any:
    """Run a WSGI application or another library's response to get one of ours."""
    cls = app.response_class
    if isinstance(rv, HTTPException) and answers_itself(rv) and _is_converted(cls):
        # PERF(404): the response that calling the error would send, without the call.
        environ = request.environ
        headers = rv.get_headers(environ)
        if _are_typed(headers) and getattr(cls, "_may_omit_response", False):
            return cls(rv.get_body(environ), rv.code, headers)
        rv = BaseResponse(rv.get_body(environ), rv.code, headers)
    response: t.Any = rv
    try:
        return cls.force_type(response, request.environ)
    except TypeError as error:
        raise TypeError(f"{error}\n{_not_a_response(app, rv)}").with_traceback(
            sys.exc_info()[2]
        ) from None


def _is_converted(cls: t.Any) -> bool:
    """Whether a response class makes its responses of errors in Werkzeug's way."""
    return getattr(cls.force_type, "__func__", None) is _force_type


_force_type = BaseResponse.force_type.__func__  # type: ignore[attr-defined]


def _are_typed(headers: t.Any) -> bool:
    """Whether the headers of an error name a type: Werkzeug's default is not ours."""
    return type(headers) is list and bool(headers) and headers[0][0] == "Content-Type"


def answers_itself(error: HTTPException) -> bool:
    """Whether calling an HTTP error just sends a new response that it makes in the usual way.

    Not so if it was created with a response, or if its class overrides these methods.
    """
    # A custom error may never have run `HTTPException.__init__`.
    return getattr(error, "response", error) is None and is_open_for("_may_answer", error)


def _not_a_response(app: App, rv: t.Any) -> str:
    hint = ""
    if iscoroutine(rv):
        # So that it does not warn as well that it was never awaited.
        rv.close()
        hint = (
            " Did you forget `await`, or does a decorator hide an async view? The decorator must"
            " use functools.wraps; if it does something with what the view returns, it must call"
            " `current_app.ensure_sync(view)`."
        )
    return (
        "The view function did not return a valid response. The return type must be a string,"
        " dict, list, tuple with headers or status, Response instance, or WSGI callable, but it"
        f" was a {type(rv).__name__}.{hint}{_view_of(app)}"
    )


def _view_of(app: App) -> str:
    place = view_of_request(app)
    return f" View: {place}{others_of_request(app)}" if place else ""


class PlainAnswer:
    """Send a complete body with a head that is known to be sendable.

    Replaces a response object that no code needs to see any more.
    """

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response: the same bytes that a `Response` would send."""
        start_response(self.status, self.headers)
        content = self.content
        return [content] if content and environ["REQUEST_METHOD"] != "HEAD" else []


def plain_answer(
    content: bytes, content_type: str, more: t.Iterable[tuple[str, str]] = ()
) -> PlainAnswer:
    """Return the usual answer: 200, with content type, length, and `more` header fields."""
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content))), *more]
    return PlainAnswer("200 OK", headers, content)


class StreamedAnswer:
    """Send a body that a generator makes, with a head that is known to be sendable.

    PERF(streamed): sends what its `response` would, without checking the head once more.
    """

    __slots__ = ("headers", "response", "status")

    def __init__(self, status: str, headers: list[tuple[str, str]], response: Response) -> None:
        self.status = status
        self.headers = headers
        self.response = response

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response: the same bytes that a `Response` would send."""
        if environ["REQUEST_METHOD"] == "HEAD":
            return self.response(environ, start_response)
        start_response(self.status, self.headers)
        return EncodedPieces(self.response)

    def close(self) -> None:
        """Close the response, if it can't be sent."""
        self.response.close()


def as_plain(response: t.Any) -> PlainAnswer | StreamedAnswer | SentFile | None:
    """Return what a response sends; None if it must be made sendable, or must send itself."""
    if type(response) is not Response:
        return None
    if response._file is not None:
        return t.cast("SentFile | None", response.sent_file())
    parts = response.plain_parts()
    if parts is None:
        return None
    status, headers, content = parts
    if content is None:
        return StreamedAnswer(status, headers, response)
    return PlainAnswer(status, headers, content)


def as_plain_answer(rv: t.Any) -> PlainAnswer | None:
    """Return what a view's response sends, if that is a complete body; None of anything else."""
    answer = as_plain(rv)
    return answer if type(answer) is PlainAnswer else None


class PlainCoercion:
    """A fast path for the common return values of an application's views."""

    def __init__(self, app: App) -> None:
        provider: t.Any = app.json
        self._provider = provider
        #: The content type of text that needs no response object; empty if all text does.
        self.html = (
            get_content_type(Response.default_mimetype or "text/plain", "utf-8")
            if app.response_class is Response
            and Response._may_omit_response
            and Response._may_use_defaults
            else ""
        )
        plain = type(provider) is DefaultJSONProvider and provider._may_write_json
        self._json = provider.response_body if plain else None
        self._compact_json = provider.compact_body if self._json and not app.debug else None

    def response(self, rv: t.Any) -> Response | None:  # noqa: PLR0911  unrolled
        """Return the response for a common value, for hooks to see; None for others."""
        if not self.html:
            return None
        kind = type(rv)
        if kind is BaseResponse and _is_converted(Response):
            # PERF(errors_as_json): all that `force_type` does with it.
            kind = rv.__class__ = Response
        if kind is Response:
            return t.cast("Response", rv)
        if kind is tuple:
            return self._response_of_tuple(rv)
        if kind is GeneratorType:
            return Response(rv)
        plain = self.body(rv)
        if plain is not None:
            return Response.of_bytes(*plain)
        if isinstance(rv, HTTPException) and answers_itself(rv) and _is_converted(Response):
            return self._response_of_error(rv)
        return None

    def _response_of_error(self, error: HTTPException) -> Response | None:
        """Return what an HTTP error answers with; None if that is not so simple.

        PERF(404): the page of Werkzeug's own error classes is written once, unless the
        error has a description of its own.
        """
        environ = request.environ
        headers = error.get_headers(environ)
        if not _are_typed(headers):
            return None
        # A custom error may write bytes.
        body: t.Any = page_of(error) or error.get_body(environ)
        return Response(body, error.code, headers)

    def _response_of_tuple(self, rv: tuple[t.Any, ...]) -> Response | None:
        """Return the response of a body with a number as its status, or plain headers, or both."""
        status: t.Any = None
        headers: t.Any = None
        if len(rv) == 3:
            body, status, headers = rv
        elif len(rv) == 2:
            body, second = rv
            if type(second) is int:
                status = second
            elif type(second) is dict or type(second) is list:
                headers = second
            else:
                return None
        else:
            return None
        if status is not None and type(status) is not int:
            return None
        kind = type(body)
        if kind is str or kind is bytes or kind is GeneratorType:
            return Response(body, status, headers)
        plain = self.body(body)
        if plain is None:
            return None
        content, content_type = plain
        response = Response(content, status, content_type=content_type)
        if headers:
            response.headers.update(headers)
        return response

    def body(self, rv: t.Any) -> tuple[bytes, str] | None:
        """Return a value's body and content type; None if a response object is needed."""
        if not self.html:
            return None
        kind = type(rv)
        if kind is str:
            return rv.encode(), self.html
        if kind is bytes:
            return rv, self.html
        plain: tuple[bytes, str] | None = None
        if (kind is dict or kind is list) and self._json is not None:
            provider = self._provider
            content_type: str | None = provider.mimetype
            if content_type != "application/json":
                content_type = content_type_of(content_type)
            if content_type is not None:
                write = self._compact_json if provider.compact is None else self._json
                plain = (write or self._json)(rv), content_type
        elif kind is Response:
            # PERF(json): as `jsonify` makes it.
            plain = rv.plain_body()
        return plain
