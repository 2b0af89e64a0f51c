"""Raw requests and answers as sent through a pipe, with bytes written as Latin-1 text."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import unquote, unquote_to_bytes


class Raw(t.NamedTuple):
    """One request as a server has read it."""

    app: str
    method: str
    #: Path and query as they were sent; the path is visible ASCII.
    target: str
    fields: tuple[tuple[str, str], ...] = ()
    #: The body, in the pieces in which it arrives; None for no body.
    body: tuple[str, ...] | None = None
    is_chunked: bool = False
    #: Where the server has mounted the application.
    root: str = ""

    @property
    def path(self) -> str:
        """The path, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, percent-encoded."""
        return self.target.partition("?")[2]

    @property
    def content(self) -> bytes:
        """The whole body."""
        return "".join(self.body or ()).encode("latin-1")

    def sent_fields(self) -> list[tuple[str, str]]:
        """Return all header fields, including those about the body."""
        if self.body is None:
            return [*self.fields]
        if self.is_chunked:
            return [*self.fields, ("Transfer-Encoding", "chunked")]
        return [*self.fields, ("Content-Length", str(len(self.content)))]

    def field(self, name: str) -> str:
        """Return the values of a header field, or nothing."""
        return ",".join(value for key, value in self.fields if key.lower() == name)


class Answer(t.NamedTuple):
    """The answer to one request, and what it left behind."""

    #: The status line; over ASGI, the number.
    status: str
    fields: list[tuple[str, str]]
    body: str
    #: The error raised to the server.
    raised: str | None
    #: Whether a context was current afterwards.
    is_context_left: bool
    #: How often the application's teardown function ran.
    teardowns: int

    @property
    def code(self) -> int:
        """The status as a number; 0 if nothing was sent."""
        return int(self.status[:3] or 0)


def environ_of(raw: Raw) -> dict[str, t.Any]:
    """Return the environ of a request without its streams, as a careful server would."""
    environ: dict[str, t.Any] = {
        "REQUEST_METHOD": raw.method,
        "SCRIPT_NAME": raw.root,
        "PATH_INFO": unquote_to_bytes(raw.path).decode("latin-1"),
        "QUERY_STRING": raw.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in raw.sent_fields():
        if "_" in name:
            # It cannot be distinguished from one with a dash.
            continue
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        by = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{by}{value}" if key in environ else value
    return environ


def scope_of(raw: Raw) -> dict[str, t.Any]:
    """Return the scope of a request, as uvicorn creates it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": raw.method,
        "scheme": "http",
        "path": raw.root + unquote(raw.path),
        "raw_path": (raw.root + raw.path).encode(),
        "root_path": raw.root,
        "query_string": raw.query.encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in raw.sent_fields()
        ],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
    }


def line_of(message: Raw | Answer) -> bytes:
    """Write a message as one line."""
    return json.dumps(message).encode() + b"\n"


def raw_of(line: bytes) -> Raw:
    """Read a request."""
    app, method, target, fields, body, *rest = json.loads(line)
    pieces = None if body is None else tuple(body)
    return Raw(app, method, target, tuple((name, value) for name, value in fields), pieces, *rest)


def answer_of(line: bytes) -> Answer:
    """Read an answer."""
    status, fields, *rest = json.loads(line)
    return Answer(status, [(name, value) for name, value in fields], *rest)
