"""Sessions in files of a folder, for several processes on one machine.

A session is the file ``ab/<hash>``, where ``ab`` begins its hash: a line of JSON, then the data. An
empty file ``users/<hash of the user>/<hash>`` lists it. Names are only ever hashes. Files are
replaced by renaming, so that readers need no lock; writers hold the lock of the session's folder.
Who gives a user's session another id, or ends all of them, holds the user's lock before that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
import threading
import time
import typing as t
from bisect import bisect_right
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from . import Clock, Kept, SessionStore, Stored, StoreUnavailableError

try:
    from fcntl import LOCK_EX, flock
except ImportError as error:  # pragma: no cover  Windows
    raise RuntimeError(
        "SESSION_STORE = 'file:' needs file locks that Windows does not have. Write"
        " 'sqlalchemy:sqlite:///sessions.db' instead."
    ) from error

SWEEP_EVERY_S = 60.0
"""How often a process looks for expired sessions, at most."""

SWEEP_SOON_S = 1.0
"""How long until it looks again if more than a quarter of what it looked at had expired."""

SWEPT_FOLDERS = 8
"""How many of the 256 folders it looks at each time."""

SWEPT_FILES = 1_000
"""How many files it looks at each time, at most."""

ABANDONED_S = 3_600.0
"""When a temporary file is one that a crash has left."""


class FileStore(SessionStore):
    """Keep sessions as files.

    The folder is created for the current user only (mode 0700), the files have mode 0600. It must
    be on a local disk, because network file systems may not lock, and must hold nothing else.

    Args:
        path: The folder.
        clock: Returns the seconds since the epoch.

    Raises `RuntimeError` for a folder that others may write to or own; importing this module does
    on Windows, which has no locks of this kind.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock = time.time) -> None:
        super().__init__(clock)
        self.path = os.fspath(path)
        self._is_checked = False
        self._made: set[str] = set()
        self._next_sweep = clock() + SWEEP_EVERY_S
        self._last_swept = ""
        self._next_folder = int.from_bytes(os.urandom(1), "big")
        self._sweeping = threading.Lock()
        with suppress(OSError):  # reported by the first request, as any other failure
            self._check_folder()

    def __repr__(self) -> str:
        return f"<FileStore in {self.path}>"

    def after_fork(self) -> None:
        """Renew the lock of this process."""
        self._sweeping = threading.Lock()

    def get(self, id_hash: str) -> Stored | None:
        """Return a session: see `SessionStore.get`."""
        with _reporting():
            found = self._read(id_hash)
        return None if found is None else found[0]

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
        with _reporting(), self._locked(id_hash):
            found = self._read(id_hash)
            if (0 if found is None else found[0].version) != expected_version:
                return False
            created_at = now if found is None else found[0].created_at
            stored = Stored(data, expected_version + 1, user, created_at, now)
            if found is not None and found[0].user != user:
                self._unlist(found[0].user, id_hash)
            self._write(id_hash, stored, now + lifetime_s)
        self._sweep_sometimes()
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
        old = self.get(id_hash)
        # The new id is not known to anybody yet, so its folder needs no lock.
        with (
            _reporting(),
            self._user_locked(None if old is None else old.user),
            self._locked(id_hash),
        ):
            found = self._read(id_hash)
            if found is None or found[0].version != expected_version:
                return False
            self._write(new_hash, Stored(data, 1, user, now, now), now + lifetime_s)
            self._remove(id_hash, found[0].user)
            return True

    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now: see `SessionStore.touch`."""
        now = self.clock()
        with _reporting(), self._locked(id_hash):
            found = self._read(id_hash)
            if found is not None:
                self._write(id_hash, found[0]._replace(used_at=now), now + lifetime_s)

    def delete(self, id_hash: str) -> None:
        """End a session: see `SessionStore.delete`."""
        with _reporting(), self._locked(id_hash):
            found = self._read(id_hash)
            self._remove(id_hash, None if found is None else found[0].user)

    def delete_of_user(self, user: str, except_: str | None = None) -> int:
        """End the sessions of a user: see `SessionStore.delete_of_user`."""
        with _reporting(), self._user_locked(user):
            return super().delete_of_user(user, except_)

    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user: see `SessionStore.of_user`."""
        kept = []
        with _reporting():
            try:
                names = os.listdir(self._user_folder(user))
            except FileNotFoundError:
                os.stat(self.path)  # as in `_read`
                return []
            for id_hash in names:
                found = self._read(id_hash)
                if found is None or found[0].user != user:
                    self._unlist(user, id_hash)
                else:
                    kept.append(Kept(id_hash, found[0].created_at, found[0].used_at))
        return kept

    def _check_folder(self) -> None:
        """Create the folder, or check that nobody else can write to it or to those in it.

        SECURITY(planted): whoever can write a file there can write a session. Once the folder is
        ours alone, nobody else makes folders in it.
        """
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        _check_own(self.path)
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.is_dir():
                    _check_own(entry.path)
        self._is_checked = True

    def _folder(self, name: str) -> str:
        """Return a folder within this one, created when first needed."""
        if not self._is_checked:
            self._check_folder()
        path = os.path.join(self.path, name)
        if path not in self._made or not os.path.isdir(path):
            with suppress(FileExistsError):
                os.mkdir(path, 0o700)
            self._made.add(path)
        return path

    def _user_folder(self, user: str) -> str:
        return os.path.join(self.path, "users", hashlib.sha256(user.encode()).hexdigest())

    def _file(self, id_hash: str) -> str:
        return os.path.join(self.path, id_hash[:2], id_hash)

    def _locked(self, id_hash: str) -> AbstractContextManager[None]:
        """Hold the lock of a session's folder."""
        return _holding(os.path.join(self._folder(id_hash[:2]), ".lock"))

    def _user_locked(self, user: str | None) -> AbstractContextManager[None]:
        """Hold the lock of a user, and of others of the same first letters; nothing for None.

        INVARIANT: it is taken before the lock of a session's folder.
        """
        if user is None:
            return nullcontext()
        name = os.path.basename(self._user_folder(user))[:2]
        return _holding(os.path.join(self._folder("users"), f".{name}.lock"))

    def _read(self, id_hash: str) -> tuple[Stored, float] | None:
        """Return a session and when it expires; None if it has ended."""
        if not self._is_checked:
            self._check_folder()
        try:
            with open(self._file(id_hash), "rb") as file:
                head, data = file.readline(), file.read()
        except FileNotFoundError:
            # A disk that is not mounted has not ended everybody's sessions.
            os.stat(self.path)
            return None
        try:
            version, user, created_at, used_at, expires_at = json.loads(head)
        except ValueError:
            # Not by us: we rename whole files.
            return None
        if expires_at <= self.clock():
            return None
        return Stored(data, version, user, created_at, used_at), expires_at

    def _write(self, id_hash: str, stored: Stored, expires_at: float) -> None:
        folder = self._folder(id_hash[:2])
        head = [stored.version, stored.user, stored.created_at, stored.used_at, expires_at]
        if stored.user is not None:
            self._list(stored.user, id_hash)
        new = os.path.join(folder, f".{os.getpid()}-{threading.get_ident()}-{os.urandom(4).hex()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + stored.data)
            os.replace(new, self._file(id_hash))
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            raise

    def _remove(self, id_hash: str, user: str | None) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._file(id_hash))
        self._unlist(user, id_hash)

    def _list(self, user: str, id_hash: str) -> None:
        folder = self._user_folder(user)
        for _attempt in range(3):
            self._folder("users")
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            with suppress(FileNotFoundError):  # another process has removed the empty folder
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
                os.close(os.open(os.path.join(folder, id_hash), flags, 0o600))
                return

    def _unlist(self, user: str | None, id_hash: str) -> None:
        if user is not None:
            folder = self._user_folder(user)
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, id_hash))
            with suppress(OSError):  # not empty
                os.rmdir(folder)

    def _sweep_sometimes(self) -> None:
        if self.clock() >= self._next_sweep and self._sweeping.acquire(blocking=False):
            try:
                self._next_sweep = self.clock() + SWEEP_EVERY_S
                with suppress(OSError, StoreUnavailableError):
                    self.sweep()
            finally:
                self._sweeping.release()

    def sweep(self, folders: int = SWEPT_FOLDERS) -> None:
        """Remove the expired sessions of some folders; 256 are all of them.

        It looks at a bounded number of files, and goes on with the next one the next time: soon,
        if many of them had expired.
        """
        seen = removed = 0
        for _ in range(folders):
            folder = os.path.join(self.path, f"{self._next_folder:02x}")
            try:
                names = sorted(os.listdir(folder))
            except FileNotFoundError:
                names = []
            for name in names[bisect_right(names, self._last_swept) :]:
                if seen >= SWEPT_FILES:
                    if removed > seen // 4:
                        self._next_sweep = self.clock() + SWEEP_SOON_S
                    return
                seen += 1
                removed += self._sweep_file(os.path.join(folder, name))
                self._last_swept = name
            self._next_folder = (self._next_folder + 1) % 256
            self._last_swept = ""

    def _sweep_file(self, path: str) -> bool:
        """Remove a session that has expired, or what a crash has left; return whether it was."""
        name = os.path.basename(path)
        if name.startswith("."):
            if name != ".lock" and os.stat(path).st_mtime < time.time() - ABANDONED_S:
                os.unlink(path)
            return False
        if self._read(name) is not None:
            return False
        with self._locked(name):
            # Once more: it may have been written in the meantime.
            if self._read(name) is not None:
                return False
            self._remove(name, _user_of(path))
            return True


def _check_own(folder: str) -> None:
    """Raise `RuntimeError` for a folder that somebody else can write to."""
    status = os.stat(folder)
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        fault = f"it belongs to another user (number {status.st_uid})"
        mend = f"chown {os.geteuid()} {shlex.quote(folder)}"
    elif mode & 0o022:
        fault = f"others may write to it (mode {mode:o})"
        mend = f"chmod 700 {shlex.quote(folder)}"
    else:
        return
    raise RuntimeError(
        f"The folder {folder!r} is to keep sessions, but {fault}, so sessions could be made by"
        f" others. Remove what is in it, and run: {mend}"
    )


@contextmanager
def _holding(lock: str) -> t.Iterator[None]:
    """Hold the lock of a file, which other threads and processes wait for."""
    opened = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        flock(opened, LOCK_EX)
        yield
    finally:
        os.close(opened)  # which releases it


def _user_of(path: str) -> str | None:
    with suppress(OSError, ValueError), open(path, "rb") as file:
        user = json.loads(file.readline())[1]
        return user if isinstance(user, str) else None
    return None


@contextmanager
def _reporting() -> t.Iterator[None]:
    """Report an error of the file system as one of the store."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"the session's file can't be used: {error}") from error
