"""Bind the URL map to a host, and build URLs."""

from __future__ import annotations

import re
import typing as t
from types import FunctionType
from urllib.parse import quote

from werkzeug.exceptions import BadHost, SecurityError
from werkzeug.routing import BuildError
from werkzeug.wsgi import get_host

from ..ground.current import app_view, context, request_view
from ..ground.shortways import builds_as_imported
from .listedhosts import checks_hosts, lists_address
from .unlisted import check_missing, check_unlisted, listed_hosts, tell_refused

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import MapAdapter

    from ..registration.application import App
    from ..wrappers import Request


# COMPAT(Flask): if a host doesn't match SERVER_NAME, Werkzeug issues a warning for the calling
# module; applications filter that warning by Flask's module name, "flask.app".
_bind_to_environ: t.Callable[..., MapAdapter] = FunctionType(
    (lambda url_map, *args: url_map.bind_to_environ(*args)).__code__, {"__name__": "flask.app"}
)


# SPEC(RFC 9112 §3.2, RFC 3986 §3.2.2): the characters of a host and its port. An underscore
# is allowed, so that `my_service:5000` works as in Werkzeug. A comma is not, because it joins
# the values of two Host headers.
_host = re.compile(
    r"(?:\[[0-9A-Za-z:.%~_-]*\]|[0-9A-Za-z._~!$&'()*+;=%-]*)(?::[0-9]*)?", re.ASCII
).fullmatch


def create_url_adapter(app: App, request: Request | None) -> MapAdapter | None:
    """Bind the URL map to a request's host or, without a request, to ``SERVER_NAME``.

    Returns None if there is neither. Raises `werkzeug.exceptions.SecurityError` (400) for a
    host that ``TRUSTED_HOSTS`` does not list, and `BadHost` (400) for a malformed one. While it is
    not set, on `Costrel`, foreign hosts are refused too: see `check_unlisted`.
    """
    server_name = app.config["SERVER_NAME"]
    if request is None:
        if server_name is None:
            return None
        return app.url_map.bind(
            server_name,
            script_name=app.config["APPLICATION_ROOT"],
            url_scheme=app.config["PREFERRED_URL_SCHEME"],
        )

    trusted_hosts = listed_hosts(app)
    if trusted_hosts is not None:
        request.trusted_hosts = trusted_hosts
    # A refused host becomes an empty one, so that an error page can still use request.url.
    vars(request)["host"] = ""
    received = request._received
    asked = received.get("HTTP_HOST", "")
    _check_host(asked)
    host = _trusted_host(app, request, asked)
    if not host:
        # SPEC(PEP 3333, RFC 9110 §4.2.1): if the client sends no host, use the server's name,
        # because a URL may not have an empty host.
        host = _host_of_server(received)
        received = {**received, "HTTP_HOST": host}
    # SECURITY(DNS rebinding): what the client has sent, also where Werkzeug takes it for none.
    if request.trusted_hosts is None:
        check_unlisted(app, asked or host)
    vars(request)["host"] = host

    subdomain = None
    if app.url_map.host_matching:
        # Otherwise the map would match SERVER_NAME instead of the request's host.
        server_name = None
    elif not app.subdomain_matching:
        # Serve every host as if it had no subdomain.
        subdomain = app.url_map.default_subdomain or ""
    return _bind_to_environ(app.url_map, received, server_name, subdomain)


def _trusted_host(app: App, request: Request, asked: str) -> str:
    """Return the host of a request; raises `SecurityError` (400) for one that is not listed."""
    if not asked:
        check_missing(app, request._received)
    trusted: t.Any = request.trusted_hosts
    if trusted is not None and checks_hosts(app):
        if not trusted:
            # SECURITY(host-header): emptied in place, and Werkzeug takes an empty list for none.
            tell_refused(app, asked)
            raise SecurityError(f"Host {asked!r} is not trusted.")
        if asked.startswith("[") and lists_address(trusted, asked):
            # Werkzeug finds no IPv6 address in a list; it only looks if this is well-formed.
            trusted = None
    # SECURITY: raises before anything is matched for a host that is not trusted.
    try:
        return get_host(request._received, trusted)
    except SecurityError:
        tell_refused(app, asked)
        raise


