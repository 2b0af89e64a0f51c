"""Decide where a browser would go for a ``Location``, for targets that a client has chosen.

Browsers read more as a URL than any standard of URLs allows (SPEC(WHATWG URL §4.4)): they skip
spaces and control characters, take a backslash for a slash, and need neither slashes after the
scheme nor the right number of them. So nothing is parsed here that could be read in two ways:
what is not plainly a path, or a URL with a plain host, is refused.
"""

from __future__ import annotations

import re
import typing as t

from .origins import PORTS, Origin, is_own, parse_origin, split_host

# SECURITY(CVE-2021-32618, CVE-2023-49438): characters that browsers drop, or read as others.
# Half characters can't be sent.
_drops = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]").search

_absolute = re.compile(r"(https?://[^/?#]*)(?:[/?#].*)?", re.ASCII | re.IGNORECASE).fullmatch
# A relative path has no colon before its first slash: that would make it a scheme.
_relative = re.compile(r"(?:[?#].*|[A-Za-z0-9._~%-][^:/?#]*(?:[/?#].*)?)").fullmatch

_controls = re.compile(r"[\x00-\x1f\x7f]")


def without_controls(target: t.Any) -> t.Any:
    """Return a target with its control characters encoded, so that it can be sent.

    SECURITY(open redirect): ``urlsplit`` drops some of them, as browsers do. ``/<tab>/evil.com``
    would become ``//evil.com``.
    """
    if not isinstance(target, str):
        return target
    return _controls.sub(lambda found: f"%{ord(found[0]):02X}", target)


Allowed = str | t.Iterable[str]
"""Hosts, ``www.example.com`` or ``www.example.com:8443``, and origins, besides the own one."""

SAME_ORIGIN = "same-origin"


def is_safe_target(target: t.Any, host: str, *, secure: bool, allow: Allowed = ()) -> bool:
    """Return whether a browser stays at the own origin, or goes to an allowed one.

    Args:
        target: What a client has sent. Anything but text is not safe, nor is the empty text.
        host: The host of the request; see `is_own`.
        secure: Whether the request is encrypted; if so, plain HTTP to the own host is not safe.
        allow: Other hosts and origins, or ``same-origin`` for none.

    Raises `ValueError` if `allow` has something else than these.
    """
    allowed = read_allowed(allow)
    if not isinstance(target, str) or not target or _drops(target) or target != target.strip():
        return False
    if target[0] == "/":
        return target[:2] != "//"
    found = _absolute(target)
    if found is None:
        return _relative(target) is not None
    origin = parse_origin(found[1])
    return origin is not None and (
        is_own(origin, host, secure=secure) or _is_among(origin, allowed)
    )


def _is_among(origin: Origin, allowed: t.Iterable[Origin | tuple[str, int | None]]) -> bool:
    for entry in allowed:
        if isinstance(entry, Origin):
            if origin == entry:
                return True
        elif (entry[0], entry[1] or PORTS[origin.scheme]) == origin[1:]:
            return True
    return False


def read_allowed(allow: Allowed) -> list[Origin | tuple[str, int | None]]:
    """Return the hosts and origins that an application allows.

    Raises `ValueError` for what is neither.
    """
    names = () if allow == SAME_ORIGIN else (allow,) if isinstance(allow, str) else allow
    return [_read(name) for name in names]


def _read(name: t.Any) -> Origin | tuple[str, int | None]:
    entry: Origin | tuple[str, int | None] | None = None
    if isinstance(name, str):
        if "://" in name:
            entry = parse_origin(name.removesuffix("/"))
        else:
            entry = split_host(_to_ascii(name))
    if entry is None:
        raise ValueError(
            f"allow= has {name!r}, which is neither a host nor an origin. Write 'same-origin',"
            " or a list of hosts and origins such as ['www.example.com', 'https://example.org'],"
            " each in full: a wildcard would trust names that belong to others."
        )
    return entry


def _to_ascii(name: str) -> str:
    """Return an international name as browsers send it; unchanged if that is not possible."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
