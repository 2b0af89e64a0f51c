"""The content security policy of responses, and the nonce that lets a page's own scripts run.

SPEC(CSP 3): https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import re
import secrets
import typing as t
from functools import lru_cache
from types import MappingProxyType

from ..ground.current import NO_REQUEST, request_view
from .spelling import DIRECTIVES, meant_directive
from .state import protection_of

Policy = str | t.Mapping[str, str | t.Iterable[str] | None]
"""A policy: text that replaces the default, or the directives that differ from it."""

DEFAULT_POLICY: t.Mapping[str, str] = MappingProxyType(
    {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'self'",
        "object-src": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
)
"""What `Costrel` lets pages load: what this application serves, and images in data URLs.

Scripts and styles that stand in the page itself need the nonce of `csp_nonce`."""

NAME = "Content-Security-Policy"
REPORT_ONLY = "Content-Security-Policy-Report-Only"

NONCE_BYTES = 16
"""SPEC(CSP 3 §2.3.1): at least 128 bits."""

_KEYWORDS = frozenset(
    """
    self none unsafe-inline unsafe-eval unsafe-hashes strict-dynamic report-sample wasm-unsafe-eval
    """.split()
)
_DIRECTIVE = re.compile(r"[a-z]+(?:-[a-z]+)*")
_SOURCES = re.compile(r"[\x20-\x2b\x2d-\x3a\x3c-\x7e]*")
"""Printable ASCII without the comma and the semicolon, which separate policies and directives."""

_BY_NONCE = (
    ("script-src", ("script-src-elem", "script-src", "default-src")),
    ("style-src", ("style-src-elem", "style-src", "default-src")),
)
"""The directives that take the nonce, and where their sources are, the first that exists."""


def csp_nonce() -> str:
    """Return the nonce of this response, made when it is first asked for.

    The policy of the response then allows scripts and styles that bear it:
    ``<script nonce="{{ csp_nonce() }}">``. Such a response is not kept by caches, unless it says
    otherwise: ``Cache-Control: no-store``.

    Raises `RuntimeError` outside a request, where no headers are sent for the application, and
    where they have been sent already: a template that is streamed runs after that, so its view
    must call this first.
    """
    ctx = request_view.get(None)
    if ctx is None:
        raise RuntimeError(NO_REQUEST)
    own = ctx.__dict__
    nonce: str | None = own.get("csp_nonce")
    if nonce is not None:
        return nonce
    protection = protection_of(ctx.app)
    if protection is None or protection.headers is None:
        raise RuntimeError(
            "csp_nonce() needs the header fields that go with it, and this application sends none."
            " Use Costrel, or call costrel.security.protect(app)."
        )
    if ctx.is_finished:
        raise RuntimeError(
            "csp_nonce() was called after the header fields were sent, as in a template that is"
            " streamed. Call csp_nonce() in the view, before it returns the stream; the template"
            " then gets the same nonce."
        )
    nonce = ctx.csp_nonce = secrets.token_urlsafe(NONCE_BYTES)
    ctx.touched = ctx.wants_response = True
    return nonce


def read_policy(policy: str) -> dict[str, str]:
    """Return the directives of a policy's text; of repeated ones the first, as browsers do."""
    directives: dict[str, str] = {}
    for part in policy.split(";"):
        name, _space, sources = part.strip().partition(" ")
        if name:
            directives.setdefault(name.lower(), " ".join(sources.split()))
    return directives


def write_policy(directives: t.Mapping[str, str]) -> str:
    """Return the text of a policy's directives."""
    return "; ".join(f"{name} {sources}".rstrip() for name, sources in directives.items())


def check_policy(policy: Policy, place: str) -> dict[str, str | None]:
    """Return the directives of a policy that somebody has written, None for those to leave out.

    Raises `ValueError` for what is no directive, for values that would end one, and for keywords
    without quotes, which browsers take for the names of hosts. `place` is named in it.
    """
    if not isinstance(policy, (str, t.Mapping)):
        raise ValueError(  # noqa: TRY004  a setting has the wrong value
            f"A content security policy is a dict of directives or a text, not {policy!r}"
            f" ({place})."
        )
    given = read_policy(policy) if isinstance(policy, str) else policy
    checked: dict[str, str | None] = {}
    for name, value in given.items():
        if not isinstance(name, str) or not _DIRECTIVE.fullmatch(name):
            raise ValueError(
                f"{name!r} is no directive of a content security policy ({place}). Directives are"
                " in lower case, such as 'img-src'."
            )
        if name not in DIRECTIVES:
            meant = meant_directive(name)
            hint = f"Did you mean {meant!r}?" if meant else f"There are: {', '.join(DIRECTIVES)}."
            raise ValueError(
                f"There is no directive {name!r} in content security policies ({place}). {hint}"
            )
        if value is None:
            checked[name] = None
            continue
        try:
            sources = value if isinstance(value, str) else " ".join(value)
        except TypeError:
            sources = ","  # no sources
        if not _SOURCES.fullmatch(sources):
            raise ValueError(
                f"The directive {name!r} has the value {value!r} ({place}). Write its sources"
                " with spaces in between, or as a list, without commas or semicolons."
            )
        for source in sources.split():
            if source.lower() in _KEYWORDS:
                raise ValueError(
                    f"The directive {name!r} has the source {source} ({place}), which would be a"
                    f" host of that name. Write the keyword with quotes: \"'{source.lower()}'\"."
                )
        checked[name] = " ".join(sources.split())
    return checked


def change_policy(base: t.Mapping[str, str], changes: t.Mapping[str, str | None]) -> dict[str, str]:
    """Return a policy with some of its directives changed, added, or left out."""
    merged: dict[str, str | None] = {**base, **changes}
    return {name: sources for name, sources in merged.items() if sources is not None}


def with_nonce(policy: str, nonce: str) -> str:
    """Return a policy that allows what bears a nonce.

    Where it allows everything inline, it stays: with a nonce, browsers would not any more.
    """
    return f"'nonce-{nonce}'".join(_around_nonce(policy))


@lru_cache(maxsize=64)
def _around_nonce(policy: str) -> tuple[str, ...]:
    """Return the text of a policy, split where nonces belong."""
    directives = read_policy(policy)
    changed = dict(directives)
    for target, places in _BY_NONCE:
        place = next((name for name in places if name in directives), None)
        if place is None:
            continue
        sources = directives[place]
        if "'unsafe-inline'" not in sources.lower().split():
            kept = [source for source in sources.split() if source.lower() != "'none'"]
            name = target if place == "default-src" else place
            changed[name] = " ".join([*kept, "\0"])
    return tuple(write_policy(changed).split("\0"))
