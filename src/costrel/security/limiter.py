"""The limiter of an application: it counts, in memory or in Redis, and bears that one's outages."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import typing as t
from urllib.parse import urlsplit

from ..ground.redaction import check_server_address
from .quotas import MISSING, Quota, RateStatus, quotas_of, status_of

if t.TYPE_CHECKING:
    from limits.strategies import SlidingWindowCounterRateLimiter

    from .windows import MemoryWindows

MEMORY = "memory:"
"""The store in this process, which is the default."""

SCHEMES = ("redis", "rediss", "redis+unix", "valkey", "valkeys", "valkey+unix")
"""The schemes of the URLs of other stores."""

ON_OUTAGE = ("memory", "allow", "refuse")
"""What ``RATE_LIMIT_ON_OUTAGE`` may be."""

STORE_TIMEOUT_S = 0.5
"""How long a store is waited for."""

PAUSE_S = 5.0
"""For how long a store that has failed is not asked again."""

_KEY_LENGTH = 100

_MARK = "\0"

Keys = tuple[tuple[Quota, str, str], ...]
"""Quotas, each with what `limits` puts before and behind a client's key."""

_log = logging.getLogger("costrel.security")


def check_outage(on_outage: t.Any) -> None:
    """Raise `ValueError` for what ``RATE_LIMIT_ON_OUTAGE`` can't be."""
    if on_outage not in ON_OUTAGE:
        raise ValueError(
            f"RATE_LIMIT_ON_OUTAGE is {on_outage!r}. It has to be one of"
            f" {', '.join(map(repr, ON_OUTAGE))}."
        )


