"""Step 5, coerce: make a response of what a view returned."""

from __future__ import annotations

import sys
import typing as t
from collections.abc import AsyncIterator, Iterator, Mapping

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as BaseResponse

from ..ground.current import request
from ..ground.shortways import is_open_for
from ..helpers import ContextStream
from ..json.provider import DefaultJSONProvider
from ..wrappers import Response
from ..wrappers.response import content_type_of
from .bodies import AsyncBody, in_request

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ..registration.application import App

_FORMS = "The tuple must have the form (body, status, headers), (body, status), or (body, headers)."


def make_response(app: App, rv: t.Any) -> Response:
    """Make a response of any value that a view may return.

    Raises `TypeError` (the client sees a 500) for None and other types.
    """
    status: t.Any = None
    headers: t.Any = None
    if isinstance(rv, tuple):
        rv, status, headers = _unpack(rv)

    if rv is None:
        raise TypeError(
            f"The view function for {request.endpoint!r} did not return a valid response. The"
            " function either returned None or ended without a return statement. Return a string,"
            " a dict, a response, or ('', 204) for nothing."
        )
    if isinstance(rv, AsyncIterator) and not isinstance(rv, ContextStream):
        rv = in_request(rv)
    if isinstance(rv, (str, bytes, bytearray, Iterator, AsyncBody)):
        # Status and headers go to the constructor, which keeps a content type
        # among them instead of adding a second one.
        return app.response_class(rv, status=status, headers=headers)  # type: ignore[arg-type]

    response: Response = rv if isinstance(rv, app.response_class) else _convert(app, rv)
    if isinstance(status, (str, bytes, bytearray)):
        response.status = status  # type: ignore[assignment]
    elif status is not None:
        response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


def _convert(app: App, rv: t.Any) -> t.Any:
    """Make a response of JSON, of another library's response, or of a WSGI application."""
    if isinstance(rv, (dict, list)):
        return app.json.response(rv)
    if isinstance(rv, BaseResponse) or callable(rv):
        return _from_wsgi(app, rv)
    raise TypeError(_not_a_response(rv))


def _unpack(rv: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
    """Split a returned tuple into body, status and headers."""
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        body, second = rv
        if isinstance(second, (Headers, Mapping, tuple, list)):
            return body, None, second
        return body, second, None
    raise TypeError(f"The view function returned a tuple of {len(rv)} items. {_FORMS}")


def _from_wsgi(app: App, rv: t.Any) -> t.Any:
    """Run a WSGI application or another library's response to get one of ours."""
    if isinstance(rv, HTTPException) and answers_itself(rv):
        # PERF(404): what calling it with the environ would send, without sending it.
        rv = rv.get_response(request.environ)
    response: t.Any = rv
    try:
        return app.response_class.force_type(response, request.environ)
    except TypeError as error:
        raise TypeError(f"{error}\n{_not_a_response(rv)}").with_traceback(
            sys.exc_info()[2]
        ) from None


def answers_itself(error: HTTPException) -> bool:
    """Tell whether calling an HTTP error sends just a new response, which it makes plainly.

    One that was given a response keeps that, and one with methods of its own may.
    """
    # An error of somebody's own may never have run `HTTPException.__init__`.
    return getattr(error, "response", error) is None and is_open_for("_may_answer", error)


def _not_a_response(rv: t.Any) -> str:
    return (
        "The view function did not return a valid response. The return type must be a string,"
        " dict, list, tuple with headers or status, Response instance, or WSGI callable, but it"
        f" was a {type(rv).__name__}."
    )


class PlainAnswer:
    """Send a whole body with a head that is known to be sendable.

    Stands in for a response that nobody wants to see (any more).
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
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.content]


def plain_answer(content: bytes, content_type: str) -> PlainAnswer:
    """Return the answer of the common kind: 200, its type and its length."""
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
    return PlainAnswer("200 OK", headers, content)


def as_plain(response: t.Any) -> PlainAnswer | None:
    """Return what a response sends; None where it must be made sendable, or send itself."""
    parts = response.plain_parts() if type(response) is Response else None
    return None if parts is None else PlainAnswer(*parts)


class PlainCoercion:
    """Coerce the common return values of one application by a shorter way."""

    def __init__(self, app: App) -> None:
        provider: t.Any = app.json
        self._provider = provider
        #: The content type of text that needs no response; empty if all do.
        self.html = (
            get_content_type(Response.default_mimetype or "text/plain", "utf-8")
            if app.response_class is Response and Response._may_omit_response
            else ""
        )
        plain = type(provider) is DefaultJSONProvider and provider._may_write_json
        self._json = provider.response_body if plain else None
        self._compact_json = provider.compact_body if self._json and not app.debug else None

    def response(self, rv: t.Any) -> Response | None:
        """Return the response of a common value, for hooks to see; None of others."""
        if not self.html:
            return None
        kind = type(rv)
        if kind is Response:
            return t.cast("Response", rv)
        if kind is str:
            return Response.of_bytes(rv.encode(), self.html)
        plain = self.body(rv)
        return None if plain is None else Response.of_bytes(*plain)

    def body(self, rv: t.Any) -> tuple[bytes, str] | None:
        """Return the body of a returned value and its type; None where a response is needed."""
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
