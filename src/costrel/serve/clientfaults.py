"""Keep what is no fault of the server or the application out of the servers' logs."""

from __future__ import annotations

import logging

_NO_HANDSHAKE = "ASGI callable returned without completing handshake."


def drop_traceback(record: logging.LogRecord) -> bool:
    """Log a client's mistake in one line, without the server's traceback."""
    if record.msg == _NO_HANDSHAKE:
        # COMPAT(uvicorn): it logs this for each WebSocket that is refused with a response.
        return False
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
