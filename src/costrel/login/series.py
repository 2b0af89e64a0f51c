"""A remembered browser: a series of cookies, each valid once.

The cookie holds a selector, which finds the series, and a validator, which proves that the cookie
is the last one of it. Each use replaces the validator. A thief's copy and the owner's cookie can't
both be the last one, so the second of them to be used gives the theft away.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import typing as t
from dataclasses import dataclass, replace
from enum import Enum

GRACE_S = 10.0
"""How long the cookie before the last one is accepted (seconds).

A browser that has just started sends several requests at once, all with the same cookie.
"""

_SELECTOR_BYTES, _VALIDATOR_BYTES = 16, 32
_cookie = re.compile(r"([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})", re.ASCII)


class Finding(Enum):
    """What a validator says about the cookie that it came in."""

    VALID = "it is the last one"
    CONCURRENT = "it was the last one a few seconds ago"
    EXPIRED = "the series has ended"
    STOLEN = "it was used before"


@dataclass(frozen=True, slots=True)
class Series:
    """What is stored of a remembered browser; nobody can make a cookie of it.

    Attributes:
        selector: Its name, random.
        user_id: Whom it logs in.
        validator_hash: SHA-256 of the last validator. That has 256 random bits, so no salt or
            slow hash is needed.
        previous_hash: The same of the one before.
        rotated_at: When the last one was given out, in seconds since the epoch.
        expires_at: When the browser is forgotten, however often it was used.
        fingerprint: What binds it to the user's password, if anything does.
    """

    selector: str
    user_id: str
    validator_hash: str
    previous_hash: str | None
    rotated_at: float
    expires_at: float
    fingerprint: str | None

    @classmethod
    def start(
        cls, user_id: str, fingerprint: str | None, now: float, lifetime_s: float
    ) -> tuple[Series, str]:
        """Begin a series; returns it, and the value of its first cookie."""
        selector = secrets.token_urlsafe(_SELECTOR_BYTES)
        validator = secrets.token_urlsafe(_VALIDATOR_BYTES)
        series = cls(selector, user_id, digest(validator), None, now, now + lifetime_s, fingerprint)
        return series, f"{selector}:{validator}"

    def rotate(self, now: float) -> tuple[Series, str]:
        """Return the series with a new validator, and the value of its cookie."""
        validator = secrets.token_urlsafe(_VALIDATOR_BYTES)
        rotated = replace(
            self,
            validator_hash=digest(validator),
            previous_hash=self.validator_hash,
            rotated_at=now,
        )
        return rotated, f"{self.selector}:{validator}"

    def judge(self, validator: str, now: float) -> Finding:
        """Find out what a cookie of this series is worth."""
        if now >= self.expires_at:
            return Finding.EXPIRED
        given = digest(validator)
        if hmac.compare_digest(given, self.validator_hash):
            return Finding.VALID
        if (
            self.previous_hash is not None
            and now - self.rotated_at < GRACE_S
            and hmac.compare_digest(given, self.previous_hash)
        ):
            return Finding.CONCURRENT
        return Finding.STOLEN


def digest(validator: str) -> str:
    """Return what is stored of a validator."""
    return hashlib.sha256(validator.encode()).hexdigest()


def split_cookie(value: str) -> tuple[str, str] | None:
    """Return the selector and the validator of a cookie; None for anything else."""
    found = _cookie.fullmatch(value)
    return None if found is None else (found[1], found[2])


class RememberStore(t.Protocol):
    """Where series are stored; write a class with these methods for a database of your own.

    The methods are sync. On an event loop they are called in worker threads.
    """

    def add(self, series: Series) -> None:
        """Store a new series. It may be dropped after its ``expires_at``."""

    def get(self, selector: str) -> Series | None:
        """Return a series; None if it is not known."""

    def replace(self, series: Series, expected_hash: str) -> bool:
        """Store a changed series if its stored ``validator_hash`` is the expected one.

        Returns whether it was. This must be one step, such as ``UPDATE … WHERE selector = …
        AND validator_hash = …``: of two requests, only one may succeed.
        """
        ...

    def delete(self, selector: str) -> None:
        """Forget a series; nothing happens if it is not known."""

    def delete_of_user(self, user_id: str) -> None:
        """Forget all series of a user."""
