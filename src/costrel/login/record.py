"""What the session holds of a login."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

USER = "_user_id"
"""COMPAT(Flask-Login): the same key, so that either reads the other's sessions."""

FRESH = "_fresh"

LOGIN = "_login"
"""When it was, and what binds it to the password.

PERF(page): so few characters don't pay to be compressed. A compressed cookie would have to be
unpacked for each request, also for those that don't use the session.
"""


CLOCKS_DIFFER_S = 60
"""By how much the clock of a login may be ahead of the one that is asked how long ago it was."""


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """Who is logged in, since when, and how.

    Attributes:
        user_id: The id of the user.
        fresh: Whether the user has proved who they are, rather than being remembered.
        at: When that was, in seconds since the epoch; None if it is not known.
        fingerprint: What binds it to the user's password: see `fingerprint_of`.
        receipt: What a new session of a remembered browser holds until it is known to be good and
            to have arrived: see `costrel.login.series`.
    """

    user_id: str
    fresh: bool
    at: int | None
    fingerprint: str | None
    receipt: str | None = None

    @classmethod
    def of_session(cls, session: t.Mapping[str, t.Any]) -> LoginRecord | None:
        """Return what a session holds; None if nobody is logged in."""
        user_id = session.get(USER)
        if not isinstance(user_id, str):
            return None
        login = session.get(LOGIN)
        receipt = None
        if isinstance(login, list) and len(login) == 3:
            receipt, login = login[2], login[:2]
        at, fingerprint = login if isinstance(login, list) and len(login) == 2 else (None, None)
        return cls(
            user_id,
            fresh=session.get(FRESH) is True,
            at=at if isinstance(at, int) else None,
            fingerprint=fingerprint if isinstance(fingerprint, str) else None,
            receipt=receipt if isinstance(receipt, str) else None,
        )

    def is_fresh(self, now: float, lifetime_s: float | None) -> bool:
        """Return whether the user has proved who they are, and not too long ago."""
        if not self.fresh:
            return False
        return lifetime_s is None or (
            self.at is not None and -CLOCKS_DIFFER_S <= now - self.at < lifetime_s
        )

    def write(self, session: t.MutableMapping[str, t.Any]) -> None:
        """Store it in a session, in place of what was there."""
        erase(session)
        session[USER] = self.user_id
        session[FRESH] = self.fresh
        login = [self.at, self.fingerprint]
        session[LOGIN] = login if self.receipt is None else [*login, self.receipt]


def erase(session: t.MutableMapping[str, t.Any]) -> None:
    """Remove a login from a session; everything else in it stays."""
    for key in (USER, FRESH, LOGIN):
        if key in session:
            del session[key]
