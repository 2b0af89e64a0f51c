"""Notice when something holds up the event loop, and every request on it."""

from __future__ import annotations

import asyncio
import typing as t
from contextvars import Context

if t.TYPE_CHECKING:
    from ..registration.application import App

INTERVAL_S = 0.5
"""How often the loop is looked after."""


class LoopHealth:
    """Measure how late an event loop is with what it was asked to do on time.

    May be read in any thread.

    Attributes:
        worst_lag_s: How late it was at worst since the start, in seconds.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last_s = 0.0
        self.worst_lag_s = 0.0

    @property
    def lag_s(self) -> float:
        """Tell how late it is now, or was when last looked after, in seconds."""
        loop = self._loop  # read once: `stop` may come in between
        return 0.0 if loop is None else max(self._last_s, loop.time() - self._due)

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._plan(self._loop)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + INTERVAL_S
        # In no request's context, whichever began the application's life.
        self._timer = loop.call_at(self._due, self._look, loop, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        lag_s = self._last_s = max(loop.time() - self._due, 0.0)
        self.worst_lag_s = max(lag_s, self.worst_lag_s)
        limit_s = self._app.config["LOOP_LAG_WARNING_S"]
        if limit_s is not None and lag_s > limit_s:
            self._app.logger.warning(
                "The event loop was held up for %.2f s, and every request with it. Something"
                " async did not await: call slow functions from sync views, or by"
                " asyncio.to_thread.",
                lag_s,
            )
        self._plan(loop)

    def stop(self) -> None:
        """Measure no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None
