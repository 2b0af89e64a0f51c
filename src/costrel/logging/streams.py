"""Where the lines of the log go: the stream of the server's errors."""

from __future__ import annotations

import logging
import sys
import typing as t

from werkzeug.local import LocalProxy

from ..ground.current import request_view
from .foreign import make_safe


def _errors_stream() -> t.TextIO:
    """Return the server's error stream in a request, and stderr outside one."""
    ctx = request_view.get(None)
    if ctx is None:
        return sys.stderr
    return t.cast("t.TextIO", ctx.environ["wsgi.errors"])


wsgi_errors_stream: t.TextIO = LocalProxy(_errors_stream)  # type: ignore[assignment]
"""The stream for error messages: ``wsgi.errors`` in a request, else stderr.

It is looked up at each write, so a handler that uses it follows the request. In
`logging.config`, refer to it as ``ext://costrel.logging.wsgi_errors_stream``.
"""


default_handler = logging.StreamHandler(wsgi_errors_stream)
"""The handler that `create_logger` adds; use ``logger.removeHandler`` to remove it."""

default_handler.setFormatter(
    logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
)


class LogHandler(logging.StreamHandler[t.TextIO]):
    """Writes to `wsgi_errors_stream`, unless another handler writes the record to the terminal.

    So no line appears twice if logging is configured later, with `logging.config.dictConfig` or
    `logging.basicConfig`.
    """

    def __init__(self) -> None:
        super().__init__(wsgi_errors_stream)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        # Others may have been added since the start; they come after this one.
        make_safe(logging.getLogger(record.name))
        if not _is_shown_otherwise(record):
            super().emit(record)


def _is_shown_otherwise(record: logging.LogRecord) -> bool:
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        for handler in logger.handlers:
            if (
                isinstance(handler, logging.StreamHandler)
                and not isinstance(handler, LogHandler)
                and handler.level <= record.levelno
                and any(handler.stream is stream for stream in _terminals())
            ):
                return True
        logger = logger.parent if logger.propagate else None
    return False


def _terminals() -> tuple[t.Any, ...]:
    return sys.stderr, sys.stdout, wsgi_errors_stream
