"""The application's logger, and where it writes when nobody said.

Logging is Python's own. Configure it before the logger is first used, and
nothing here adds to it.
"""

from __future__ import annotations

import logging
import sys
import typing as t

from werkzeug.local import LocalProxy

from .ground.current import request_view


def _errors_stream() -> t.TextIO:
    """Return the server's error stream in a request, stderr outside of one."""
    ctx = request_view.get(None)
    if ctx is None:
        return sys.stderr
    return t.cast("t.TextIO", ctx.environ["wsgi.errors"])


wsgi_errors_stream: t.TextIO = LocalProxy(_errors_stream)  # type: ignore[assignment]
"""The stream that errors go to: ``wsgi.errors`` in a request, else stderr.

Looked up at each write, so a handler that has it follows the request. For
`logging.config` it is ``ext://costrel.logging.wsgi_errors_stream``.
"""

default_handler = logging.StreamHandler(wsgi_errors_stream)
"""The handler that `create_logger` adds; remove it to get rid of it."""

default_handler.setFormatter(
    logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
)


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether some handler takes what the logger lets through.

    Looks at the logger and those it propagates to. A handler counts if its
    level is not above the logger's effective one.
    """
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def create_logger(app: t.Any) -> logging.Logger:
    """Return the logger named ``app.name``, set up where it is not yet.

    In debug mode its level becomes DEBUG unless one is set, and it is given
    `default_handler` unless some handler takes its messages.
    """
    logger = logging.getLogger(app.name)
    if app.debug and logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
