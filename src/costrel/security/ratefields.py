"""The header fields that tell a client what is left of its quotas.

SPEC(draft-ietf-httpapi-ratelimit-headers-10 and -11): ``RateLimit-Policy`` has the quotas, and
``RateLimit`` what is left of them. Both are lists of strings with parameters (RFC 9651).
"""

from __future__ import annotations

import typing as t
from functools import lru_cache

from ..wrappers.fields import append_absent
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
        name = _name(label, quota.text)
        policies.append(f"{name};q={quota.amount};w={quota.window_s}")
        limits.append(f"{name};r={status.remaining};t={status.reset_s}")
    if policies:
        fields = ("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(limits))
        headers = response.headers
        if not append_absent(headers, *fields) and "RateLimit" not in headers:
            for field, value in fields:
                headers[field] = value
    return response


@lru_cache(maxsize=512)
def _name(label: str, quota: str) -> str:
    """Return the name of a policy as a string of structured fields. SPEC(RFC 9651 §3.3.3)."""
    text = f"{label} {quota}" if label else quota
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
