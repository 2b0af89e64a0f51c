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

    Some proxies write the port of the connection behind it, which does not count. An address that
    is none, as some servers have for Unix sockets, is its own key.
    """
    if not address:
        return UNKNOWN
    return _key_of(address) if ":" in address else address


@lru_cache(maxsize=1024)
def _key_of(address: str) -> str:
    # Imported here: a direct client's IPv4 address needs neither.
    from ipaddress import IPv6Address

    from ..dispatch.networks import read_address

    found = read_address(address)
    if found is None:
        return address
    return str(IPv6Address(int(found) >> 64 << 64) if found.version == 6 else found)


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
