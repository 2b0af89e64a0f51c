"""Notice when something holds up the event loop, and every request on it."""

from __future__ import annotations

import asyncio
import typing as t

if t.TYPE_CHECKING:
    from ..application import App

INTERVAL_S = 0.5
"""How often the loop is looked after."""


class LoopHealth:
    """Measure how late an event loop is with what it was asked to do on time.

    Attributes:
        lag_s: How late it was the last time, in seconds.
        worst_lag_s: How late it was at worst since the start.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.lag_s = 0.0
        self.worst_lag_s = 0.0

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + INTERVAL_S
        self._timer = loop.call_at(self._due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lag_s = max(loop.time() - self._due, 0.0)
        self.worst_lag_s = max(self.lag_s, self.worst_lag_s)
        limit_s = self._app.config["LOOP_LAG_WARNING_S"]
        if limit_s is not None and self.lag_s > limit_s:
            self._app.logger.warning(
                "The event loop was held up for %.2f s, and every request with it. Something"
                " async did not await: call slow functions from sync views, or by"
                " asyncio.to_thread.",
                self.lag_s,
            )
        self._due = loop.time() + INTERVAL_S
        self._timer = loop.call_at(self._due, self._look, loop)

    def stop(self) -> None:
        """Measure no longer."""
        if self._timer is not None:
            self._timer.cancel()
