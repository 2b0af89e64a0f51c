"""Judge what the application has answered: what must be true whatever the request was."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from .application import CDN, FRIEND, HOSTS, PAYER, REACHED
from .wire import Answer, Sent

ALLOWED = "access-control-allow-origin"

OURS = ("__Host-", "session=", "remember=")
"""How the cookies begin that are not the views' own."""

ALWAYS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


def faults_of(sent: Sent, answer: Answer, jar: dict[str, str]) -> t.Iterator[str]:
    """Yield what is wrong with an answer, whatever the request was."""
    fields = {name.lower(): value for name, value in answer.fields}
    if not 200 <= answer.status < 500:
        yield f"status {answer.status}"
    yield from (
        f"no {name}: {value}" for name, value in ALWAYS.items() if fields.get(name) != value
    )
    for name, value in answer.fields:
        yield from faults_of_field(name.lower(), value)
    if "content-security-policy" not in fields:
        yield "no policy"
    if fields.get(ALLOWED) == "*" and "access-control-allow-credentials" in fields:
        yield "allowed anybody to use cookies"
    if is_forged(sent, jar) and REACHED.lower() in fields:
        yield "a forged request has reached its view"
    if b"what nobody may read" in answer.body:
        yield "sent a file beside the folder"


def faults_of_field(name: str, value: str) -> t.Iterator[str]:
    """Yield what is wrong with a field of an answer; the name is in lower case."""
    if set(name + value) & {"\r", "\n", "\0"}:
        yield f"control character in {name}"
    if name == "set-cookie" and value.startswith(OURS):
        flags = ("HttpOnly", "SameSite=Lax", *["Secure"] * value.startswith("__Host-"))
        yield from (f"cookie without {flag}" for flag in flags if f"; {flag}" not in value)
    if name == "location" and not is_ours(value):
        yield f"led to {value}"
    if name == ALLOWED and value not in {FRIEND, "*"} and not CDN.fullmatch(value):
        yield f"allowed {value}"


def is_ours(location: str) -> bool:
    """Return whether a redirect leads to the application, or to the one other site allowed."""
    if set(location) & {"\\", "\t"}:
        return False
    parts = urlsplit(location)
    if f"{parts.scheme}://{parts.netloc}" == PAYER:
        return True
    if not parts.netloc:
        return not parts.scheme and not location.startswith("//")
    name = (parts.hostname or "").rstrip(".")
    return (
        parts.scheme in {"http", "https"}
        and "@" not in parts.netloc
        and any(
            name == host or (host[0] == "." and name.endswith(host))
            for host in [*HOSTS, "example.test"]
        )
    )


def is_forged(sent: Sent, jar: dict[str, str]) -> bool:
    """Return whether another site has made a browser send this, with cookies."""
    fields = [(name.lower(), value) for name, value in sent.all_fields(jar)]
    sites = [value for name, value in fields if name == "sec-fetch-site"]
    origins = [value for name, value in fields if name == "origin"]
    return (
        sent.method not in SAFE
        and any(name == "cookie" and value.partition("=")[0].isalnum() for name, value in fields)
        and sites == ["cross-site"]
        and not {*origins} & {PAYER, FRIEND}
        and not any(map(CDN.fullmatch, origins))
    )
