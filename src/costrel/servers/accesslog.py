"""Log one line per request, and configure the logging of the server processes."""

from __future__ import annotations

import asyncio
import logging
import time
import typing as t
from functools import cached_property
from urllib.parse import quote

from ..dispatch.proxies import believed_proxies
from ..logging.escaping import escape
from ..logging.formats import JSONFormatter, dump, rfc3339
from ..logging.requestids import KEY, id_in
from ..serve.proxies import behind
from ..serve.scope import ADDED, Message, Receive, Scope, Send, make_environ

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from werkzeug.middleware.proxy_fix import ProxyFix

    from ..registration.application import App

_FORMAT = "%(addr)s %(method)s %(path)s %(query_string)s %(protocol)s %(status)d %(dt_ms)f"
"""What is noted of a request, for handlers that know no better; `AccessFormatter` lays it out."""

LOG_CONFIG: dict[str, t.Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "server": {"()": "costrel.servers.accesslog.ServerFormatter"},
        "access": {"()": "costrel.servers.accesslog.AccessFormatter"},
    },
    "filters": {"without_cuts": {"()": "costrel.servers.accesslog.WithoutCuts"}},
    "handlers": {
        "server": {
            "filters": ["without_cuts"],
            "class": "logging.StreamHandler",
            "formatter": "server",
            "stream": "ext://sys.stderr",
        },
        "access": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "costrel.run": {"handlers": ["server"], "level": "INFO", "propagate": False},
        "_granian": {"handlers": ["server"], "level": "WARNING", "propagate": False},
        "costrel.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["server"], "level": "WARNING", "propagate": False},
    },
}
"""Logging of the server processes: messages to stderr, requests to stdout."""


class ServerFormatter(logging.Formatter):
    """Format what a server process says of itself as a line for people, or as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if _json:
            return _json[0].format(record)
        return f" * {super().format(record)}"


class AccessFormatter(logging.Formatter):
    """Format a request as address, time, request line, status, duration and id.

    ``127.0.0.1 [2026-01-31 12:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 0.4 ms``

    The address is the client's, behind proxies that are trusted. The id of the request follows: see
    `costrel.logging.request_id`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; for any other record, return its plain message."""
        if _json:
            return _json[0].format(record)
        seen: t.Any = record.args
        if not isinstance(seen, t.Mapping) or "path" not in seen:
            return super().format(record)
        method, target = _request_line(seen)
        line = (
            f'{seen["addr"]} [{seen["time"]}] "{method} {target} {seen["protocol"]}"'
            f" {seen['status']} {seen['dt_ms']:.1f} ms"
        )
        return escape(f"{line} {seen['request_id']}")


def _request_line(seen: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the method and the target of a request, without what could break the line.

    SECURITY(log-injection): the path arrives percent-decoded, so it may contain
    line breaks or terminal codes sent by a client. It is encoded again.
    """
    target = quote(_path_bytes(seen), safe="/:@!$&'()*+,;=~-._")
    query = _query_of(seen)
    return quote(str(seen["method"])), f"{target}?{query}" if query else target


def _path_bytes(seen: t.Mapping[str, t.Any]) -> bytes:
    return str(seen["path"]).encode("latin-1", "replace")


def _query_of(seen: t.Mapping[str, t.Any]) -> str:
    return quote(str(seen["query_string"]), safe="/:@!$&'()*+,;=~-._?%[]")


class JSONAccessFormatter(JSONFormatter):
    """Format a request as one line of JSON, as `JSONFormatter` does other records.

    Its members besides ``time``, ``level``, ``logger`` and ``message`` are ``client``,
    ``method``, ``path`` (decoded, as in other lines), ``query`` (as it came, without the ``?``),
    ``status``, ``duration_ms`` and ``request_id``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        seen: t.Any = record.args
        if not isinstance(seen, t.Mapping) or "path" not in seen:
            return super().format(record)
        method, target = _request_line(seen)
        members: dict[str, t.Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": f"{method} {target} {seen['status']}",
            "client": seen["addr"],
            "method": method,
            "path": _path_bytes(seen).decode("utf-8", "replace"),
            "query": _query_of(seen),
            "status": seen["status"],
            "duration_ms": round(t.cast("float", seen["dt_ms"]), 1),
            "request_id": seen["request_id"],
        }
        return dump(members)


_json: list[logging.Formatter] = []
"""The formatter of all lines in place of the others; empty if they are for people.

COMPAT(Granian): a worker configures logging again, so handlers would not keep it.
"""


def write_json() -> None:
    """Have this server process write its own lines as JSON too."""
    _json[:] = [JSONAccessFormatter()]


_log = logging.getLogger("costrel.access")


class AccessLog:
    """ASGI middleware that logs one line per request.

    Args:
        asgi: What answers.
        app: The application, which says what proxies are trusted.
    """

    def __init__(self, asgi: t.Any, app: App) -> None:
        self._asgi = asgi
        self._app = app

    @cached_property
    def _proxies(self) -> tuple[ProxyFix, ...]:
        return believed_proxies(self._app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket, and log it when it ends."""
        if scope["type"] == "lifespan":
            await self._asgi(scope, receive, send)
            return
        status = 500 if scope["type"] == "http" else 403
        began = time.time()
        shown = behind(self._proxies, scope) if self._proxies else scope
        # The application makes its environ later, and is to find the id there.
        id_ = id_in(make_environ({**shown, "raw_path": b""}, None), self._app)
        inner = {**scope, ADDED: {**scope.get(ADDED, {}), KEY: id_}}

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._asgi(inner, receive, send_noting)
        finally:
            _note(
                began,
                status,
                addr=(shown.get("client") or ("-",))[0],
                method=scope.get("method", "GET"),
                path=scope["path"].encode("utf-8", "surrogatepass").decode("latin-1"),
                query_string=scope.get("query_string", b"").decode("latin-1"),
                protocol=f"HTTP/{scope.get('http_version', '1.1')}",
                request_id=id_,
            )


def logging_requests(wsgi: WSGIApplication, app: App) -> WSGIApplication:
    """Wrap a WSGI application in what logs one line per request, when the response begins."""

    def respond(environ: WSGIEnvironment, start_response: t.Any) -> t.Iterable[bytes]:
        began = time.time()
        status = "500"
        # Noted now: middleware changes the path.
        asked = {
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            "query_string": environ.get("QUERY_STRING", ""),
            "protocol": environ["SERVER_PROTOCOL"],
        }

        def start_noting(line: str, *fields_and_error: t.Any) -> t.Any:
            nonlocal status
            status = line
            return start_response(line, *fields_and_error)

        try:
            return wsgi(environ, start_noting)
        finally:
            # Trusted proxies have been believed in the meantime, and the id may have been made.
            _note(
                began,
                int(status[:3]),
                **asked,
                addr=environ.get("REMOTE_ADDR") or "-",
                request_id=id_in(environ, app),
            )

    return respond


def _note(began: float, status: int, **seen: str) -> None:
    now = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(began))
    facts = {**seen, "time": now, "status": status, "dt_ms": (time.time() - began) * 1000}
    _log.info(_FORMAT, facts)


class WithoutCuts(logging.Filter):
    """Drops the traceback of each request that is cut off when the server stops."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record."""
        if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
            return False
        # COMPAT(Granian): its message has the traceback as text.
        last_line = record.getMessage().rstrip().rpartition("\n")[2]
        return not last_line.startswith("CancelledError:")
