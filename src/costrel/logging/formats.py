"""The two formats of a line in the log: ``text`` for people, ``json`` for programs."""

from __future__ import annotations

import json
import logging
import typing as t
from datetime import UTC, datetime

from ..ground.redaction import redact
from .escaping import escape
from .foreign import OWN, indented, message_of
from .requestids import RequestFacts, current_facts


def facts_of(record: logging.LogRecord) -> RequestFacts:
    """Return what a record knows of its request: what `WithRequest` noted, or the current one."""
    noted = vars(record)
    if "request_id" in noted:
        return RequestFacts(noted["request_id"], noted.get("method"), noted.get("path"))
    return current_facts()


class WithRequest(logging.Filter):
    """Notes the current request on each record, as ``request_id``, ``method`` and ``path``.

    For formats of your own, and for handlers that pass records to another thread, where the
    request is not current. Outside of a request the three are ``-``, ``-`` and ``-``, so that a
    format may name them. It lets every record through.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Note the request."""
        if "request_id" not in vars(record):
            facts = current_facts()
            record.request_id = facts.request_id or "-"
            record.method = facts.method or "-"
            record.path = escape(facts.path or "-")
        return True


class TextFormatter(logging.Formatter):
    """Formats a record as one line: time, level, logger, id of the request, message.

    ``2026-01-31 12:00:00.123+01:00 ERROR shop [0190163d-...] Exception on /basket [GET]``

    A traceback follows in lines of its own, indented. SECURITY(log-injection): what is in the
    message can't start a line, and characters that can't be seen are written as their codes.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the lines of the traceback."""
        message = message_of(record)
        written = datetime.fromtimestamp(record.created, UTC).astimezone()
        time = written.isoformat(" ", "milliseconds")
        id_ = facts_of(record).request_id or "-"
        parts = [f"{time} {record.levelname} {escape(record.name)} [{escape(id_)}] {message}"]
        parts += (f"\n{indented(text)}" for text in _details(self, record))
        return "".join(parts)


def _details(formatter: logging.Formatter, record: logging.LogRecord) -> t.Iterator[str]:
    """Yield the traceback and the stack of a record, if it has them."""
    if record.exc_info and not record.exc_text:
        # As in `logging.Formatter`: kept for other handlers.
        record.exc_text = formatter.formatException(record.exc_info)
    if record.exc_text:
        yield redact(record.exc_text)
    if record.stack_info:
        yield redact(formatter.formatStack(record.stack_info))


class JSONFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    Its members are ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, and, where they
    are known, ``request_id``, ``method``, ``path``, ``exception``, ``stack`` and what was passed
    as ``extra``. Everything that is not ASCII is escaped, so that nothing can break the line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        members: dict[str, t.Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        facts = facts_of(record)._asdict()
        members.update((name, fact) for name, fact in facts.items() if fact not in {None, "-"})
        details = dict(zip(("exception", "stack"), _both(self, record), strict=True))
        members.update((name, text) for name, text in details.items() if text)
        for name, value in vars(record).items():
            if name not in OWN:
                members.setdefault(name, redact(value) if isinstance(value, str) else value)
        # Once more, for what is in lists and dictionaries.
        return redact(dump(members))


def _both(formatter: logging.Formatter, record: logging.LogRecord) -> tuple[str | None, str | None]:
    exception = next(_details(formatter, record), None) if record.exc_info else record.exc_text
    stack = record.stack_info
    return exception and redact(exception), stack and redact(stack)


def rfc3339(created: float) -> str:
    """Return a time, in seconds since 1970, as RFC 3339 has it, in UTC and milliseconds."""
    written = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
    return written.removesuffix("+00:00") + "Z"


def dump(members: dict[str, t.Any]) -> str:
    """Return members as one line of JSON; what has no place in JSON is written as text."""
    try:
        return json.dumps(members, default=_as_text, allow_nan=False)
    except Exception:  # noqa: BLE001  a value of somebody's own, or one that refers to itself
        return json.dumps({name: _shown(value) for name, value in members.items()})


def _as_text(value: t.Any) -> str:
    return redact(str(value))


def _shown(value: t.Any) -> t.Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    try:
        return redact(repr(value))
    except Exception as error:  # noqa: BLE001  a broken `__repr__` must not lose the line
        return f"<{type(value).__name__}, whose repr() raised {type(error).__name__}>"


FORMATTERS: t.Mapping[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JSONFormatter}
"""The formats, by what ``LOG_FORMAT`` calls them."""
