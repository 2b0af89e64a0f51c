"""Set up the log of an application by its settings, and give ids of requests back."""

from __future__ import annotations

import logging
import typing as t
from functools import partial

from ..ground.current import request_view
from ..ground.protection import Finisher, security_of
from .foreign import escape_for
from .formats import FORMATTERS
from .requestids import header_of, returned_field, variable_of
from .streams import LogHandler, default_handler

OURS = "costrel"
"""The logger of what Costrel itself has to say: what is refused, and warnings."""


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


def configure(app: t.Any) -> None:
    """Set up the log of an application, and the ids of its requests, by its settings.

    `costrel.security.protect` calls it, and so does `Costrel`. The settings are ``LOG_FORMAT``,
    ``LOG_LEVEL``, ``REQUEST_ID_HEADER`` and ``REQUEST_ID_TRUSTED``. They are read when
    ``app.logger`` is first used and before the first request, so they may be set later. To have a
    change take effect afterwards, call it again.

    It gives way to what you have configured: where a handler takes the records already, it adds
    none. It changes none of yours, except that handlers of the standard library with a plain
    format escape what the application and Costrel log.

    Raises `ValueError` for a format or level that there is not: here, or before the first request.
    """
    if not app._logs_by_settings:
        app._logs_by_settings = True
        app._start_checks = (*app._start_checks, check_log)
    _return_ids(app)
    if "logger" in vars(app):
        apply(app)


def check_log(app: t.Any, *, served: bool) -> tuple[str, ...]:
    """Set up before the first request what `configure` could not know yet."""
    _return_ids(app)
    if served or "logger" in vars(app):
        apply(app)
    return ()


def apply(app: t.Any) -> None:
    """Give the loggers a handler of the format that is set, and their level.

    ``json`` is given to the root logger, so that the lines of all libraries are JSON, ``text`` to
    the application's and to ours.
    """
    wanted = app.config.get("LOG_FORMAT")
    level = check_level(app.config.get("LOG_LEVEL"))
    loggers = [logging.getLogger(name) for name in (app.name, OURS)]
    if level is not None:
        for logger in loggers:
            logger.setLevel(level)
    if wanted is None:
        return
    check_format(wanted)
    escape_for(app.name)
    root = logging.getLogger()
    handled = [root, *loggers] if wanted == "json" else loggers
    for logger in (root, *loggers):
        for handler in list(logger.handlers):
            if isinstance(handler, LogHandler) or handler is default_handler:
                logger.removeHandler(handler)
    for logger in handled:
        if not has_level_handler(logger):
            ours = LogHandler()
            ours.setFormatter(FORMATTERS[wanted]())
            logger.addHandler(ours)


def check_format(wanted: t.Any) -> None:
    """Raise `ValueError` for what ``LOG_FORMAT`` can't be."""
    if wanted is not None and not (isinstance(wanted, str) and wanted in FORMATTERS):
        raise ValueError(f"LOG_FORMAT is {wanted!r}. Set it to 'text' or 'json', or to None.")


def check_level(wanted: t.Any) -> int | None:
    """Return the level that a value of ``LOG_LEVEL`` means; raises `ValueError` for no level."""
    if wanted is None or (isinstance(wanted, int) and not isinstance(wanted, bool)):
        return wanted
    names = logging.getLevelNamesMapping()
    level = names.get(str(wanted).upper())
    if level is None:
        raise ValueError(
            f"LOG_LEVEL is {wanted!r}. Set it to a number or one of these: {', '.join(names)}."
        )
    return level


_FEATURE = "request_id"


def _return_ids(app: t.Any) -> None:
    """Have responses give back the id of their request, in the header field that is set."""
    finishers = security_of(app).finishers
    known = [finisher for finisher in finishers if finisher.name == _FEATURE]
    wanted = variable_of(app) if header_of(app) else None
    if wanted == (known[0].concerns.variable if known else None):  # type: ignore[attr-defined]
        return
    for finisher in known:
        finishers.remove(finisher)
    if wanted is not None:
        sent = _Sent(wanted)
        finishers.append(Finisher(_FEATURE, partial(_give_back, sent), sent))


class _Sent:
    """Whether the client has sent an id: a field of this name in the environ."""

    __slots__ = ("variable",)

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def __call__(self, environ: t.Mapping[str, t.Any]) -> bool:
        return self.variable in environ


def _give_back(sent: _Sent, response: t.Any) -> None:
    ctx = request_view.get(None)
    # PERF(page): most responses give no id back, which is known without the configuration.
    if ctx is None or (response.status_code < 500 and not sent(ctx.environ)):
        return
    field = returned_field(ctx, response.status_code)
    if field is not None and field[0] not in response.headers:
        response.headers[field[0]] = field[1]
