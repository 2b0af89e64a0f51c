"""Choose the session interface that ``SESSION_STORE`` asks for."""

from __future__ import annotations

import typing as t

from . import SessionInterface
from .stored import StoredSessionInterface
from .stores import SessionStore, open_store
from .stores.memory import MemoryStore


def choose_interface(app: t.Any, value: t.Any) -> SessionInterface:
    """Return a new session interface for a value of ``SESSION_STORE`` that names a store.

    Raises `TypeError` and `ValueError` for a value that is no store, and `RuntimeError` if a
    package is missing. Stores connect when the first session is read, so a server that is down
    stops no start.
    """
    if isinstance(value, str):
        store = open_store(value)
    elif isinstance(value, SessionStore):
        store = value
    else:
        raise TypeError(
            f"SESSION_STORE is a {type(value).__name__}. Set it to a URL, such as"
            " 'redis://localhost/0', or to an object of a class derived from"
            " costrel.sessions.SessionStore."
        )
    if isinstance(store, MemoryStore) and not (app.debug or app.testing):
        app.logger.warning(
            "SESSION_STORE is 'memory:', so sessions end with this process, and other worker"
            " processes don't see them. In production, use 'redis://...', 'sqlalchemy:...' or"
            " 'file:///...'."
        )
    return StoredSessionInterface(store)
