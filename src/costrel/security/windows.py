"""The store of rate limits in memory: two counts for each key, and a bounded number of keys."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import OrderedDict
from math import floor

from limits.storage import SlidingWindowCounterSupport, Storage

MOST_KEYS = 100_000
"""So many keys are kept, which take about 30 MB. Beyond that, those of the group that has most go.

SECURITY(limits): of these, the one not seen for longest. So whoever may choose keys of one limit,
such as the API key that is counted, can't push out what another one has counted, such as attempts
to log in.
"""

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


_NO_KEYS: OrderedDict[str, _Count] = OrderedDict()


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
        # INVARIANT: in each group, the key that was counted last is the last one; none is empty.
        self._groups: dict[str, OrderedDict[str, _Count]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._size

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count a request if there is room for it; return whether there is."""
        return self.spend(key, limit, expiry, amount)[0]

    def spend(
        self, key: str, limit: int, expiry: int, amount: int, group: str = ""
    ) -> tuple[bool, Window]:
        """Count a request if there is room for it; return whether there is, and both counts.

        It does what the two methods of `limits` do, at one time and with one lock.

        Args:
            key: The key, which belongs to no other group.
            limit: How many requests are allowed.
            expiry: In how many seconds.
            amount: How many requests this one counts as.
            group: What keys push each other out; of bounded number.
        """
        with self._lock:
            now = self._clock()
            counts = self._groups.get(group, _NO_KEYS)
            count = counts.get(key)
            if count is None:
                if amount > limit:
                    return False, _NOTHING
                count = self._add(group, key, _Count(now, expiry))
            elif amount <= limit:
                counts.move_to_end(key)
            left = count.turn(now)
            previous, current = count.previous, count.current
            used = floor(previous * left / expiry + current)
            allowed = used + amount <= limit
            if allowed:
                current = count.current = current + amount
            return allowed, (previous, left if previous else 0.0, current, left + expiry)

    def _add(self, group: str, key: str, count: _Count) -> _Count:
        """Keep a new key; drop two of its group whose windows are over, and one if it is full."""
        counts = self._groups.setdefault(group, OrderedDict())
        counts[key] = count
        self._size += 1
        for old in [*_first(counts, 2)]:
            if counts[old].is_over(count.began):
                self._drop(group, old)
        if self._size > self._most_keys:
            largest = max(self._groups, key=lambda name: len(self._groups[name]))
            self._drop(largest, next(iter(self._groups[largest])))
        return count

    def _drop(self, group: str, key: str) -> None:
        counts = self._groups[group]
        del counts[key]
        self._size -= 1
        if not counts:
            del self._groups[group]

    def _group_of(self, key: str) -> str | None:
        """Return the group that has a key."""
        return next((name for name, counts in self._groups.items() if key in counts), None)

    def get_sliding_window(self, key: str, expiry: int) -> Window:
        """Return both counts, and how long each is kept in seconds."""
        with self._lock:
            group = self._group_of(key)
            if group is None:
                return _NOTHING
            count = self._groups[group][key]
            left = count.turn(self._clock())
            return count.previous, left if count.previous else 0.0, count.current, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002  as in others
        """Forget a key."""
        self.clear(key)

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            group = self._group_of(key)
            if group is not None:
                self._drop(group, key)

    def reset(self) -> int | None:
        """Forget all keys; return how many there were."""
        with self._lock:
            count, self._size = self._size, 0
            self._groups.clear()
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