def _host_of_server(environ: WSGIEnvironment) -> str:
    """Return the server's own name; ``localhost`` if it has none, as on a Unix socket."""
    environ = {key: value for key, value in environ.items() if key != "HTTP_HOST"}
    return get_host(environ) or "localhost"


def _check_host(host: str) -> None:
    """Raise `BadHost` (400) for a malformed host.

    SECURITY(CVE-2026-48710): a path or a query in the host must not end up in a URL.
    """
    if _host(host):
        return
    try:
        # Not in the standard, but Werkzeug accepts names that IDNA can encode.
        if host.isascii() or len(host) > 255 or not _host(host.encode("idna").decode("ascii")):
            raise BadHost
    except UnicodeError as error:
        raise BadHost from error


def build_plainly(app: App, endpoint: str, values: dict[str, t.Any]) -> str | None:
    """Build the path for an endpoint with a single plain rule; None if that is not possible.

    PERF(page): the same path as the URL adapter's, but without creating an adapter or looking
    at domains, methods, and further rules; 0.7 us instead of 8 us.
    """
    ctx = context.get(None)
    if ctx is None or ctx.plan is None or ctx.app is not app:
        return None
    engine = app._engine
    if engine.epoch != app._epoch.value or app.url_default_functions:
        return None
    path: str | None
    build = engine.builders.get(endpoint)
    if build is None:
        if endpoint[:1] == ".":
            blueprint = ctx.blueprint
            endpoint = endpoint[1:] if blueprint is None else f"{blueprint}{endpoint}"
        build = engine.builder(app, endpoint)
    path = build(values)
    root: str | None = ctx.plain_root
    if root is None:
        root = ctx.plain_root = _plain_root(ctx)
    if path is None or root is None:
        return None
    if not root and path[:2] != "//":
        return path
    if not root.isascii():
        return None
    return f"{root.rstrip('/')}/{path.lstrip('/')}"


def _plain_root(ctx: t.Any) -> str | None:
    """Return the prefix of plain paths; None if Werkzeug's rules or adapters were replaced.

    Checked once for each request, because a replacement on Werkzeug's classes goes unnoticed.
    """
    if not builds_as_imported():
        return None
    request = ctx.__dict__.get("request")
    received = ctx.environ if request is None else request._received
    return received.get("SCRIPT_NAME") or ""


# SPEC(WHATWG URL): the characters of a fragment that need no encoding.
_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"


def url_for(
    app: App,
    endpoint: str,
    *,
    anchor: str | None,
    method: str | None,
    scheme: str | None,
    external: bool | None,
    values: dict[str, t.Any],
) -> str:
    """Build a URL with the URL adapter of the request, or of the application."""
    adapter: MapAdapter | None
    ctx = request_view.get(None)
    if ctx is not None:
        # The error page for a refused host may still link within the site.
        adapter = ctx.url_adapter or app.url_map.bind("", ctx.request._received.get("SCRIPT_NAME"))
        if endpoint.startswith("."):
            blueprint = ctx.request.blueprint
            endpoint = endpoint[1:] if blueprint is None else f"{blueprint}{endpoint}"
        if external is None:
            external = scheme is not None
    else:
        app_context = app_view.get(None)
        adapter = app.create_url_adapter(None) if app_context is None else app_context.url_adapter
        if external is None:
            external = True

    if adapter is None:
        raise RuntimeError(
            f"url_for({endpoint!r}) can't determine the host and scheme, because no request is"
            " active. Set SERVER_NAME (and, if needed, PREFERRED_URL_SCHEME and APPLICATION_ROOT)"
            " in the configuration, or call it during a request."
        )
    if scheme is not None and not external:
        raise ValueError(
            f"_scheme={scheme!r} needs an external URL, but _external=False was passed."
        )

    app.inject_url_defaults(endpoint, values)
    try:
        url: str = adapter.build(
            endpoint, values, method=method, url_scheme=scheme, force_external=external
        )
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        return app.handle_url_build_error(error, endpoint, values)
    return url if anchor is None else f"{url}#{quote(anchor, safe=_ANCHOR_SAFE)}"
