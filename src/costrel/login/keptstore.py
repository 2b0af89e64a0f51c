"""Remembered browsers in a store of sessions: files, Redis or a database."""

from __future__ import annotations

import hashlib
import json
import logging
import typing as t
from contextlib import contextmanager
from dataclasses import asdict

from werkzeug.exceptions import ServiceUnavailable

from ..sessions.stores import RESERVED, SessionStore, StoreUnavailableError, user_text
from .series import Series

_PREFIX = f"{RESERVED}remember:"
"""Begins the ids and the users, so that nothing is taken for a session or listed as one."""

_log = logging.getLogger("costrel.login")


class KeptRememberStore:
    """Keeps remembered browsers in a `costrel.sessions.stores.SessionStore`.

    Each method raises `ServiceUnavailable` (503) if the store can't be reached: nobody is taken for
    a stranger, or a thief, because of an outage.

    Args:
        store: The store; it may be the one of the sessions.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def add(self, series: Series) -> None:
        """Store a new series."""
        self._write(series, 0)

    def get(self, selector: str) -> Series | None:
        """Return a series; None if it is not known."""
        with _available():
            stored = self._store.get(_hash(selector))
        return None if stored is None else Series(**json.loads(stored.data))

    def replace(self, series: Series, expected_hash: str) -> bool:
        """Store a changed series if its stored ``validator_hash`` is the expected one."""
        with _available():
            stored = self._store.get(_hash(series.selector))
        if stored is None or json.loads(stored.data)["validator_hash"] != expected_hash:
            return False
        # False if another request has written since.
        return self._write(series, stored.version)

    def delete(self, selector: str) -> None:
        """Forget a series."""
        with _available():
            self._store.delete(_hash(selector))

    def delete_of_user(self, user_id: str) -> None:
        """Forget all series of a user."""
        with _available():
            self._store.delete_of_user(_PREFIX + user_text(user_id))

    def _write(self, series: Series, version: int) -> bool:
        data = json.dumps(asdict(series)).encode()
        lifetime_s = max(1.0, series.expires_at - series.rotated_at)
        user = _PREFIX + user_text(series.user_id)
        with _available():
            return self._store.set(_hash(series.selector), data, lifetime_s, user, version)


def _hash(selector: str) -> str:
    """Return the key in the store, which has the form of a session's."""
    return hashlib.sha256((_PREFIX + selector).encode()).hexdigest()


@contextmanager
def _available() -> t.Iterator[None]:
    try:
        yield
    except StoreUnavailableError as error:
        _log.error("Remembered browsers can't be looked up, answered with 503: %s", error)
        raise ServiceUnavailable(
            "Logins can't be looked up just now. Try again soon.", retry_after=5
        ) from error
