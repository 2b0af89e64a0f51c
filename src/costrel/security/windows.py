"""The store of rate limits in memory: two counts for each key, and a bounded number of keys."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import OrderedDict
from math import floor

from limits.storage import SlidingWindowCounterSupport, Storage

MOST_KEYS = 100_000
"""So many keys are kept, which take about 30 MB. Beyond that, those not seen for longest go."""

_ONLY_WINDOWS = "This store counts in sliding windows only."


Window = tuple[int, float, int, float]
_NOTHING: Window = 0, 0.0, 0, 0.0


class _Count:
    """The counts of one key: of the window that began at a time, and of the one before."""

    __slots__ = ("began", "current", "length", "previous")

    def __init__(self, began: float, length: float) -> None:
        self.began = began
        self.length = length
        self.previous = self.current = 0

    def turn(self, now: float) -> float:
        """Begin a new window if the current one is over; return how much of it is left (s)."""
        since = now - self.began
        if since >= 2 * self.length:
            self.previous = self.current = 0
            self.began, since = now, 0.0
        elif since >= self.length:
            self.previous, self.current = self.current, 0
            self.began += self.length
            since -= self.length
        return self.length - since

    def is_over(self, now: float) -> bool:
        """Whether nothing is counted any more."""
        return now - self.began >= 2 * self.length


class MemoryWindows(Storage, SlidingWindowCounterSupport):
    """Count in this process: see `limits.storage.Storage`.

    Args:
        most_keys: How many keys are kept.
        clock: Returns the time in seconds.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, most_keys: int = MOST_KEYS, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most_keys = most_keys
        self._clock = clock
        # INVARIANT: the key that was counted last is the last one.
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._counts)

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count a request if there is room for it; return whether there is."""
        return self.spend(key, limit, expiry, amount)[0]

    def spend(self, key: str, limit: int, expiry: int, amount: int) -> tuple[bool, Window]:
        """Count a request if there is room for it; return whether there is, and both counts.

        It does what the two methods of `limits` do, at one time and with one lock.
        """
        with self._lock:
            now = self._clock()
            count = self._counts.get(key)
            if count is None:
                if amount > limit:
                    return False, _NOTHING
                count = self._counts[key] = _Count(now, expiry)
                self._forget(now)
            elif amount <= limit:
                self._counts.move_to_end(key)
            left = count.turn(now)
            previous, current = count.previous, count.current
            used = floor(previous * left / expiry + current)
            allowed = used + amount <= limit
            if allowed:
                current = count.current = current + amount
            return allowed, (previous, left if previous else 0.0, current, left + expiry)

    def _forget(self, now: float) -> None:
        """Drop keys: two whose windows are over, and those beyond the greatest number."""
        counts = self._counts
        for key in [*_first(counts, 2)]:
            if counts[key].is_over(now):
                del counts[key]
        while len(counts) > self._most_keys:
            counts.popitem(last=False)

    def get_sliding_window(self, key: str, expiry: int) -> Window:
        """Return both counts, and how long each is kept in seconds."""
        with self._lock:
            count = self._counts.get(key)
            if count is None:
                return _NOTHING
            left = count.turn(self._clock())
            return count.previous, left if count.previous else 0.0, count.current, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002  as in others
        """Forget a key."""
        self.clear(key)

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._counts.pop(key, None)

    def reset(self) -> int | None:
        """Forget all keys; return how many there were."""
        with self._lock:
            count = len(self._counts)
            self._counts.clear()
            return count

    def check(self) -> bool:
        """Return true: memory is there."""
        return True

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """The errors that stand for a store that is out of order: none."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Raise `NotImplementedError`."""
        raise NotImplementedError(_ONLY_WINDOWS)

    def get(self, key: str) -> int:
        """Raise `NotImplementedError`."""
        raise NotImplementedError(_ONLY_WINDOWS)

    def get_expiry(self, key: str) -> float:
        """Raise `NotImplementedError`."""
        raise NotImplementedError(_ONLY_WINDOWS)


def _first(keys: t.Iterable[str], count: int) -> t.Iterator[str]:
    for key, _number in zip(keys, range(count), strict=False):
        yield key
