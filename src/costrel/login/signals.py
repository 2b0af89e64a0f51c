"""The signals that logins send: ``user_logged_in.connect(receiver, app)``.

The sender is the application. Receivers run where the login happens, in no guaranteed order.
"""

from __future__ import annotations

from blinker import Namespace

__all__ = [
    "login_refused",
    "remember_theft_detected",
    "user_logged_in",
    "user_logged_out",
    "user_remembered",
]

_signals = Namespace()

user_logged_in = _signals.signal("user-logged-in")
"""Sent by `login_user`, with ``user``."""

user_logged_out = _signals.signal("user-logged-out")
"""Sent by `logout_user`, with ``user``; None if that was not loaded."""

user_remembered = _signals.signal("user-remembered")
"""Sent when a remembered browser was let in, with ``user``."""

remember_theft_detected = _signals.signal("remember-theft-detected")
"""Sent when a cookie of a remembered browser has been used twice, with ``user_id``.

All of the user's remembered browsers have been forgotten then, and all sessions have ended that
are in a store. Sessions in cookies go on.
"""

login_refused = _signals.signal("login-refused")
"""Sent when too many attempts to log in were made, with ``name`` and ``address``."""
