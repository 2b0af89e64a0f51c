"""Who a client is to a rate limit: its address, and of IPv6 the network that it has."""

from __future__ import annotations

import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNKNOWN = "unknown"
"""The key of clients without an address, as behind a Unix socket."""


def address_key(address: str | None) -> str:
    """Return the key of an address; that of IPv6 is its /64, which one client has all of.

    An address that is none, as some servers have for Unix sockets, is its own key.
    """
    if not address:
        return UNKNOWN
    return _key_of_v6(address) if ":" in address else address


@lru_cache(maxsize=1024)
def _key_of_v6(address: str) -> str:
    from ipaddress import IPv6Address

    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64))


def is_behind_stranger(address: str | None, environ: WSGIEnvironment) -> bool:
    """Whether an address is that of a proxy on this machine which nobody has said to trust."""
    if not address:
        return True
    return (
        (address == "::1" or address.startswith("127."))
        and "HTTP_X_FORWARDED_FOR" in environ
        and "werkzeug.proxy_fix.orig" not in environ
    )


def has_siblings(environ: WSGIEnvironment) -> bool:
    """Whether a server has said that other processes serve the application as well."""
    software = str(environ.get("SERVER_SOFTWARE", ""))
    knows = software.startswith("gunicorn") or "uwsgi.version" in environ
    return bool((knows or "mod_wsgi.version" in environ) and environ.get("wsgi.multiprocess"))
