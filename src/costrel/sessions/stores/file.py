"""Sessions in files of a folder, for several processes on one machine.

A session is the file ``ab/<hash>``, where ``ab`` begins its hash: a line of JSON, then the data. An
empty file ``users/<hash of the user>/<hash>`` lists it. Names are only ever hashes. Files are
replaced by renaming, so that readers need no lock; writers hold the lock of the session's folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
import time
import typing as t
from contextlib import contextmanager, suppress

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

    Raises `RuntimeError` for a folder that others may write to; importing this module does on
    Windows, which has no locks of this kind.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock = time.time) -> None:
        super().__init__(clock)
        self.path = os.fspath(path)
        self._is_checked = False
        self._made: set[str] = set()
        self._next_sweep = clock() + SWEEP_EVERY_S
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
        # The new id is not known to anybody yet, so its folder needs no lock.
        with _reporting(), self._locked(id_hash):
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
        """Create the folder, or check that only its owner can write to it.

        SECURITY(planted): whoever can write a file there can write a session.
        """
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        mode = stat.S_IMODE(os.stat(self.path).st_mode)
        if mode & 0o022:
            raise RuntimeError(
                f"The folder {self.path!r} is to keep sessions, but others may write to it (mode"
                f" {mode:o}), and so make sessions. Run: chmod 700 {self.path}"
            )
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

    @contextmanager
    def _locked(self, id_hash: str) -> t.Iterator[None]:
        """Hold the lock of a session's folder, which other threads and processes wait for."""
        lock = os.open(
            os.path.join(self._folder(id_hash[:2]), ".lock"),
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
        try:
            flock(lock, LOCK_EX)
            yield
        finally:
            os.close(lock)  # which releases it

    def _read(self, id_hash: str) -> tuple[Stored, float] | None:
        """Return a session and when it expires; None if it has ended."""
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
        """Remove the expired sessions of some folders; 256 are all of them."""
        left = SWEPT_FILES
        for _ in range(folders):
            name = f"{self._next_folder:02x}"
            self._next_folder = (self._next_folder + 1) % 256
            with suppress(FileNotFoundError), os.scandir(os.path.join(self.path, name)) as files:
                for file in files:
                    if left <= 0:
                        return
                    left -= 1
                    self._sweep_file(file)

    def _sweep_file(self, file: os.DirEntry[str]) -> None:
        if file.name.startswith("."):
            if file.name != ".lock" and file.stat().st_mtime < time.time() - ABANDONED_S:
                os.unlink(file.path)
        elif self._read(file.name) is None:
            with self._locked(file.name):
                # Once more: it may have been written in the meantime.
                if self._read(file.name) is None:
                    self._remove(file.name, _user_of(file.path))


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
