"""Recognize the names of this machine that no other machine can be reached by."""

from __future__ import annotations

import re

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# SPEC(RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3)
_loopback = re.compile(
    rf"(?:(?:[a-z0-9_-]{{1,63}}\.){{0,8}}localhost|127(?:\.{_OCTET}){{3}}|\[::1\])"
    r"(?::[0-9]{1,5})?",
    re.ASCII | re.IGNORECASE,
).fullmatch


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, is a name of the machine itself.

    These are ``localhost`` and names below it, ``127.0.0.0/8`` and ``[::1]``. Other spellings of
    these addresses don't count.
    """
    return _loopback(host) is not None
