"""Make plain formats of others safe for what clients send: those of `logging.basicConfig`.

Some servers call it before the application is loaded, as waitress does. Then there is a handler,
and none of ours is added.
"""

from __future__ import annotations

import copy
import logging
import typing as t

from ..ground.redaction import redact
from .escaping import escape, escape_lines

INDENT = "    "
"""What the lines of a traceback begin with."""

OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "asctime", "has_lines", "message", "method", "path", "request_id", "taskName",
}  # fmt: skip
"""The attributes that every record has, and ours; others were passed as ``extra``."""

_concerned = {"costrel"}
"""The names of loggers whose records are escaped: ours, and those of applications."""


class Escaping(logging.Formatter):
    """A plain format in which the records of applications, and ours, can't forge a line.

    It writes what the formatter that it replaces would, with the message in one line, lines of
    tracebacks indented, and secrets hidden. SECURITY(log-injection, secrets)
    """

    def __init__(self, replaced: logging.Formatter | None) -> None:
        super().__init__()
        vars(self).update(vars(replaced or logging.Formatter()))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the lines of the traceback."""
        return super().format(self._safe(record) if _is_concerned(record.name) else record)

    def _safe(self, record: logging.LogRecord) -> logging.LogRecord:
        # A copy: handlers that send records elsewhere get them as they are.
        safe = copy.copy(record)
        safe.msg, safe.args = message_of(record), ()
        trace = record.exc_text or (record.exc_info and self.formatException(record.exc_info))
        safe.exc_text = indented(trace) if trace else None
        if record.stack_info:
            safe.stack_info = indented(record.stack_info)
        for name, value in vars(record).items():
            if name not in OWN and isinstance(value, str):
                setattr(safe, name, escape(redact(value)))
        return safe


def message_of(record: logging.LogRecord) -> str:
    """Return the message of a record, as one line without secrets."""
    message = redact(record.getMessage())
    # Otherwise written by us, in lines.
    written = getattr(record, "has_lines", False)
    return escape_lines(message, INDENT) if written else escape(message)


def indented(text: str) -> str:
    """Return a traceback, in indented lines and without secrets."""
    return escape_lines(f"\n{redact(text)}", INDENT)[1:]


def _is_concerned(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in _concerned)


def escape_for(app_name: str) -> None:
    """Escape the records of an application, and ours, in the plain formats of others."""
    _concerned.add(app_name)
    for name in (app_name, "costrel"):
        make_safe(logging.getLogger(name))


def make_safe(logger: logging.Logger) -> None:
    """Replace the plain formats of the handlers that take the records of a logger.

    Plain is what is no class of somebody's own, for a handler of the standard library that writes
    text.
    """
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if (
                type(handler.formatter) in _PLAIN
                and isinstance(handler, logging.StreamHandler)
                and type(handler).__module__.partition(".")[0] == "logging"
            ):
                handler.setFormatter(Escaping(handler.formatter))
        current = current.parent if current.propagate else None


_PLAIN: tuple[type[t.Any], ...] = (type(None), logging.Formatter)
