"""Apply ``ProxyFix`` to ASGI scopes: what a proxy in front has forwarded."""

from __future__ import annotations

import typing as t

from .scope import ADDED, Scope, make_environ, split_path, variable_of

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.middleware.proxy_fix import ProxyFix

_FORWARDED = frozenset(
    b"host x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port"
    b" x-forwarded-prefix".split()
)
_ORIGINAL = "werkzeug.proxy_fix.orig"


def behind(proxies: t.Iterable[ProxyFix], scope: Scope) -> Scope:
    """Return the scope as seen behind the proxies; unchanged if they forwarded nothing.

    `werkzeug.middleware.proxy_fix.ProxyFix` itself decides which fields to trust, as under
    WSGI.
    """
    fields = [field for field in scope["headers"] if field[0] in _FORWARDED]
    if all(name == b"host" for name, _value in fields):
        return scope
    environ = make_environ({**scope, "headers": fields, "raw_path": b""}, None)
    for proxy in proxies:
        type(proxy).__call__(t.cast("t.Any", _EnvironOnly(proxy)), environ, t.cast("t.Any", None))
    return _adapt(scope, environ)


class _EnvironOnly:
    """Stand in for a ``ProxyFix``, to change an environ without calling an application."""

    def __init__(self, proxy: ProxyFix) -> None:
        self._proxy = proxy

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._proxy, name)

    @staticmethod
    def app(_environ: WSGIEnvironment, _start_response: t.Any) -> tuple[bytes, ...]:
        return ()


def _adapt(scope: Scope, environ: WSGIEnvironment) -> Scope:
    """Return a copy of the scope, with the connection's details from an environ."""
    headers = [field for field in scope["headers"] if _is_kept(field[0], environ)]
    if "HTTP_HOST" in environ:
        headers.append((b"host", environ["HTTP_HOST"].encode("latin-1")))
    scheme = environ["wsgi.url_scheme"]
    if scope["type"] == "websocket":
        scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    client = scope.get("client")
    if "REMOTE_ADDR" in environ and (not client or client[0] != environ["REMOTE_ADDR"]):
        client = (environ["REMOTE_ADDR"], client[1] if client else 0)
    root = environ["SCRIPT_NAME"].encode("latin-1").decode(errors="surrogateescape")
    _given_root, path = split_path(scope)
    return {
        **scope,
        "headers": headers,
        "scheme": scheme,
        "client": client,
        "server": (environ["SERVER_NAME"], environ["SERVER_PORT"]),
        "root_path": root,
        "path": root.rstrip("/") + path,
        ADDED: {
            **scope.get(ADDED, {}),
            **({_ORIGINAL: environ[_ORIGINAL]} if _ORIGINAL in environ else {}),
        },
    }


def _is_kept(name: bytes, environ: WSGIEnvironment) -> bool:
    """Return whether a field stays; those that nobody believes have been removed."""
    if name == b"host":
        return False
    return name not in _FORWARDED or variable_of(name) in environ
