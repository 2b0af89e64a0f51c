# pyright: strict, reportPrivateUsage=false
"""Sessions have the types that users rely on."""

from __future__ import annotations

import typing as t

from costrel import session
from costrel.sessions import SessionMixin
from costrel.sessions.safe import SafeSession, SafeSessionInterface, SessionTooLarge

t.assert_type(session.user_id, str | None)
t.assert_type(session.regenerate(), None)
t.assert_type(session.destroy(), None)


def look_at(safe: SafeSession, error: SessionTooLarge) -> SessionMixin:
    """Take a session of an application with safe sessions."""
    t.assert_type(safe.created_at, int | None)
    t.assert_type(safe.used_at, int | None)
    t.assert_type(safe.regenerated, bool)
    t.assert_type(error.size_bytes, int)
    return safe


class Interface(SafeSessionInterface):
    """An interface of one's own."""

    def get_cookie_name(self, app: t.Any) -> str:
        """Return the name of a cookie."""
        return f"__Host-{app.name}"
