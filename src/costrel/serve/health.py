"""Notice when something blocks the event loop, and with it every request on it."""

from __future__ import annotations

import asyncio
import typing as t
from contextvars import Context

if t.TYPE_CHECKING:
    from ..registration.application import App

INTERVAL_S = 0.5
"""How often the loop is checked, in seconds."""


class LoopHealth:
    """Measure how late an event loop runs its timers.

    May be read from any thread.

    Attributes:
        worst_lag_s: The greatest lag since the start, in seconds.
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
        """The lag in seconds: now or at the last check, whichever is greater."""
        loop = self._loop  # read once: `stop` may come in between
        return 0.0 if loop is None else max(self._last_s, loop.time() - self._due)

    def start(self) -> None:
        """Start measuring the running loop."""
        self._loop = asyncio.get_running_loop()
        self._plan(self._loop)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + INTERVAL_S
        # Not in the context of the request that started the application.
        self._timer = loop.call_at(self._due, self._look, loop, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        lag_s = self._last_s = max(loop.time() - self._due, 0.0)
        self.worst_lag_s = max(lag_s, self.worst_lag_s)
        limit_s = self._app.config["LOOP_LAG_WARNING_S"]
        if limit_s is not None and lag_s > limit_s:
            self._app.logger.warning(
                "The event loop was blocked for %.2f s, and every request on it had to wait. Async"
                " code ran that long without awaiting: call slow functions from sync views, or"
                " with asyncio.to_thread.",
                lag_s,
            )
        self._plan(loop)

    def stop(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None
