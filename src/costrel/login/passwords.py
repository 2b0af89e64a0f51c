"""Passwords: hashing them with Argon2id, and verifying them, old hashes of Werkzeug too."""

from __future__ import annotations

import logging
import os
import threading
import time
import typing as t
import unicodedata
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from werkzeug.exceptions import ServiceUnavailable

from ..dispatch.threads import WorkerThreads, hop
from ..ground.current import context

if t.TYPE_CHECKING:
    from argon2 import PasswordHasher

MAX_PASSWORD_CHARS = 1024
"""Longer passwords are refused before anything is hashed, so that they cost nothing."""

HASHES_AT_ONCE = 2
"""How many passwords a process hashes at the same time, since each needs 64 MiB."""

WAIT_S = 10.0
"""How long a call waits for its turn to hash, before the client gets a 503 (seconds).

Of an async call, too, from when it was made. What waits for longer is refused without being hashed,
so the calls that wait are those of this time.
"""

_NO_ARGON2 = (
    "Passwords are hashed by argon2-cffi, which is not installed. Install it with"
    ' `pip install "costrel[login]"`.'
)

_log = logging.getLogger("costrel.login")
_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one Argon2id hash costs; the default takes about 50 ms and 64 MiB.

    SPEC(RFC 9106 §4): the default is the second recommended option, for limited memory. Set
    ``LOGIN_HASH_COST`` to another one; hashes of another cost are renewed when they are verified.

    Attributes:
        time_cost: The number of passes over the memory.
        memory_kib: The memory, in KiB.
        parallelism: The number of threads.
    """

    time_cost: int = 3
    memory_kib: int = 65_536
    parallelism: int = 4


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify_password` has found out; true if the password is right.

    Attributes:
        ok: Whether the password is right.
        renewed: A new hash to store in place of the old one; None if that one is up to date.
    """

    ok: bool
    renewed: str | None = None

    def __bool__(self) -> bool:
        return self.ok


