"""Stores of sessions on the server: the interface, and the store that a URL names.

A store keeps bytes under the SHA-256 of a session's id, with a version that each write
increments. It knows nothing of cookies, requests or the data: `costrel.sessions.stored`
does. Its methods block, and are called from several threads, never on an event loop.
"""

from __future__ import annotations

import hashlib
import re
import time
import typing as t
import weakref
from abc import ABC, abstractmethod
from urllib.parse import parse_qs, unquote, urlsplit

from ...ground.forks import forget_after_fork, notice
from ...ground.redaction import without_password

Clock = t.Callable[[], float]

_MOST_ROUNDS = 100
"""How often the sessions of a user are looked for, to end them all."""

_half = re.compile("[\ud800-\udfff]").search


RESERVED = "costrel."
"""Begins what is listed by user in a store, but is no session of the user with that id."""


class Stored(t.NamedTuple):
    """A session as it is kept; times are seconds since the epoch."""

    data: bytes
    version: int
    """1 for a new session, and one more after each write."""

    user: str | None
    created_at: float
    used_at: float
    """When it was last written or touched; up to a tenth of its lifetime too early."""


class Kept(t.NamedTuple):
    """One session of a user, as a store lists it."""

    id_hash: str
    created_at: float
    used_at: float


class StoreUnavailableError(Exception):
    """Raised by a store that can't be reached, or that can't read or write.

    The client gets a 503, and the log the reason.
    """


def user_text(user_id: t.Any) -> str:
    """Return the id of a user as text that every store can keep.

    Ids with half characters can't be encoded, and PostgreSQL has no zero characters: such an id is
    known by its hash. So is one that looks like such a hash, or like what else stores list by user
    (`RESERVED`): whoever may choose an id would see and end what is another's.
    """
    text = str(user_id)
    if (
        "\0" not in text
        and (text.isascii() or not _half(text))
        and not text.startswith(("sha256:", RESERVED))
    ):
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


class SessionStore(ABC):
    """The base class of stores, for one of your own.

    `id_hash` is always 64 hexadecimal digits, the SHA-256 of an id that only the client has.
    Each method raises `StoreUnavailableError` if the store fails; nothing is ever answered as
    if it were missing. Methods are called from several threads at once.
    """

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        """Returns the seconds since the epoch; another one in tests."""
        _stores.add(self)

    @abstractmethod
    def get(self, id_hash: str) -> Stored | None:
        """Return a session, or None if there is none or it has expired."""

    @abstractmethod
    def set(
        self,
        id_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session if it has this version; 0 creates one that must not exist.

        Returns False, and changes nothing, if the version differs or the session has ended.
        The check and the write must be one atomic step, also between processes.
        """

    @abstractmethod
    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now; its version stays. One that ended stays so."""

    @abstractmethod
    def delete(self, id_hash: str) -> None:
        """End a session; nothing happens if there is none."""

    @abstractmethod
    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user, in any order."""

    def move(
        self,
        id_hash: str,
        new_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session under another id and end the old one, if that has this version.

        The new one is as old as a new session. Returns False, and changes nothing, if the
        version differs or the old session has ended. After a crash in between, the old session is
        as it was, and nobody has the id of the new one. A store that can do it in one step
        overrides this.
        """
        found = self.get(id_hash)
        if found is None or found.version != expected_version:
            return False
        # One step, so of several requests only one goes on.
        if not self.set(id_hash, found.data, lifetime_s, found.user, expected_version):
            return False
        # INVARIANT: at each moment, one of both is listed, for `delete_of_user`.
        if not self.set(new_hash, data, lifetime_s, user, 0):
            return False
        if self.get(id_hash) is None:  # it was ended, perhaps with all of its user
            self.delete(new_hash)
            return False
        self.delete(id_hash)
        return True

    def delete_of_user(self, user: str, except_: str | None = None) -> int:
        """End the sessions of a user, but not the one with the hash `except_`; return how many.

        A session that gets another id meanwhile is ended too. This one looks for such sessions
        until there are none.
        """
        ended: set[str] = set()
        for _round in range(_MOST_ROUNDS):
            found = {kept.id_hash for kept in self.of_user(user)} - {except_}
            if not found:
                return len(ended)
            ended |= found
            for id_hash in found:
                self.delete(id_hash)
        raise StoreUnavailableError("sessions of a user are made faster than they can be ended")

    def close(self) -> None:  # noqa: B027  a store may have nothing to close
        """Close the connections; the next call opens new ones."""

    def after_fork(self) -> None:  # noqa: B027  a store may have nothing to renew
        """Renew what does not survive a fork: locks and connections."""


_stores: weakref.WeakSet[SessionStore] = weakref.WeakSet()


@forget_after_fork
def _renew_after_fork() -> None:
    for store in tuple(_stores):
        store.after_fork()


notice_fork = notice
"""To be called first by stores with connections: a server in C may fork without Python's hooks."""


def open_store(url: str, setting: str = "SESSION_STORE") -> SessionStore:
    """Create the store that a URL names: the value of ``SESSION_STORE``, or of another setting.

    It connects when it is first used. `setting` is named in errors. Raises `ValueError` for a URL
    that names no store, and `RuntimeError` if a package is missing, with the command that installs
    it.
    """
    try:
        return _open(url)
    except (RuntimeError, ValueError) as error:
        if setting == _SETTING:
            raise
        # Only sessions can be kept in their cookie.
        message = str(error).replace(_SETTING, setting).replace(" 'cookie:', 'm", " 'm")
        raise type(error)(message if setting in message else f"{setting}: {message}") from error


_SETTING = "SESSION_STORE"


def _open(url: str) -> SessionStore:
    scheme, _colon, rest = url.partition(":")
    if scheme == "memory":
        return _open_memory(url)
    if scheme == "file":
        return _open_files(url)
    if scheme in {"redis", "rediss", "unix"} and rest.startswith("//"):
        from .redis import RedisStore

        return RedisStore(url)
    if scheme == "sqlalchemy" and rest:
        from .sqlalchemy import SQLAlchemyStore

        return SQLAlchemyStore(rest)
    if scheme.partition("+")[0] in {"sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql"}:
        raise ValueError(
            f"SESSION_STORE begins with {scheme + _colon!r}. For a database, write 'sqlalchemy:' in"
            " front of its URL, such as 'sqlalchemy:sqlite:////var/lib/app/sessions.db'."
        )
    # SECURITY(secrets): only the scheme, since a URL may contain a password.
    raise ValueError(
        f"SESSION_STORE begins with {scheme + _colon!r}, which is no store. Write 'cookie:',"
        " 'memory:', 'file:///var/lib/app/sessions', 'redis://localhost/0',"
        " 'sqlalchemy:postgresql+psycopg://localhost/app', or a SessionStore object."
    )


def _open_memory(url: str) -> SessionStore:
    from .memory import MAX_SESSIONS, MemoryStore

    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    limit = options.pop("max_sessions", [str(MAX_SESSIONS)])[-1]
    if parts.netloc or parts.path or options or not limit.isdecimal() or not int(limit):
        raise ValueError(
            f"SESSION_STORE is {without_password(url)!r}. Write 'memory:', or"
            " 'memory:?max_sessions=1000' for another limit."
        )
    return MemoryStore(int(limit))


def _open_files(url: str) -> SessionStore:
    from .file import FileStore

    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or parts.query or not path.startswith("/") or path == "/":
        raise ValueError(
            f"SESSION_STORE is {without_password(url)!r}, but needs the absolute path of a folder"
            " of its own, after three slashes: 'file:///var/lib/app/sessions'."
        )
    return FileStore(path)
