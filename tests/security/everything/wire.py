"""A request as a server has read it, and how WSGI and ASGI pass it on."""

from __future__ import annotations

import io
import typing as t
from urllib.parse import unquote, unquote_to_bytes


class Sent(t.NamedTuple):
    """One request."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    #: The body, in the pieces in which it arrives; None for no body.
    body: tuple[bytes, ...] | None = None
    is_chunked: bool = False
    #: The address that it came from; None for a Unix socket.
    peer: str | None = "198.51.100.9"
    scheme: str = "http"
    #: Whether it brings the cookies that earlier answers have set.
    keeps_cookies: bool = True

    def all_fields(self, jar: dict[str, str]) -> list[tuple[str, str]]:
        """Return the header fields, with those of the body and the cookies of a browser."""
        fields = [*self.fields]
        if self.keeps_cookies and jar:
            kept = "; ".join(f"{name}={value}" for name, value in jar.items())
            fields.append(("Cookie", kept))
        if self.body is not None:
            length = str(sum(map(len, self.body)))
            known = (
                ("Transfer-Encoding", "chunked") if self.is_chunked else ("Content-Length", length)
            )
            fields.append(known)
        return fields


class Answer(t.NamedTuple):
    """What came back."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes


def environ_of(sent: Sent, jar: dict[str, str]) -> dict[str, t.Any]:
    """Return the environ that a careful server would make."""
    path, _, query = sent.target.partition("?")
    environ: dict[str, t.Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": sent.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": sent.peer or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": sent.scheme,
        "wsgi.input": io.BytesIO(b"".join(sent.body or ())),
        "wsgi.errors": io.StringIO(),
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in sent.all_fields(jar):
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        by = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{by}{value}" if key in environ else value
    return environ


def scope_of(sent: Sent, jar: dict[str, str]) -> dict[str, t.Any]:
    """Return the scope that uvicorn would make."""
    path, _, query = sent.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": sent.scheme,
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in sent.all_fields(jar)
        ],
        "client": (sent.peer, 5000) if sent.peer else None,
        "server": ("127.0.0.1", 8000),
    }
