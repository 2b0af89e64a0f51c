"""Keep the log free of tracebacks about what clients do wrong with their WebSockets."""

from __future__ import annotations

import logging


def drop_traceback(record: logging.LogRecord) -> bool:
    """Leave the line alone that says what a client did, without the server's own way there."""
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = None
    return True


def quiet_servers() -> None:
    """Have servers log a text message that is not UTF-8 in one line.

    COMPAT(uvicorn): its default implementation of WebSockets closes with 1007, which is
    right, but logs that as if it had failed itself. The others say nothing.
    """
    # The same filter is added once only.
    logging.getLogger("uvicorn.error").addFilter(drop_traceback)
