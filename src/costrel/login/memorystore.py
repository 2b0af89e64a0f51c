"""Remembered browsers in the memory of the process."""

from __future__ import annotations

import threading

from .series import Series

LIMIT = 10_000
"""How many series are kept; beyond, those that were used least recently are forgotten."""


class MemoryRememberStore:
    """Keeps remembered browsers until the process ends: for development and tests.

    Other processes don't know them, and with several workers each is one. Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[str, Series] = {}

    def add(self, series: Series) -> None:
        """Store a new series."""
        with self._lock:
            self._series[series.selector] = series
            while len(self._series) > LIMIT:
                del self._series[next(iter(self._series))]

    def get(self, selector: str) -> Series | None:
        """Return a series; None if it is not known."""
        return self._series.get(selector)

    def replace(self, series: Series, expected_hash: str) -> bool:
        """Store a changed series if its stored ``validator_hash`` is the expected one."""
        with self._lock:
            stored = self._series.get(series.selector)
            if stored is None or stored.validator_hash != expected_hash:
                return False
            del self._series[series.selector]  # so that it is the last one in the order
            self._series[series.selector] = series
            return True

    def delete(self, selector: str) -> None:
        """Forget a series."""
        with self._lock:
            self._series.pop(selector, None)

    def delete_of_user(self, user_id: str) -> None:
        """Forget all series of a user."""
        with self._lock:
            kept = {name: one for name, one in self._series.items() if one.user_id != user_id}
            self._series = kept
