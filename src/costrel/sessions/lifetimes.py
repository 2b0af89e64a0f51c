"""How long a session lasts: without use, and altogether."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .clock import now_s

CREATED = "_created"
"""The key of a session under which the time of its creation is kept, in seconds since 1970."""

USED = "_used"
"""The key of a session under which the time of its last use is kept, in seconds since 1970."""

STAMPS = frozenset((CREATED, USED))
"""What a session contains for its lifetimes, besides what the application stored."""

_STEPS = 10


class Lifetimes:
    """How long sessions may be idle, and how long they may last altogether.

    Both times are kept in the session, so they hold for one that is not permanent too, whose
    cookie the browser may keep for as long as it likes. A use is a request that accesses the
    session. It is noted only if the last one that was noted is a tenth of ``idle_s`` ago, so that
    not each response has to send a cookie; a session may end by so much too early.

    Attributes:
        idle_s: Seconds that a session lasts after its last use; None for no limit.
        absolute_s: Seconds that it lasts after its creation; None for no limit.
    """

    def __init__(self, idle_s: int | None, absolute_s: int | None) -> None:
        self.idle_s = idle_s
        self.absolute_s = absolute_s
        self._refresh_s = None if idle_s is None else idle_s // _STEPS

    @classmethod
    def of(cls, config: t.Mapping[str, t.Any]) -> Lifetimes | None:
        """Read the lifetimes from the configuration; None if there are none.

        Raises `ValueError` for what is no lifetime.
        """
        idle_s = _seconds(config, "SESSION_IDLE_LIFETIME")
        absolute_s = _seconds(config, "SESSION_ABSOLUTE_LIFETIME")
        return None if idle_s is None and absolute_s is None else cls(idle_s, absolute_s)

    def is_over(self, session: t.Mapping[str, t.Any]) -> bool:
        """Return whether a session has ended.

        One without its times has, too: it is older than the setting.
        """
        now = now_s()
        return _is_past(session.get(CREATED), self.absolute_s, now) or _is_past(
            session.get(USED), self.idle_s, now
        )

    def stamp(self, session: t.Any) -> None:
        """Note in a session that is about to be saved when it was created and used.

        If that is all that it contains, it is emptied.
        """
        if session.modified:
            # PERF(session_written): with the methods of `dict`, as those of the session would only
            # mark it as modified again.
            if STAMPS.issuperset(session):
                session.clear()
                return
            now = now_s()
            if self.absolute_s is not None and CREATED not in session:
                dict.__setitem__(session, CREATED, now)
            if self.idle_s is not None:
                dict.__setitem__(session, USED, now)
        elif session and session.accessed and self._refresh_s is not None:
            now = now_s()
            # Also if the clock was set back: until it gets there, a use would not be noted.
            if abs(now - session.get(USED, 0)) >= self._refresh_s:
                session[USED] = now


def _is_past(time_s: t.Any, lifetime_s: int | None, now_s: int) -> bool:
    return lifetime_s is not None and (type(time_s) is not int or now_s - time_s > lifetime_s)


def _seconds(config: t.Mapping[str, t.Any], key: str) -> int | None:
    value = config.get(key)
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 1:
        raise ValueError(
            f"{key} is {value!r}, which is no lifetime. Write a timedelta, such as"
            " timedelta(hours=1), or seconds, from 1; None for no limit."
        )
    return int(seconds)
