"""Limits of requests: what is refused before a view sees it, and `body_limit` for a view.

Bodies, forms, queries and JSON are limited where they are parsed (`wrappers/`), by settings. Here
is what concerns every request, its header fields and its URL, and what limits one view's bodies.
"""

from __future__ import annotations

import typing as t
import weakref

from werkzeug.exceptions import (
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    RequestURITooLarge,
)

from ..ground.securitylog import security_log
from ..registration.misplaced import note_decorator
from ..registration.origin import caller
from .state import Check, Exemption, security_of

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

    from ..registration.application import App

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

LOWEST: t.Mapping[str, int] = {
    "MAX_CONTENT_LENGTH": 0,
    "MAX_FORM_FIELDS": 1,
    "MAX_FORM_MEMORY_SIZE": 0,
    "MAX_FORM_PARTS": 0,
    "MAX_HEADERS": 20,
    "MAX_JSON_DEPTH": 1,
    "MAX_JSON_DIGITS": 20,
    "MAX_JSON_SIZE": 0,
    "MAX_QUERY_FIELDS": 10,
    "MAX_URLENCODED_SIZE": 0,
    "MAX_URL_LENGTH": 100,
}
"""The limits, each with its least useful value."""

DEEPEST = 500
"""``MAX_JSON_DEPTH`` can't be more: `costrel.json.depth` refuses that in any case."""

_NEVER = 1 << 62


def body_limit(limit_bytes: int | None) -> t.Callable[[F], F]:
    """Say how long a view's bodies may be, instead of ``MAX_CONTENT_LENGTH``.

    For a view that takes uploads, or one that takes only little::

        @app.post("/videos")
        @body_limit(2_000_000_000)
        def upload(): ...

    A longer body gives a 413, as soon as it is known to be longer. It applies to functions and to
    what ``as_view`` returns, on `Flask` too. Place it below the route's decorator.

    Args:
        limit_bytes: The greatest length, in bytes; None for no limit.

    Raises `TypeError` for anything else.
    """
    if isinstance(limit_bytes, bool) or not isinstance(limit_bytes, (int, type(None))):
        raise TypeError(
            f"body_limit() takes a number of bytes, or None for no limit, and not {limit_bytes!r}."
            " Write @body_limit(50_000_000) for 50 MB."
        )
    if limit_bytes is not None and limit_bytes < 0:
        raise ValueError(f"body_limit({limit_bytes}): no body is shorter than 0 bytes.")
    origin = caller()

    def decorator(view: F) -> F:
        view.body_limit_bytes = limit_bytes  # type: ignore[attr-defined]
        view.body_limit_origin = origin  # type: ignore[attr-defined]
        note_decorator("body_limit", view)
        return view

    return decorator


