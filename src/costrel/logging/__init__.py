"""The application's logger, its handlers, and the ids of requests.

This is Python's standard logging. If you configure it before ``app.logger`` is first
used, no handler is added.
"""

from __future__ import annotations

import logging
import sys as sys  # COMPAT(Flask): this name and LocalProxy are in its module too
import typing as t

from werkzeug.local import LocalProxy as LocalProxy

from .configuring import apply as _apply
from .configuring import configure as configure
from .configuring import has_level_handler as has_level_handler
from .escaping import escape as escape
from .formats import JSONFormatter as JSONFormatter
from .formats import TextFormatter as TextFormatter
from .formats import WithRequest as WithRequest
from .requestids import request_id as request_id
from .streams import default_handler as default_handler
from .streams import wsgi_errors_stream as wsgi_errors_stream


def create_logger(app: t.Any) -> logging.Logger:
    """Return the logger named ``app.name``, configuring it if needed.

    In debug mode its level is set to DEBUG unless it has one. `default_handler` is
    added unless another handler takes its messages; if ``LOG_FORMAT`` is set, one of
    that format.
    """
    logger = logging.getLogger(app.name)
    if app.debug and logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    if getattr(app, "_logs_by_settings", False):
        _apply(app)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
