"""List and end the sessions of a user."""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime

from ..ground.current import context, request_view
from .safe import SafeSessionInterface
from .stored import StoredSession, StoredSessionInterface
from .stores import user_text

_NO_STORE = (
    "Sessions are kept in their cookies, so the server can't list or end them. Set SESSION_STORE,"
    ' for example to "redis://localhost/0" or "file:///var/lib/app/sessions".'
)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session of a user.

    Attributes:
        key: Names it for `end_sessions_of`. It is no secret: nobody can use the session with it.
        created_at: When it was created, or got another id, as at a login; in UTC.
        used_at: When it was last used; up to a tenth of its lifetime too early.
        is_current: Whether the current request belongs to it.
    """

    key: str
    created_at: datetime
    used_at: datetime
    is_current: bool


def sessions_of(user_id: t.Any) -> list[SessionInfo]:
    """Return the sessions of a user, the last used first.

    They are those in which the user has logged in with `login_user`, or with Flask-Login: the ones
    with this ``_user_id``. Raises `RuntimeError` if sessions are not kept on the server, without
    an application context, and on an event loop, which the store would block:
    ``await asyncio.to_thread(sessions_of, user_id)`` works there. If the store fails, the client
    gets a 503. Nobody, which is None, has no sessions.
    """
    app, interface = _interface()
    if user_id is None:
        return []
    current = _current_hash()
    found = interface.call(app, interface.store.of_user, user_text(user_id))
    return [
        SessionInfo(
            kept.id_hash,
            datetime.fromtimestamp(kept.created_at, UTC),
            datetime.fromtimestamp(kept.used_at, UTC),
            kept.id_hash == current,
        )
        for kept in sorted(found, key=lambda kept: kept.used_at, reverse=True)
    ]


def end_sessions_of(user_id: t.Any, keep_current: bool = False, key: str | None = None) -> int:
    """End the sessions of a user, everywhere; return how many were ended.

    Call it after a change of the password, with `keep_current`, or for a button "log out
    everywhere". Requests that are being handled go on, but can't bring a session back.

    Args:
        user_id: The user, as for `sessions_of`.
        keep_current: Leave the session of the current request.
        key: End only the session that has this key, if it is one of the user's.

    Raises the same as `sessions_of`.
    """
    app, interface = _interface()
    if user_id is None:
        return 0
    user, store = user_text(user_id), interface.store
    current = _current_hash()
    if key is not None:
        keys = {kept.id_hash for kept in interface.call(app, store.of_user, user)}
        if key not in keys or (keep_current and key == current):
            return 0
        interface.call(app, store.delete, key)
        ended = 1
    else:
        kept = current if keep_current else None
        ended = interface.call(app, store.delete_of_user, user, kept)
    if not keep_current and key in {None, current}:
        _destroy_current(user)
    return ended


def _interface() -> tuple[t.Any, StoredSessionInterface]:
    ctx = context.get(None)
    if ctx is None:
        raise RuntimeError(
            "The sessions of a user are those of an application, but none is current. Call this in"
            " a view, a command, or a `with app.app_context():` block."
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError(
            "Waiting for the session store would block the event loop. Call this in a sync"
            " function, or write: await asyncio.to_thread(sessions_of, user_id)."
        )
    app = ctx.app
    interface = app.session_interface
    if isinstance(interface, SafeSessionInterface):
        interface = interface._chosen(app)
    if not isinstance(interface, StoredSessionInterface):
        raise RuntimeError(_NO_STORE)  # noqa: TRY004  it is a setting that is wrong
    return app, interface


def _current() -> StoredSession | None:
    ctx = request_view.get(None)
    session = None if ctx is None else ctx.session
    return session if isinstance(session, StoredSession) else None


def _current_hash() -> str | None:
    session = _current()
    return None if session is None or session._opened is None else session._opened.id_hash


def _destroy_current(user: str) -> None:
    session = _current()
    if session is not None and session._opened is not None and session._opened.user == user:
        session.destroy()
