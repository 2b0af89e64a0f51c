"""Make a WSGI environ from an ASGI scope, so that requests are read the same way under both."""

from __future__ import annotations

import sys
import typing as t
from urllib.parse import unquote_to_bytes

from ..ground.current import WITHIN

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Scope = t.MutableMapping[str, t.Any]
Message = t.MutableMapping[str, t.Any]
Receive = t.Callable[[], t.Awaitable[Message]]
Send = t.Callable[[Message], t.Awaitable[None]]

ENVIRON = "costrel.environ"
"""The scope extension whose items are added to the environ; for tests."""

ADDED = "costrel.added"
"""The scope key whose items are added to the environ; set when a scope is made from another."""


def variable_of(name: bytes) -> str:
    """Return the environ variable for a header field."""
    if name in {b"content-type", b"content-length"}:
        return name.decode().upper().replace("-", "_")
    return "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


# PERF(echo): the usual header fields; looking them up takes a third of the time.
VARIABLES = {
    name.encode(): variable_of(name.encode())
    for name in (
        "accept accept-encoding accept-language authorization cache-control connection"
        " content-length content-type cookie host if-modified-since if-none-match origin pragma"
        " priority referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest"
        " sec-fetch-mode sec-fetch-site sec-fetch-user transfer-encoding upgrade"
        " upgrade-insecure-requests user-agent x-forwarded-for x-forwarded-host"
        " x-forwarded-proto x-request-id"
    ).split()
}

# Variables that are the same for every request.
_COMMON: WSGIEnvironment = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


HANDSHAKE = {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}
"""What Werkzeug recognizes a WebSocket by; over HTTP/2 these fields are not sent."""


def split_path(scope: Scope) -> tuple[str, str]:
    """Return the path that the application is mounted at, and the path below it.

    SPEC(ASGI HTTP): newer servers include ``root_path`` in ``path``, older ones do not.
    """
    # Without a trailing slash, as in PEP 3333: the path begins with the slash.
    root = (scope.get("root_path") or "").rstrip("/")
    path = scope["path"]
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return root, path


def _script_name(scope: Scope) -> str:
    root, _path = split_path(scope)
    # A prefix that a proxy forwards may be any bytes: see `serve/proxies.py`.
    return root.encode(errors="surrogateescape").decode("latin-1")


def _path_info(scope: Scope) -> str:
    root, path = split_path(scope)
    return path if path.isascii() else _encode_path(scope, root, path)


def _server_name(scope: Scope) -> str:
    server = scope.get("server")
    return server[0] if server else "localhost"


def _server_port(scope: Scope) -> str:
    server = scope.get("server")
    return "80" if not server or server[1] is None else str(server[1])


def _url_scheme(scope: Scope) -> str:
    scheme: str = scope.get("scheme") or "http"
    if scope["type"] == "websocket":
        return {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return scheme


MADE_OF_SCOPE: dict[str, t.Callable[[Scope], str]] = {
    "REQUEST_METHOD": lambda scope: scope.get("method", "GET"),
    "SCRIPT_NAME": _script_name,
    "PATH_INFO": _path_info,
    "QUERY_STRING": lambda scope: scope.get("query_string", b"").decode("latin-1"),
    "SERVER_NAME": _server_name,
    "SERVER_PORT": _server_port,
    "wsgi.url_scheme": _url_scheme,
}
"""The variables that routing and URL building need from every request, except the host."""


def make_environ(scope: Scope, body: t.Any) -> WSGIEnvironment:
    """Return the environ (PEP 3333) of a request or of a WebSocket's handshake.

    Text is represented as in WSGI: bytes decoded as Latin-1. Repeated header fields are
    joined. Fields with an underscore in their name are left out: as variables they would
    look the same as those with a dash, which a proxy in front may have set.
    """
    environ = _COMMON.copy()
    for variable, make in MADE_OF_SCOPE.items():
        environ[variable] = make(scope)
    query = environ["QUERY_STRING"]
    environ["wsgi.input"] = body
    environ["wsgi.errors"] = sys.stderr
    environ["asgi.scope"] = scope
    version = scope.get("http_version", "1.1")
    if version != "1.1":
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
    raw_path = scope.get("raw_path")
    if raw_path:
        raw = raw_path.decode("latin-1").partition("?")[0]
        environ["REQUEST_URI"] = environ["RAW_URI"] = f"{raw}?{query}" if query else raw
    client = scope.get("client")
    if client:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    _add_fields(environ, scope["headers"])
    if scope["type"] == "websocket":
        environ.update(HANDSHAKE)
    if WITHIN in scope:
        environ[WITHIN] = scope[WITHIN]
    if ADDED in scope:
        environ.update(scope[ADDED])
    added = (scope.get("extensions") or {}).get(ENVIRON)
    if added:
        environ.update(added)
    return environ


def _add_fields(environ: WSGIEnvironment, fields: t.Iterable[tuple[bytes, bytes]]) -> None:
    # SECURITY(denial of service): joined at the end, since adding to a text again and again
    # copies it each time.
    repeated: dict[str, list[str]] = {}
    for name, value in fields:
        key = VARIABLES.get(name)
        if key is None:
            if b"_" in name:
                continue
            key = variable_of(name)
        text = value.decode("latin-1")
        if key not in environ:
            environ[key] = text
        elif key in repeated:
            repeated[key].append(text)
        else:
            repeated[key] = [environ[key], text]
    for key, texts in repeated.items():
        # SPEC(RFC 9110 §5.3, RFC 9113 §8.2.3): cookies are joined with a semicolon.
        environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(texts)


def _encode_path(scope: Scope, root: str, path: str) -> str:
    """Return a path as in WSGI: its bytes, decoded as Latin-1."""
    if "\ufffd" in path and not root and scope.get("raw_path"):
        # The decoded path has lost the bytes that are not valid UTF-8.
        return unquote_to_bytes(scope["raw_path"].partition(b"?")[0]).decode("latin-1")
    return path.encode("utf-8", "surrogatepass").decode("latin-1")
