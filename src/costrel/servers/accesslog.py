"""Log one line per request, and configure the logging of the server processes."""

from __future__ import annotations

import asyncio
import logging
import time
import typing as t
from urllib.parse import quote

from ..logging.escaping import escape
from ..logging.formats import JSONFormatter, dump, rfc3339
from ..logging.requestids import HEADER
from ..serve.scope import Message, Receive, Scope, Send

ACCESS_FORMAT = "%(addr)s %(method)s %(path)s %(query_string)s %(protocol)s %(status)d %(dt_ms)f"
"""The fields that the server collects; `AccessFormatter` lays them out."""

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
        "granian.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
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

    The id of the request follows if the response has one: see `costrel.logging.request_id`.
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
        id_ = seen.get("request_id")
        return escape(f"{line} {id_}" if id_ else line)


def _request_line(seen: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the method and the target of a request, without what could break the line.

    SECURITY(log-injection): the path arrives percent-decoded, so it may contain
    line breaks or terminal codes sent by a client. It is encoded again.
    """
    target = quote(str(seen["path"]).encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~-._")
    query = quote(str(seen["query_string"] or ""), safe="/:@!$&'()*+,;=~-._?%[]")
    return quote(str(seen["method"])), f"{target}?{query}" if query else target


class JSONAccessFormatter(JSONFormatter):
    """Format a request as one line of JSON, as `JSONFormatter` does other records.

    Its members besides ``time``, ``level``, ``logger`` and ``message`` are ``client``,
    ``method``, ``path`` (with the query), ``status``, ``duration_ms`` and ``request_id``.
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
            "path": target,
            "status": seen["status"],
            "duration_ms": round(t.cast("float", seen["dt_ms"]), 1),
        }
        if seen.get("request_id"):
            members["request_id"] = seen["request_id"]
        return dump(members)


_json: list[logging.Formatter] = []
"""The formatter of all lines in place of the others; empty if they are for people.

COMPAT(Granian): a worker configures logging again, so handlers would not keep it.
"""


def write_json() -> None:
    """Have this server process write its own lines as JSON too."""
    _json[:] = [JSONAccessFormatter()]


class AccessLog:
    """ASGI middleware that logs one line per request."""

    def __init__(self, asgi: t.Any) -> None:
        self.asgi = asgi
        self._log = logging.getLogger("granian.access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket, and log it when it ends."""
        if scope["type"] == "lifespan":
            await self.asgi(scope, receive, send)
            return
        status = 500 if scope["type"] == "http" else 403
        began = time.time()
        id_: str | None = None

        async def send_noting(message: Message) -> None:
            nonlocal status, id_
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                id_ = _id_among(message.get("headers", ()))
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.asgi(scope, receive, send_noting)
        finally:
            seen = _seen(scope, status, began)
            if id_ is not None:
                seen["request_id"] = id_
            self._log.info(ACCESS_FORMAT, seen)


_ID_FIELD = HEADER.lower().encode()


def _id_among(fields: t.Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id of a request from the header fields of its response; None if it has none."""
    for name, value in fields:
        if name.lower() == _ID_FIELD:
            return value.decode("latin-1")
    return None


def _seen(scope: Scope, status: int, began: float) -> dict[str, t.Any]:
    """Return the same fields of a request as Granian collects."""
    return {
        "addr": (scope.get("client") or ("-",))[0],
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(began)),
        "method": scope.get("method", "GET"),
        "path": scope["path"].encode("utf-8", "surrogatepass").decode("latin-1"),
        "query_string": scope.get("query_string", b"").decode("latin-1"),
        "protocol": f"HTTP/{scope.get('http_version', '1.1')}",
        "status": status,
        "dt_ms": (time.time() - began) * 1000,
    }


class WithoutCuts(logging.Filter):
    """Drops the traceback of each request that is cut off when the server stops."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record."""
        if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
            return False
        # COMPAT(Granian): its message has the traceback as text.
        last_line = record.getMessage().rstrip().rpartition("\n")[2]
        return not last_line.startswith("CancelledError:")
