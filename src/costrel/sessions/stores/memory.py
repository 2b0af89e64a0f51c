"""Sessions in the memory of this process, for development and tests."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import OrderedDict

from . import Clock, Kept, SessionStore, Stored

MAX_SESSIONS = 10_000
"""How many sessions are kept, unless the URL or the argument says otherwise."""


class _Entry(t.NamedTuple):
    stored: Stored
    expires_at: float


class MemoryStore(SessionStore):
    """Keep sessions in a dict. They end with the process, and other processes don't see them.

    Args:
        max_sessions: How many are kept at most; the one that was not used for longest goes.
        clock: Returns the seconds since the epoch.
    """

    def __init__(self, max_sessions: int = MAX_SESSIONS, clock: Clock = time.time) -> None:
        super().__init__(clock)
        self.max_sessions = max_sessions
        self._lock = threading.Lock()
        # INVARIANT: the least recently used comes first.
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._of_user: dict[str, set[str]] = {}

    def __repr__(self) -> str:
        return f"<MemoryStore of at most {self.max_sessions} sessions>"

    def after_fork(self) -> None:
        """Renew the lock, which another thread of the parent process may hold."""
        self._lock = threading.Lock()

    def get(self, id_hash: str) -> Stored | None:
        """Return a session: see `SessionStore.get`."""
        with self._lock:
            entry = self._find(id_hash)
            return None if entry is None else entry.stored

    def set(
        self,
        id_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session if it has this version: see `SessionStore.set`."""
        now = self.clock()
        with self._lock:
            entry = self._find(id_hash)
            if (0 if entry is None else entry.stored.version) != expected_version:
                return False
            created_at = now if entry is None else entry.stored.created_at
            stored = Stored(data, expected_version + 1, user, created_at, now)
            self._put(id_hash, _Entry(stored, now + lifetime_s))
            return True

    def move(
        self,
        id_hash: str,
        new_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session under another id: see `SessionStore.move`."""
        now = self.clock()
        with self._lock:
            entry = self._find(id_hash)
            if entry is None or entry.stored.version != expected_version:
                return False
            self._drop(id_hash)
            stored = Stored(data, 1, user, now, now)
            self._put(new_hash, _Entry(stored, now + lifetime_s))
            return True

    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now: see `SessionStore.touch`."""
        now = self.clock()
        with self._lock:
            entry = self._find(id_hash)
            if entry is not None:
                self._put(id_hash, _Entry(entry.stored._replace(used_at=now), now + lifetime_s))

    def delete(self, id_hash: str) -> None:
        """End a session: see `SessionStore.delete`."""
        with self._lock:
            self._drop(id_hash)

    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user: see `SessionStore.of_user`."""
        with self._lock:
            found = [(each, self._find(each)) for each in list(self._of_user.get(user, ()))]
        return [
            Kept(id_hash, entry.stored.created_at, entry.stored.used_at)
            for id_hash, entry in found
            if entry is not None
        ]

    def __len__(self) -> int:
        return len(self._entries)

    # The rest expects that the lock is held.

    def _find(self, id_hash: str) -> _Entry | None:
        entry = self._entries.get(id_hash)
        if entry is not None and entry.expires_at <= self.clock():
            self._drop(id_hash)
            return None
        return entry

    def _put(self, id_hash: str, entry: _Entry) -> None:
        self._drop(id_hash)
        self._entries[id_hash] = entry
        if entry.stored.user is not None:
            self._of_user.setdefault(entry.stored.user, set()).add(id_hash)
        while len(self._entries) > self.max_sessions:
            self._drop(next(iter(self._entries)))

    def _drop(self, id_hash: str) -> None:
        entry = self._entries.pop(id_hash, None)
        user = None if entry is None else entry.stored.user
        if user is not None:
            ids = self._of_user[user]
            ids.discard(id_hash)
            if not ids:
                del self._of_user[user]
