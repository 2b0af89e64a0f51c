"""Notice when something blocks the event loop, and with it every request on it."""

from __future__ import annotations

import asyncio
import sys
import threading
import typing as t
import weakref
from contextlib import suppress
from contextvars import Context

from .blocker import find_blocker

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
        self._thread = 0
        self._stopped = threading.Event()
        self._due = 0.0
        self._blocker: str | None = None
        self._last_s = 0.0
        self.worst_lag_s = 0.0

    @property
    def lag_s(self) -> float:
        """The lag in seconds: now or at the last check, whichever is greater."""
        loop = self._loop  # read once: `stop` may come in between
        return 0.0 if loop is None else max(self._last_s, loop.time() - self._due)

    def start(self) -> None:
        """Start measuring the running loop."""
        loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._stopped = threading.Event()
        if self._app.config["LOOP_LAG_WARNING_S"] is not None:
            args = weakref.ref(self), loop, self._stopped
            watching = threading.Thread(
                target=_watch, args=args, name="costrel-health", daemon=True
            )
            with suppress(RuntimeError):  # the process is ending
                watching.start()
        # After the thread was started, which takes a moment itself.
        self._plan(loop)
        self._loop = loop

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._blocker = None
        self._due = loop.time() + INTERVAL_S
        # Not in the context of the request that started the application.
        self._timer = loop.call_at(self._due, self._look, loop, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        lag_s = self._last_s = max(loop.time() - self._due, 0.0)
        self.worst_lag_s = max(lag_s, self.worst_lag_s)
        limit_s = self._app.config["LOOP_LAG_WARNING_S"]
        if limit_s is not None and lag_s > limit_s:
            blocker = self._blocker
            self._app.logger.warning(
                "The event loop was blocked for %.2f s%s, and every request on it had to wait."
                " Async code ran that long without awaiting: call slow functions from sync views,"
                " or with asyncio.to_thread.",
                lag_s,
                "" if blocker is None else f" by {blocker}",
            )
        self._plan(loop)

    def _catch(self, loop: asyncio.AbstractEventLoop) -> float:
        """Note what blocks the loop, if something does; return the time until the next look."""
        limit_s = self._app.config["LOOP_LAG_WARNING_S"]
        if limit_s is None:
            return INTERVAL_S
        due = self._due
        left_s = due + limit_s / 2 - loop.time()
        if left_s > 0:
            return float(left_s)
        frame = sys._current_frames().get(self._thread)
        blocker = None if frame is None else find_blocker(self._app, frame)
        if blocker is not None and self._due == due:
            self._blocker = blocker
        return float(limit_s) / 2

    def stop(self) -> None:
        """Stop measuring."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None


def _watch(
    measured: weakref.ref[LoopHealth], loop: asyncio.AbstractEventLoop, stopped: threading.Event
) -> None:
    """Look at a loop's thread while the loop is late; runs in a thread of its own."""
    wait_s = INTERVAL_S
    while not stopped.wait(max(wait_s, 0.001)):
        health = measured()
        if health is None or loop.is_closed():
            return
        wait_s = health._catch(loop)
        del health  # it may be freed while this waits
