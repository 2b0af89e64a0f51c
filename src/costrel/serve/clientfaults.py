"""Keep what is no fault of the server or the application out of a server's log."""

from __future__ import annotations

import logging
from contextvars import ContextVar

_UNFINISHED = "ASGI callable returned without completing handshake."

_refused: ContextVar[bool] = ContextVar("costrel.refused", default=False)
"""Whether the connection of the current task had its handshake answered with a response."""


def note_refusal() -> None:
    """Remember that the WebSocket of the current task was refused, as it should be."""
    _refused.set(True)


def drop_traceback(record: logging.LogRecord) -> bool:
    """Log a client's mistake in one line, without the server's traceback."""
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = None
    return True


def drop_refusal(record: logging.LogRecord) -> bool:
    """Drop an error about a handshake that was refused with a response."""
    return record.msg != _UNFINISHED or not _refused.get()


def quiet_servers() -> None:
    """Make servers log a client's mistake in one line, and a refused handshake not as an error.

    COMPAT(uvicorn): its default WebSocket implementation closes with 1007 after a text message
    that is not valid UTF-8, which is right, but logs that with a traceback as if the server had
    failed. And it logs an error after each handshake that was refused with a response. Other
    servers log nothing.
    """
    logger = logging.getLogger("uvicorn.error")
    # `addFilter` adds the same filter only once.
    logger.addFilter(drop_traceback)
    logger.addFilter(drop_refusal)
