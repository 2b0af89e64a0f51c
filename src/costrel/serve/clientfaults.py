"""Keep tracebacks for WebSocket clients' mistakes out of the log."""

from __future__ import annotations

import logging


def drop_traceback(record: logging.LogRecord) -> bool:
    """Log a client's mistake in one line, without the server's traceback."""
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = None
    return True


def quiet_servers() -> None:
    """Make servers log a text message that is not valid UTF-8 in one line.

    COMPAT(uvicorn): its default WebSocket implementation closes with 1007, which is right,
    but logs that with a traceback as if the server had failed. Other servers log nothing.
    """
    # `addFilter` adds the same filter only once.
    logging.getLogger("uvicorn.error").addFilter(drop_traceback)
