"""A remembered browser: a series of cookies, each valid once.

The cookie holds a selector, which finds the series, a mark, which proves that the cookie is one
of the series, and a validator, which proves that it is the last one. Each use replaces the
validator. A thief's copy and the owner's cookie can't both be the last one, so the second of them
to be used gives the theft away.

SECURITY(denial of service): only a cookie with the mark does. Whoever has learned nothing but a
selector, from a list of browsers or from the store, can't end anybody's logins with it.
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

_SELECTOR_BYTES, _MARK_BYTES, _VALIDATOR_BYTES = 16, 16, 32
_cookie = re.compile(r"([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})", re.ASCII)


class CookieParts(t.NamedTuple):
    """What is in the cookie of a remembered browser."""

    selector: str
    mark: str
    validator: str


class Finding(Enum):
    """What a cookie is worth."""

    VALID = "it is the last one"
    CONCURRENT = "it was the last one a few seconds ago"
    EXPIRED = "the series has ended"
    STOLEN = "it was used before"
    UNKNOWN = "it was never one of the series"


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
        mark_hash: SHA-256 of the mark, which is the same in all cookies of the series.
    """

    selector: str
    user_id: str
    validator_hash: str
    previous_hash: str | None
    rotated_at: float
    expires_at: float
    fingerprint: str | None
    mark_hash: str

    @classmethod
    def start(
        cls, user_id: str, fingerprint: str | None, now: float, lifetime_s: float
    ) -> tuple[Series, str]:
        """Begin a series; returns it, and the value of its first cookie."""
        parts = CookieParts(
            secrets.token_urlsafe(_SELECTOR_BYTES),
            secrets.token_urlsafe(_MARK_BYTES),
            secrets.token_urlsafe(_VALIDATOR_BYTES),
        )
        series = cls(
            parts.selector,
            user_id,
            validator_hash=digest(parts.validator),
            previous_hash=None,
            rotated_at=now,
            expires_at=now + lifetime_s,
            fingerprint=fingerprint,
            mark_hash=digest(parts.mark),
        )
        return series, ":".join(parts)

    def rotate(self, mark: str, now: float) -> tuple[Series, str]:
        """Return the series with a new validator, and the value of its cookie, with its mark."""
        validator = secrets.token_urlsafe(_VALIDATOR_BYTES)
        rotated = replace(
            self,
            validator_hash=digest(validator),
            previous_hash=self.validator_hash,
            rotated_at=now,
        )
        return rotated, f"{self.selector}:{mark}:{validator}"

    def judge(self, parts: CookieParts, now: float) -> Finding:
        """Find out what a cookie with this selector is worth."""
        if not hmac.compare_digest(digest(parts.mark), self.mark_hash):
            return Finding.UNKNOWN
        if now >= self.expires_at:
            return Finding.EXPIRED
        given = digest(parts.validator)
        if hmac.compare_digest(given, self.validator_hash):
            return Finding.VALID
        if (
            self.previous_hash is not None
            and now - self.rotated_at < GRACE_S
            and hmac.compare_digest(given, self.previous_hash)
        ):
            return Finding.CONCURRENT
        return Finding.STOLEN


def digest(secret: str) -> str:
    """Return what is stored of a validator or a mark."""
    return hashlib.sha256(secret.encode()).hexdigest()


def split_cookie(value: str) -> CookieParts | None:
    """Return the parts of a cookie; None for anything else."""
    found = _cookie.fullmatch(value)
    return None if found is None else CookieParts(*found.groups())


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