WRONG = Verified(ok=False)


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a new password, to be stored for its user.

    It contains the salt and the cost, so it is all that `verify_password` needs. It takes the time
    of about 50 ms: in async code, await `hash_password_async`.

    SPEC(RFC 8265 §4.2): the same text typed on different keyboards gives the same password.

    Raises `ValueError` for a password that is empty, longer than 1,024 characters, or has control
    characters, and `RuntimeError` if argon2-cffi is not installed. A process that is hashing too
    much already raises `ServiceUnavailable` (503) after ten seconds.
    """
    return _hash_by(_deadline(), password)


def _hash_by(deadline: float, password: str) -> str:
    if len(password) > MAX_PASSWORD_CHARS:
        raise ValueError(
            f"The password has {len(password)} characters; at most {MAX_PASSWORD_CHARS} are"
            " accepted. Check the length in the form, and tell the user."
        )
    prepared = _prepare(password)
    if prepared is None:
        raise ValueError(
            "The password is empty, or contains control characters or halves of surrogate pairs,"
            " which can't be typed on every keyboard. Check this in the form, and tell the user."
        )
    hasher = _hasher(_cost())
    with _turn(deadline):
        return hasher.hash(prepared)


def verify_password(stored: str | None, given: str) -> Verified:
    """Check a password that somebody has given against the stored hash of a user.

    Pass None as the hash if there is no such user: that takes the same time and is never right,
    so nobody can find out by the time which names exist. If the result has ``renewed``, store
    that hash: the old one was made by Werkzeug (``scrypt:``, ``pbkdf2:``), or at another cost.

    A password of more than 1,024 characters is wrong and is not hashed at all. In async code,
    await `verify_password_async`. Raises what `hash_password` raises, except `ValueError`.
    """
    return _verify_by(_deadline(), stored, given)


def _verify_by(deadline: float, stored: str | None, given: str) -> Verified:
    if len(given) > MAX_PASSWORD_CHARS:
        # SECURITY(DoS): also for unknown names, so the time says nothing.
        return WRONG
    if stored is not None and stored.startswith(("scrypt:", "pbkdf2:")):
        return _verify_old(stored, given, deadline)
    hasher = _hasher(_cost())
    prepared = _prepare(given)
    if prepared is not None and stored is not None and stored.startswith("$argon2"):
        return _verify(hasher, stored, prepared, deadline)
    if stored and not stored.startswith("$argon2"):
        _log.error("A stored password hash has an unknown format, so its password is refused")
    # SECURITY(user enumeration): the work of a real hash, for a user who has none.
    _verify(hasher, _dummy(_cost()), prepared or " ", deadline)
    return WRONG


async def hash_password_async(password: str) -> str:
    """Do what `hash_password` does, in a thread, while the event loop goes on."""
    return await hop(_threads(), _hash_by, _deadline(), password)


async def verify_password_async(stored: str | None, given: str) -> Verified:
    """Do what `verify_password` does, in a thread, while the event loop goes on."""
    return await hop(_threads(), _verify_by, _deadline(), stored, given)


def _prepare(password: str) -> str | None:
    """Return the form of a password that is hashed; None for one that is not acceptable.

    SPEC(RFC 8265 §4.2.2): each kind of space is the usual one, and composed characters are equal
    to decomposed ones (NFC). Letters keep their case and width.
    """
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    prepared = unicodedata.normalize("NFC", spaced)
    # SPEC(RFC 8264 §9.11): no control characters, and nothing that UTF-8 can't encode.
    if not prepared or any(unicodedata.category(char) in {"Cc", "Cs"} for char in prepared):
        return None
    return prepared


def _verify(hasher: PasswordHasher, stored: str, prepared: str, deadline: float) -> Verified:
    from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

    try:
        with _turn(deadline):
            hasher.verify(stored, prepared)
            is_old = hasher.check_needs_rehash(stored)
            return Verified(ok=True, renewed=hasher.hash(prepared) if is_old else None)
    except VerifyMismatchError:
        return WRONG
    except (VerificationError, InvalidHashError):
        _log.error("A stored Argon2 hash is damaged, so its password is refused")
        return WRONG


def _verify_old(stored: str, given: str, deadline: float) -> Verified:
    """Verify a hash of `werkzeug.security`, whose passwords were hashed as they were given."""
    from werkzeug.security import check_password_hash

    with _turn(deadline):
        try:
            ok = check_password_hash(stored, given)
        except (ValueError, TypeError):  # parameters that are damaged, or text that is no UTF-8
            ok = False
        prepared = _prepare(given) if ok else None
        renewed = None if prepared is None else _hasher(_cost()).hash(prepared)
        return Verified(ok, renewed)


def _cost() -> HashCost:
    """Return the cost that the current application has set, or the default."""
    ctx = context.get(None)
    return check_cost(None if ctx is None else ctx.app.config.get("LOGIN_HASH_COST"))


def check_cost(cost: t.Any) -> HashCost:
    """Return the cost that ``LOGIN_HASH_COST`` means; raises `TypeError` for what is none."""
    if cost is None:
        return _DEFAULT_COST
    if not isinstance(cost, HashCost):
        raise TypeError(
            f"LOGIN_HASH_COST is {cost!r}. Write costrel.login.HashCost(time_cost=3,"
            " memory_kib=65536, parallelism=4)."
        )
    return cost


_DEFAULT_COST = HashCost()


@lru_cache(maxsize=8)
def _hasher(cost: HashCost) -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise RuntimeError(_NO_ARGON2) from error
    return PasswordHasher(
        time_cost=cost.time_cost, memory_cost=cost.memory_kib, parallelism=cost.parallelism
    )


@lru_cache(maxsize=8)
def _dummy(cost: HashCost) -> str:
    """Return the hash of no password, as costly to verify as any other.

    It is composed of random bytes, so that the first unknown name takes no longer than others.
    """
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    costs = f"m={cost.memory_kib},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _deadline() -> float:
    """Return until when a call that begins now waits for its turn, wherever it waits."""
    return time.monotonic() + WAIT_S


@contextmanager
def _turn(deadline: float) -> t.Iterator[None]:
    """Wait until this call may hash, or until the deadline.

    SECURITY(DoS): many logins at once take time, not memory. Those of event loops wait for a
    thread first, so theirs may be over by now.
    """
    left_s = deadline - time.monotonic()
    if left_s < 0 or not _slots.acquire(timeout=left_s):
        _log.error("Passwords are not hashed as fast as they come; answered one with 503")
        raise ServiceUnavailable("Too many people are logging in. Try again soon.", retry_after=10)
    try:
        yield
    finally:
        _slots.release()


@lru_cache(maxsize=1)
def _threads() -> WorkerThreads:
    """Return the threads that hash for event loops, so that no other work waits behind them."""
    return WorkerThreads(HASHES_AT_ONCE, "costrel-passwords")
