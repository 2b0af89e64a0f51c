"""Write one line per request, as the server's log configuration asks for it."""

from __future__ import annotations

import logging
import typing as t
from urllib.parse import quote

ACCESS_FORMAT = "%(addr)s %(method)s %(path)s %(query_string)s %(protocol)s %(status)d %(dt_ms)f"
"""What the server is to collect; `AccessFormatter` decides how it looks."""

LOG_CONFIG: dict[str, t.Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "server": {"format": " * %(message)s"},
        "access": {"()": "costrel.serve.accesslog.AccessFormatter"},
    },
    "handlers": {
        "server": {
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
        "_granian": {"handlers": ["server"], "level": "WARNING", "propagate": False},
        "granian.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}
"""Logging of the server's processes: trouble to stderr, requests to stdout."""


class AccessFormatter(logging.Formatter):
    """Format a request as address, time, request line, status, duration.

    ``127.0.0.1 [2026-01-31 12:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 0.4 ms``
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; fall back to the plain message of other records.

        SECURITY(log-injection): the path arrives percent-decoded, so a client may
        have put line breaks or terminal codes into it. It is encoded again.
        """
        seen = record.args
        if not isinstance(seen, t.Mapping) or "path" not in seen:
            return super().format(record)
        target = quote(str(seen["path"]).encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~-._")
        query = quote(str(seen["query_string"] or ""), safe="/:@!$&'()*+,;=~-._?%[]")
        if query:
            target = f"{target}?{query}"
        method = quote(str(seen["method"]))
        return (
            f'{seen["addr"]} [{seen["time"]}] "{method} {target} {seen["protocol"]}"'
            f" {seen['status']} {seen['dt_ms']:.1f} ms"
        )
