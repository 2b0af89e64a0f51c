"""How long sessions on the server last, and when their use is noted there."""

from __future__ import annotations

import typing as t

from .lifetimes import Lifetimes
from .stores import Stored

_STEPS = 10


class StoredLifetimes:
    """The lifetimes of an application's sessions in a store, read from its configuration once.

    A use is noted if the last one that was noted is a tenth of a session's lifetime ago, so that
    most requests that only read write nothing. Times are seconds, ages since the epoch.

    Attributes:
        refreshes: Whether a permanent session's cookie is sent again when its use is noted.
    """

    __slots__ = ("_absolute_s", "_idle_s", "_last_s", "_step_s", "refreshes")

    def __init__(self, app: t.Any) -> None:
        lifetimes = Lifetimes.of(app.config) or Lifetimes(None, None)
        self._idle_s, self._absolute_s = lifetimes.idle_s, lifetimes.absolute_s
        self._last_s: float = (
            app.permanent_session_lifetime.total_seconds() if self._idle_s is None else self._idle_s
        )
        self._step_s = self._last_s / _STEPS
        self.refreshes = bool(app.config["SESSION_REFRESH_EACH_REQUEST"])

    def left_s(self, created_at: float, now: float) -> float:
        """Return how long a session lasts that is used now."""
        left_s = self._last_s
        if self._absolute_s is not None:
            # Not longer altogether, if the clock was set back since.
            age_s = max(0.0, now - created_at)
            left_s = min(left_s, self._absolute_s - age_s)
        return max(left_s, 1.0)

    def is_over(self, stored: Stored, now: float) -> bool:
        """Whether a lifetime is over that the store may not know, because it was set later."""
        idle_s, absolute_s = self._idle_s, self._absolute_s
        return (idle_s is not None and now - stored.used_at > idle_s) or (
            absolute_s is not None and now - stored.created_at > absolute_s
        )

    def is_noted(self, session: t.Any, used_at: float, now: float) -> bool:
        """Whether the use of a session has to be noted."""
        # Also if the clock was set back: until it gets there, no use would be noted, and the
        # store, which only knows how long to keep a session, would end one that is in use.
        if not session.accessed or abs(now - used_at) < self._step_s:
            return False
        return self._idle_s is not None or self.refreshes or not session.permanent
