"""The header fields that tell a client what is left of its quotas.

SPEC(draft-ietf-httpapi-ratelimit-headers-10 and -11): ``RateLimit-Policy`` has the quotas, and
``RateLimit`` what is left of them. Both are lists of strings with parameters (RFC 9651).
"""

from __future__ import annotations

import typing as t
from functools import lru_cache

from ..dispatch.hooks import AddedFields
from ..wrappers.fields import Fields, append_absent
from .quotas import RateStatus

if t.TYPE_CHECKING:
    from ..wrappers import Response

Counted = tuple[str, RateStatus]
"""A quota's status, and what its policy is called besides the quota."""


class RateFields(AddedFields):
    """The fields of one response.

    Args:
        counted: What the request was counted for.
    """

    __slots__ = ("_counted",)

    def __init__(self, counted: t.Iterable[Counted]) -> None:
        self._counted = counted

    def fields(self) -> Fields:
        """Return both fields, or none if nothing is known."""
        policies, limits = [], []
        for label, status in self._counted:
            quota = status.quota
            if quota is None or status.is_guess:
                continue
            name, policy = _written(label, quota.text, quota.amount, quota.window_s)
            policies.append(policy)
            limits.append(f"{name};r={status.remaining};t={status.reset_s}")
        if not policies:
            return []
        return [("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(limits))]

    def __call__(self, response: Response) -> Response:
        """Set the fields of a response, unless it has them; returns the response."""
        fields = self.fields()
        headers = response.headers
        if fields and not append_absent(headers, *fields) and "RateLimit" not in headers:
            for field, value in fields:
                headers[field] = value
        return response


@lru_cache(maxsize=512)
def _written(label: str, quota: str, amount: int, window_s: int) -> tuple[str, str]:
    """Return the name of a policy, and all of it.

    The name is a string of structured fields. SPEC(RFC 9651 §3.3.3)
    """
    text = f"{label} {quota}" if label else quota
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"', f'"{escaped}";q={amount};w={window_s}'
