"""Compare the answers on all paths with each other and with Flask's."""

from __future__ import annotations

import re
import time
import typing as t
from email.utils import parsedate_to_datetime

from itsdangerous import BadSignature, TimestampSigner

from .application import SECRET
from .differences import LISTED
from .requests import SALT, SIGNING
from .ways import FLASK, PLANNED, AllWays
from .wire import Answer, Raw

signer = TimestampSigner(SECRET, salt=SALT, **SIGNING)
WITHIN_S = 120
"""How old an answer may be when it is read."""


def is_about(when: str, seconds: float) -> bool:
    """Return whether a date is a given number of seconds from now."""
    try:
        then = parsedate_to_datetime(when).timestamp()
    except (ValueError, OverflowError):
        return False
    return abs(then - time.time() - seconds) < WITHIN_S


def timeless(name: str, value: str) -> str:
    """Return a header's value without the current time in it."""
    if name == "date" and is_about(value, 0):
        return "now"
    if name == "expires" and is_about(value, 60):
        return "soon"
    if name != "set-cookie":
        return value
    month_s = 31 * 86_400
    value = re.sub(
        r"Expires=([^;]*)",
        lambda m: "Expires=later" if is_about(m[1], month_s) or is_about(m[1], 5) else m[0],
        value,
    )
    return re.sub(r"^session=([^;]+)", _unsigned, value)


def _unsigned(cookie: re.Match[str]) -> str:
    try:
        return f"session=signed {signer.unsign(cookie[1], max_age=WITHIN_S).decode()}"
    except BadSignature:
        return cookie[0]


def comparable(answer: Answer, *, is_ordered: bool) -> t.Any:
    """Return the parts of an answer that must agree."""
    fields = [(name.lower(), timeless(name.lower(), value)) for name, value in answer.fields]
    return answer.code, fields if is_ordered else sorted(fields), answer.body, answer.raised


def faults(raw: Raw, answers: dict[str, Answer]) -> list[str]:
    """Return what is wrong with the answers to one request."""
    found = []
    flask, planned = answers[FLASK], answers[PLANNED]
    for name, answer in answers.items():
        if name == FLASK:
            continue
        if comparable(planned, is_ordered=True) != comparable(answer, is_ordered=True):
            found.append(f"{name} differs from {PLANNED}")
        if answer.is_context_left:
            found.append(f"{name} left a context")
        if answer.teardowns != (raw.app == "hooked"):
            found.append(f"{name} ran teardown functions {answer.teardowns} times")
    same = comparable(flask, is_ordered=False) == comparable(planned, is_ordered=False)
    if not same and not any(listed(raw, flask, planned) for listed in LISTED.values()):
        found.append(f"{PLANNED} differs from {FLASK}")
    if planned.status != answers["general"].status or (same and planned.status != flask.status):
        found.append("the reasons of the statuses differ")
    return found


def check(ways: AllWays, raws: t.Iterable[Raw]) -> None:
    """Send requests one after the other; raise if an answer is wrong."""
    for raw in raws:
        answers = ways.answer(raw)
        found = faults(raw, answers)
        if found:
            shown = "\n".join(f"{name}: {answer}" for name, answer in answers.items())
            raise AssertionError("\n".join((*found, repr(raw), shown)))
