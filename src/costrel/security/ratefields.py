"""The header fields that tell a client what is left of its quotas.

SPEC(draft-ietf-httpapi-ratelimit-headers-10 and -11): ``RateLimit-Policy`` has the quotas, and
``RateLimit`` what is left of them. Both are lists of strings with parameters (RFC 9651).
"""

from __future__ import annotations

import typing as t

from .quotas import RateStatus

if t.TYPE_CHECKING:
    from ..wrappers import Response

Counted = tuple[str, RateStatus]
"""A quota's status, and what its policy is called besides the quota."""


def add_fields(response: Response, counted: t.Iterable[Counted]) -> Response:
    """Set the fields of a response, unless it has them; returns the response."""
    policies, limits = [], []
    for label, status in counted:
        quota = status.quota
        if quota is None or status.is_guess:
            continue
        name = _string(f"{label} {quota.text}" if label else quota.text)
        policies.append(f"{name};q={quota.amount};w={quota.window_s}")
        limits.append(f"{name};r={status.remaining};t={status.reset_s}")
    headers = response.headers
    if policies and "RateLimit" not in headers:
        headers["RateLimit-Policy"] = ", ".join(policies)
        headers["RateLimit"] = ", ".join(limits)
    return response


def _string(text: str) -> str:
    """Return a text as a string of structured fields. SPEC(RFC 9651 §3.3.3)."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
