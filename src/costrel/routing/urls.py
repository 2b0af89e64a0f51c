"""Bind the map of rules to a host, and build URLs with it."""

from __future__ import annotations

import re
import typing as t
from types import FunctionType
from urllib.parse import quote

from werkzeug.exceptions import BadHost
from werkzeug.routing import BuildError
from werkzeug.wsgi import get_host

from ..ground.current import app_view, context, request_view
from ..ground.shortways import builds_as_imported

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import MapAdapter

    from ..registration.application import App
    from ..wrappers import Request


# COMPAT(Flask): Werkzeug warns the calling module when a host is not one of
# SERVER_NAME's, and applications silence that by the module's name, "flask.app".
_bind_to_environ: t.Callable[..., MapAdapter] = FunctionType(
    (lambda url_map, *args: url_map.bind_to_environ(*args)).__code__, {"__name__": "flask.app"}
)


# SPEC(RFC 9112 §3.2, RFC 3986 §3.2.2): the characters of a host and its port. An
# underscore is among them, so that `my_service:5000` is served as Werkzeug has it. A
# comma is not, for it joins the values of two Host headers.
_host = re.compile(
    r"(?:\[[0-9A-Za-z:.%~_-]*\]|[0-9A-Za-z._~!$&'()*+;=%-]*)(?::[0-9]*)?", re.ASCII
).fullmatch


def create_url_adapter(app: App, request: Request | None) -> MapAdapter | None:
    """Bind the map to a request's host, or to ``SERVER_NAME`` without a request.

    Returns None without both. Raises `werkzeug.exceptions.SecurityError` (400) for
    a host that ``TRUSTED_HOSTS`` does not list, `BadHost` (400) for a malformed one.
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

    trusted_hosts = app.config["TRUSTED_HOSTS"]
    if trusted_hosts is not None:
        request.trusted_hosts = trusted_hosts
    # A refused host is no host: an error page may ask for the URL without an error.
    vars(request)["host"] = ""
    received = request._received
    _check_host(received.get("HTTP_HOST", ""))
    # SECURITY: raises before anything is matched for a host that is not trusted.
    host = get_host(received, request.trusted_hosts)
    if not host:
        # SPEC(PEP 3333, RFC 9110 §4.2.1): without a name from the client it is the server's,
        # for no URL may have an empty one.
        host = _host_of_server(received)
        received = {**received, "HTTP_HOST": host}
    vars(request)["host"] = host

    subdomain = None
    if app.url_map.host_matching:
        # The map would match SERVER_NAME in place of the request's host.
        server_name = None
    elif not app.subdomain_matching:
        # Any host is served, as if it were the one without a subdomain.
        subdomain = app.url_map.default_subdomain or ""
    return _bind_to_environ(app.url_map, received, server_name, subdomain)


def _host_of_server(environ: WSGIEnvironment) -> str:
    """Return the name that a server has by itself; it has none on a Unix socket."""
    environ = {key: value for key, value in environ.items() if key != "HTTP_HOST"}
    return get_host(environ) or "localhost"


def _check_host(host: str) -> None:
    """Raise `BadHost` (400) for a host that could not be one.

    SECURITY(CVE-2026-48710): a path or a query in it must not end up in a URL.
    """
    if _host(host):
        return
    try:
        # Not by the standard, but Werkzeug understands names that IDNA encodes.
        if host.isascii() or len(host) > 255 or not _host(host.encode("idna").decode("ascii")):
            raise BadHost
    except UnicodeError as error:
        raise BadHost from error


def build_plainly(app: App, endpoint: str, values: dict[str, t.Any]) -> str | None:
    """Build a path for an endpoint of one plain rule; None if that can't be.

    PERF(page): what the URL adapter builds, without making one and without asking
    for domains, methods and further rules, where there are none; 0.7 us instead of 8 us.
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
    """Return what plain paths begin with; None if rules and adapters were changed meanwhile.

    Asked once in a request, which is soon enough: Werkzeug's classes tell nobody.
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
    """Build with the URL adapter of the request, or of the application."""
    adapter: MapAdapter | None
    ctx = request_view.get(None)
    if ctx is not None:
        # The page that tells about a refused host may still link within the site.
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
            f"url_for({endpoint!r}) can't know the host and scheme: no request is active. Set"
            " SERVER_NAME (and PREFERRED_URL_SCHEME, APPLICATION_ROOT) in the configuration, or"
            " call it during a request."
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