class Limiter:
    """Count requests, attempts or whatever else is limited.

    It may be used by several threads. With Redis, `hit` and `reset` wait for the network, so
    async code calls them in a thread: ``await asyncio.to_thread(limiter.hit, ...)``.

    Args:
        url: Where to count: ``memory:``, or the URL of a Redis or Valkey server.
        on_outage: What to do while that can't be reached: ``memory`` counts in this process,
            ``allow`` allows everything, and ``refuse`` nothing.
        prefix: Begins all names, so that applications may share a store.
        clock: Returns the time in seconds, for the store in memory and for outages.

    Raises `ValueError` for another URL, and `RuntimeError` if a package is not installed.
    """

    def __init__(
        self,
        url: str = MEMORY,
        on_outage: str = "memory",
        prefix: str = "",
        *,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        check_outage(on_outage)
        #: Whether a store on the network is asked, which may take a while.
        self.is_remote = not url.startswith(MEMORY)
        self._url = url
        self._prefix = prefix
        self._on_outage = on_outage
        self._clock = clock
        self._down_until = 0.0
        self._errors: tuple[type[Exception], ...] = ()
        self._lock = threading.Lock()
        self._in_memory: SlidingWindowCounterRateLimiter | None = None
        self._main = self._open() if self.is_remote else self._memory()
        #: The quotas of each name, to forget what was counted; bounded by the code's names.
        self._known: dict[str, set[Quota]] = {}
        #: The quotas that each name was last asked for with, and what its keys begin and end with.
        self._keys: dict[str, tuple[tuple[Quota, ...], Keys]] = {}

    def hit(self, name: str, limit: str, key: str, cost: int = 1) -> RateStatus:
        """Count one request of a client, if it is within the limit.

        A request that is refused is not counted, so a client that waits gets in again.

        Args:
            name: What is limited, such as ``login``. Each name is counted apart.
            limit: How much of it, such as ``5/minute; 20/hour``.
            key: Who does it, such as an address or a user's name.
            cost: How many requests this one counts as.

        Returns what is left: of several quotas, of the one that leaves the least. Raises
        `ValueError` for what is no limit; an outage of the store raises nothing.
        """
        statuses = self.spend(name, quotas_of(limit), key, cost)
        return min(statuses, key=lambda status: (status.allowed, status.remaining))

    def spend(
        self, name: str, quotas: tuple[Quota, ...], key: str, cost: int = 1
    ) -> list[RateStatus]:
        """Count a request on each quota, up to the first that refuses it; return their statuses."""
        known = self._keys.get(name)
        keys = known[1] if known is not None and known[0] is quotas else self._learn(name, quotas)
        key = _short(key)
        if self.is_remote:
            if self._clock() < self._down_until:
                return self._without_store(keys, key, cost)
            try:
                return _spend(self._main, keys, key, cost)
            except self._errors as error:
                self._note(error)
                return self._without_store(keys, key, cost)
        return _spend_in_memory(t.cast("MemoryWindows", self._main.storage), keys, key, cost)

    def _learn(self, name: str, quotas: tuple[Quota, ...]) -> Keys:
        """Note the quotas of a name, and return what their keys begin and end with."""
        full = self._prefix + name
        self._known.setdefault(full, set()).update(quotas)
        keys = []
        for quota in quotas:
            before, _mark, after = quota.item.key_for(full, _MARK).rpartition(_MARK)
            keys.append((quota, before, after))
        self._keys[name] = quotas, tuple(keys)
        return self._keys[name][1]

    def reset(self, name: str, key: str) -> None:
        """Forget what was counted for a key, as after a login that has succeeded."""
        name = self._prefix + name
        key = _short(key)
        for quota in tuple(self._known.get(name, ())):
            if self._in_memory is not None:
                self._in_memory.clear(quota.item, name, key)
            if not self.is_remote or self._clock() < self._down_until:
                continue
            try:
                self._main.clear(quota.item, name, key)
            except self._errors as error:
                self._note(error)

    def _without_store(self, keys: Keys, key: str, cost: int) -> list[RateStatus]:
        """Do without the store what the application has chosen for an outage."""
        if self._on_outage == "memory":
            storage = t.cast("MemoryWindows", self._memory().storage)
            return _spend_in_memory(storage, keys, key, cost)
        allowed = self._on_outage == "allow"
        seconds = round(PAUSE_S)
        return [RateStatus(allowed, 0, seconds, one[0], is_guess=True) for one in keys]

    def _memory(self) -> SlidingWindowCounterRateLimiter:
        with self._lock:
            if self._in_memory is None:
                try:
                    from limits.strategies import SlidingWindowCounterRateLimiter
                except ImportError:
                    raise RuntimeError(MISSING) from None
                from .windows import MemoryWindows

                self._in_memory = SlidingWindowCounterRateLimiter(MemoryWindows(clock=self._clock))
            return self._in_memory

    def _open(self) -> SlidingWindowCounterRateLimiter:
        """Return what counts in the store of the URL, to which it connects later."""
        check_server_address("RATE_LIMIT_STORE", self._url)
        scheme = urlsplit(self._url).scheme
        if scheme not in SCHEMES:
            raise ValueError(
                f"RATE_LIMIT_STORE has the scheme {scheme!r}. It has to be 'memory:' or the URL of"
                " a Redis server, such as 'redis://localhost:6379'."
            )
        try:
            from limits.errors import ConfigurationError, StorageError
            from limits.storage import storage_from_string
            from limits.strategies import SlidingWindowCounterRateLimiter
        except ImportError:
            raise RuntimeError(MISSING) from None
        self._errors = (StorageError, OSError)
        library = "valkey" if scheme.startswith("valkey") else "redis"
        try:
            storage = storage_from_string(
                self._url,
                wrap_exceptions=True,
                socket_timeout=STORE_TIMEOUT_S,
                socket_connect_timeout=STORE_TIMEOUT_S,
            )
        except ConfigurationError:
            raise RuntimeError(
                f"RATE_LIMIT_STORE needs the package {library!r}, which is not installed:"
                f" pip install {library}"
            ) from None
        return SlidingWindowCounterRateLimiter(storage)

    def _note(self, error: Exception) -> None:
        """Leave the store alone for a while, and say so once for each such time."""
        with self._lock:
            now = self._clock()
            if now < self._down_until:
                return
            self._down_until = now + PAUSE_S
        reason = getattr(error, "storage_error", error)
        _log.error(
            "The store of rate limits, RATE_LIMIT_STORE, can't be reached (%s: %s). For the next"
            " %g s, RATE_LIMIT_ON_OUTAGE = %r decides.",
            type(reason).__name__,
            reason,
            PAUSE_S,
            self._on_outage,
        )


def _spend(
    limiter: SlidingWindowCounterRateLimiter, keys: Keys, key: str, cost: int
) -> list[RateStatus]:
    statuses = []
    storage: t.Any = limiter.storage
    for quota, before, after in keys:
        # What `limiter.hit` does, with the key of both made once.
        counted = f"{before}{key}{after}"
        allowed = storage.acquire_sliding_window_entry(counted, quota.amount, quota.window_s, cost)
        window = storage.get_sliding_window(counted, quota.window_s)
        statuses.append(status_of(quota, window, cost, allowed=allowed))
        if not allowed:
            break
    return statuses


def _spend_in_memory(storage: MemoryWindows, keys: Keys, key: str, cost: int) -> list[RateStatus]:
    statuses = []
    for quota, before, after in keys:
        full = f"{before}{key}{after}"
        allowed, window = storage.spend(full, quota.amount, quota.window_s, cost, before)
        statuses.append(status_of(quota, window, cost, allowed=allowed))
        if not allowed:
            break
    return statuses


def _short(key: str) -> str:
    """Return a key that is not long, and has no slash that another name may have."""
    if len(key) <= _KEY_LENGTH and key.isascii() and key.isprintable() and "/" not in key:
        return key
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
