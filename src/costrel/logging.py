"""The application's logger and its default handler.

This is Python's standard logging. If you configure it before ``app.logger`` is first
used, no handler is added.
"""

from __future__ import annotations

import logging
import sys
import typing as t

from werkzeug.local import LocalProxy

from .ground.current import request_view


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


def has_level_handler(logger: logging.Logger) -> bool:
    """Return whether a handler takes the messages that the logger emits.

    Checks the handlers of the logger and of those it propagates to. A handler counts
    if its level is not above the logger's effective level.
    """
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def create_logger(app: t.Any) -> logging.Logger:
    """Return the logger named ``app.name``, configuring it if needed.

    In debug mode its level is set to DEBUG unless it has one. `default_handler` is
    added unless another handler takes its messages.
    """
    logger = logging.getLogger(app.name)
    if app.debug and logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
