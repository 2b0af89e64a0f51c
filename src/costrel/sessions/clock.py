"""The clock of sessions: one function, so that tests can set the time in one place."""

from __future__ import annotations

import time


def now_s() -> int:
    """Return the time in whole seconds since 1970, as signatures have it."""
    return int(time.time())
