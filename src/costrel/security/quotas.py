"""Quotas: how many requests in what time, as people write it, and what is left of it."""

from __future__ import annotations

import math
import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from limits.limits import RateLimitItem

Window = tuple[int, float, int, float]
"""Two counts, each with the seconds that it is kept: the window before the current one's, and the
current one's, which is kept for one window more. That is what stores of ``limits`` return."""

MISSING = (
    "Rate limits need the package 'limits', which is not installed: pip install \"costrel[limits]\""
)


class Quota(t.NamedTuple):
    """So many requests in so much time.

    Attributes:
        amount: How many.
        window_s: In how many seconds.
        text: How people write it, such as ``10/minute``.
        item: What the package ``limits`` calls it.
    """

    amount: int
    window_s: int
    text: str
    item: RateLimitItem


class RateStatus(t.NamedTuple):
    """What is left of a quota after a request.

    Attributes:
        allowed: Whether the request was within the quota.
        remaining: How many more requests are.
        reset_s: In how many seconds there is more: if it was refused, until such a request is
            allowed again, and otherwise until the current window ends.
        quota: The quota: of several, the one that leaves the least.
        is_guess: Whether the store could not be asked, so that nothing is known.
    """

    allowed: bool
    remaining: int
    reset_s: int
    quota: Quota | None = None
    is_guess: bool = False


@lru_cache(maxsize=512)
def quotas_of(text: str) -> tuple[Quota, ...]:
    """Return the quotas that a text names, the shortest time first: ``10/minute; 100/hour``.

    Raises `ValueError` for a text that names none, and `RuntimeError` without the package
    ``limits``.
    """
    try:
        from limits.util import parse_many
    except ImportError:
        raise RuntimeError(MISSING) from None
    try:
        items = parse_many(text)
    except ValueError:
        raise ValueError(_say(text)) from None
    if any(item.amount < 1 for item in items):
        raise ValueError(f"{_say(text)} At least one request has to be allowed.")
    found = [Quota(item.amount, item.get_expiry(), _written(item), item) for item in items]
    return tuple(sorted(found, key=lambda quota: quota.window_s))


def _say(text: object) -> str:
    return (
        f"{text!r} is no rate limit. Write how many requests are allowed in what time, such as"
        " '10/minute', '100 per 15 minutes' or '10/minute; 200/hour'."
    )


def _written(item: RateLimitItem) -> str:
    unit = item.GRANULARITY.name
    return f"{item.amount}/{unit if item.multiples == 1 else f'{item.multiples}{unit}s'}"


def status_of(quota: Quota, window: Window, cost: int, *, allowed: bool) -> RateStatus:
    """Return what a store's counts say of a quota, after a request of so many points."""
    previous, previous_s, current, current_s = window
    used = previous * previous_s / quota.window_s + current
    remaining = max(0, quota.amount - math.floor(used))
    if allowed:
        seconds = current_s - quota.window_s if current else quota.window_s
    else:
        remaining = 0 if cost <= 1 else remaining
        # At the very moment it is just not allowed yet.
        seconds = math.floor(wait_s(quota, window, cost)) + 1
    return RateStatus(allowed, remaining, max(1, math.ceil(seconds)), quota)


def wait_s(quota: Quota, window: Window, cost: int) -> float:
    """Return in how many seconds a request of so many points fits into a quota again.

    The count of the window before fades evenly while the current one lasts.
    """
    previous, _previous_s, current, current_s = window
    length = quota.window_s
    #: What may be counted for such a request to be allowed, at most.
    room = quota.amount - cost + 1
    if room <= 0:
        return length
    left = max(0.0, current_s - length) if current_s else length
    if current < room:
        return max(0.0, left - (room - current) * length / previous) if previous else 0.0
    return left + length * (1 - room / current)