class Limits:
    """The limits of an application that concern every request.

    Attributes:
        max_headers: How many header fields a request may have; None for any number.
        max_url_length: How long its path and query may be, in characters; None for any length.
        max_json_size: How long JSON may be, in bytes; None for what any body may be.
    """

    def __init__(self, app: App) -> None:
        # The application holds this.
        self._app = t.cast("App", weakref.proxy(app))
        self._epoch = -1
        self.max_headers: int | None = None
        self.max_url_length: int | None = None
        self.max_json_size: int | None = None
        self._few = self._short = _NEVER

    def applies_to(self, _endpoint: str | None, _rule: Rule | None) -> bool:
        """Whether the requests of a plan are looked at: all are, if there is a limit.

        Raises `ValueError` for a setting that is no limit.
        """
        self._read_settings()
        return self.max_headers is not None or self.max_url_length is not None

    def concerns(self, environ: WSGIEnvironment) -> bool:
        """Whether a request may be too large: quick, and nearly always false."""
        # PERF(hello): 0.1 us.
        if type(environ) is dict:
            try:
                # It has other variables as well, so it is counted exactly only if need be.
                return (
                    len(environ) > self._few
                    or len(environ["QUERY_STRING"]) + len(environ["PATH_INFO"]) >= self._short
                    or ("asgi.scope" in environ and _count_fields(environ) > self._few)
                )
            except KeyError:
                return True
        headers = getattr(environ, "_headers", None)
        if headers is None:
            return True
        # PERF(query): the environ of a request on the event loop, which is not made yet.
        scope = environ._scope  # type: ignore[attr-defined]
        return (
            len(headers) > self._few
            or scope is None
            or len(scope.get("query_string", b"")) + len(scope["path"]) >= self._short
        )

    def check(self, request: t.Any) -> None:
        """Raise 431 for too many header fields, and 414 for too long a URL."""
        environ = request.environ
        limit = self.max_headers
        if limit is not None:
            count = _count_fields(environ)
            if count > limit:
                raise RequestHeaderFieldsTooLarge(
                    f"The request has {count} header fields. At most {limit} are accepted."
                )
        limit = self.max_url_length
        if limit is not None:
            query = environ.get("QUERY_STRING", "")
            length = len(environ.get("SCRIPT_NAME", "")) + len(environ.get("PATH_INFO", ""))
            length += len(query) + bool(query)
            if length > limit:
                raise RequestURITooLarge(
                    f"The URL has {length} characters. At most {limit} are accepted."
                )

    def limits_json(self, endpoint: str | None, _rule: Rule | None) -> bool:
        """Whether JSON for an endpoint is limited: not if `body_limit` says how long it may be."""
        self._read_settings()
        view = self._app.view_functions.get(endpoint or "")
        return self.max_json_size is not None and not hasattr(view, "body_limit_bytes")

    def check_json(self, request: t.Any) -> None:
        """Raise 413 for JSON or MessagePack that is announced to be too long.

        Of what is not announced, no more can be read.
        """
        limit = self.max_json_size
        if limit is None or not (request.is_json or "msgpack" in request.mimetype):
            return
        length = request.content_length
        if length is None:
            most = request.max_content_length
            request.max_content_length = limit if most is None else min(most, limit)
        elif length > limit:
            security_log.info(
                "413 for %r: %d bytes of JSON are more than MAX_JSON_SIZE, %d. @body_limit lets one"
                " view take more.",
                request.path,
                length,
                limit,
            )
            raise RequestEntityTooLarge(f"The JSON is longer than {limit} bytes.")

    def _read_settings(self) -> None:
        epoch = self._app._epoch.value
        if epoch == self._epoch:
            return
        found = {name: read_limit(self._app, name) for name in LOWEST}
        self.max_headers = found["MAX_HEADERS"]
        self.max_url_length = found["MAX_URL_LENGTH"]
        self.max_json_size = found["MAX_JSON_SIZE"]
        self._few = _NEVER if self.max_headers is None else self.max_headers
        # A prefix and the question mark count too.
        self._short = _NEVER if self.max_url_length is None else max(0, self.max_url_length // 2)
        self._epoch = epoch


def _is_json(environ: WSGIEnvironment) -> bool:
    kind: str = environ.get("CONTENT_TYPE", "").lower()
    return "json" in kind or "msgpack" in kind


def _count_fields(environ: WSGIEnvironment) -> int:
    """Return how many header fields a request has; under ASGI each repetition counts.

    A server for WSGI has joined the repetitions, and has its own limits for them.
    """
    scope = environ.get("asgi.scope")
    if scope is not None:
        return len(scope["headers"])
    count = sum(name.startswith("HTTP_") for name in environ)
    return count + ("CONTENT_TYPE" in environ) + ("CONTENT_LENGTH" in environ)


def exemptions(app: App) -> t.Iterator[Exemption]:
    """Yield the views whose bodies may be longer than those of the application, for an audit."""
    limit = app.config["MAX_CONTENT_LENGTH"]
    for endpoint, view in app.view_functions.items():
        own = getattr(view, "body_limit_bytes", limit)
        if limit is not None and (own is None or own > limit):
            origin = getattr(view, "body_limit_origin", "")
            yield Exemption("limits", endpoint, f"body_limit({own})", origin)


def read_limit(app: App, name: str) -> int | None:
    """Return a limit of the configuration; raises `ValueError` if it is none."""
    value = app.config.get(name)
    if value is None:
        return None
    lowest = LOWEST[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise ValueError(
            f"{name} is {value!r}, but it has to be a whole number from {lowest} on, or None for"
            " no limit."
        )
    if name == "MAX_JSON_DEPTH" and value > DEEPEST:
        raise ValueError(
            f"MAX_JSON_DEPTH is {value}, but deeper than {DEEPEST} levels is never read. Set it to"
            " less, or to None."
        )
    return value


def install(app: App) -> None:
    """Look at the header fields and the URL of each request of an application.

    A request with too many header fields gets a 431, one with too long a URL a 414, and one with
    too much JSON a 413.
    """
    security = security_of(app)
    if security.limits is None:
        limits = security.limits = Limits(app)
        security.collectors.append(exemptions)
        security.checks.append(
            Check(
                "limits",
                limits.applies_to,
                limits.check,
                safe_methods=True,
                concerns=limits.concerns,
            )
        )
        security.checks.append(
            Check(
                "limits",
                limits.limits_json,
                limits.check_json,
                safe_methods=True,
                concerns=_is_json,
            )
        )
