"""Converts WSGI environs to ASGI scopes."""

from __future__ import annotations

import io
import os
import sys
import typing as t
from urllib.parse import quote_from_bytes, unquote_to_bytes

from werkzeug.http import HTTP_STATUS_CODES

from ...ground.current import WITHIN
from ...serve.scope import ENVIRON

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Variables that a scope has in another form, or that only concern WSGI servers.
_SAID_OTHERWISE = frozenset(
    f"{WITHIN} REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING REQUEST_URI RAW_URI CONTENT_TYPE"
    " CONTENT_LENGTH SERVER_NAME SERVER_PORT SERVER_PROTOCOL REMOTE_ADDR REMOTE_PORT"
    " wsgi.version wsgi.url_scheme wsgi.input wsgi.input_terminated wsgi.multithread"
    " wsgi.multiprocess wsgi.run_once werkzeug.request asgi.scope".split()
)


def make_scope(
    environ: WSGIEnvironment, kind: str = "http", state: dict[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """Return the scope of an HTTP request or a WebSocket handshake.

    Variables that no server would set, such as a test's own, go into an extension, from
    which Costrel adds them to the environ.

    Args:
        environ: The WSGI environ, as created by `EnvironBuilder`.
        kind: ``http`` or ``websocket``.
        state: The state that the lifespan has set for the requests.
    """
    root: bytes = environ.get("SCRIPT_NAME", "").encode("latin-1")
    path: bytes = root + environ.get("PATH_INFO", "").encode("latin-1")
    scheme = environ.get("wsgi.url_scheme", "http")
    address = environ.get("REMOTE_ADDR")
    scope: dict[str, t.Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "scheme": {"http": "ws", "https": "wss"}[scheme] if kind == "websocket" else scheme,
        "path": path.decode(errors="replace"),
        "raw_path": _raw_path(environ, root, path),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root.decode(errors="replace"),
        "headers": _fields(environ),
        "server": (environ.get("SERVER_NAME", "localhost"), int(environ.get("SERVER_PORT", 80))),
        "client": (address, int(environ.get("REMOTE_PORT", 50_000))) if address else None,
        "state": dict(state or {}),
        "extensions": {},
    }
    if kind == "http":
        scope["method"] = environ["REQUEST_METHOD"]
    else:
        names = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")
        scope["subprotocols"] = [name.strip() for name in names.split(",") if name.strip()]
        scope["extensions"]["websocket.http.response"] = {}
    if WITHIN in environ:
        scope[WITHIN] = environ[WITHIN]
    added = {
        key: value
        for key, value in environ.items()
        if key not in _SAID_OTHERWISE
        and not key.startswith("HTTP_")
        and (key != "wsgi.errors" or value is not sys.stderr)
    }
    if added:
        scope["extensions"][ENVIRON] = added
    return scope


def _fields(environ: WSGIEnvironment) -> list[tuple[bytes, bytes]]:
    fields = []
    for key, value in environ.items():
        if key.startswith("HTTP_") or (key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value):
            name = key.removeprefix("HTTP_").replace("_", "-").lower()
            fields.append((name.encode("latin-1"), str(value).encode("latin-1")))
    return fields


def _raw_path(environ: WSGIEnvironment, root: bytes, path: bytes) -> bytes:
    """Return the path as given, if a client could send it like that, or else quoted."""
    given: bytes = environ.get("REQUEST_URI", "").encode("latin-1").partition(b"?")[0]
    raw = quote_from_bytes(root).encode() + given
    if raw.isascii() and b" " not in raw and unquote_to_bytes(raw) == path:
        return raw
    return quote_from_bytes(path, "/!$&'()*+,;=:@~").encode()


def read_body(environ: WSGIEnvironment) -> bytes:
    """Return the body of a request; a body of unknown length is marked as chunked."""
    stream = environ["wsgi.input"]
    body: bytes = stream.read()
    # For a redirect that the client follows.
    if stream.seekable():
        stream.seek(-len(body), os.SEEK_CUR)
    else:
        environ["wsgi.input"] = io.BytesIO(body)
    if body and not environ.get("CONTENT_LENGTH"):
        environ.setdefault("HTTP_TRANSFER_ENCODING", "chunked")
    return body


def status_line(status: int) -> str:
    """Return a status code with its phrase."""
    return f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
