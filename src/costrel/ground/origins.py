"""Read origins: the scheme, host and port that a page in a browser comes from.

SPEC(RFC 6454 §7): browsers send one in ``Origin``. Forms, WebSockets and redirects ask here
whether it is the application's own, so that all of them answer alike.
"""

from __future__ import annotations

import re
import typing as t

from .loopback import is_loopback

_HOST = r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-][a-z0-9._-]{0,254})(?::([0-9]{1,5}))?"
_origin = re.compile(rf"(https?)://{_HOST}").fullmatch
_host = re.compile(_HOST).fullmatch

PORTS: t.Mapping[str, int] = {"http": 80, "https": 443}


class Origin(t.NamedTuple):
    """Where a page comes from; written in lower case, and always with a port."""

    scheme: str
    host: str
    port: int


def parse_origin(text: str) -> Origin | None:
    """Return the origin that a client or a setting names; None for anything else.

    That includes ``null``, which any page can be made to send, other schemes, user names, paths,
    and names that are not ASCII: browsers send them in Punycode.
    """
    found = _origin(text.lower()) if text.isascii() else None
    if found is None:
        return None
    scheme, host, port = found.groups()
    return Origin(scheme, host, int(port or PORTS[scheme]))


def split_host(text: str) -> tuple[str, int | None] | None:
    """Return the name and the port of a host, in lower case; None if it is malformed."""
    found = _host(text.lower()) if text.isascii() else None
    if found is None:
        return None
    name, port = found.groups()
    return name, int(port) if port else None


def is_own(origin: Origin, host: str, *, secure: bool) -> bool:
    """Return whether a page comes from the host that its request is for.

    The schemes may differ, since a proxy in front may handle TLS unknown to the application. But a
    page that came over plain HTTP, where it could have been altered, has no part in an encrypted
    site.

    Args:
        origin: Where the page comes from.
        host: The request's host; its port may be left out if it is the scheme's.
        secure: Whether the request itself is encrypted, as far as is known.
    """
    if secure and origin.scheme != "https":
        return False
    own = split_host(host)
    return own is not None and (own[0], own[1] or PORTS[origin.scheme]) == origin[1:]


def is_trusted(origin: Origin, config: t.Mapping[str, t.Any], *, secure: bool) -> bool:
    """Return whether the settings trust an origin as the application's own.

    ``CSRF_TRUSTED_ORIGINS`` lists origins. ``TRUSTED_HOSTS`` lists names of the application:
    those written in full count, with the port that is written or else the usual one. A name that
    covers subdomains does not count, since these may belong to others, nor one of this machine,
    such as ``localhost``, which is another machine for each visitor.

    Raises `ValueError` for a setting that is wrong.
    """
    if origin in read_origins("CSRF_TRUSTED_ORIGINS", config.get("CSRF_TRUSTED_ORIGINS")):
        return True
    if secure and origin.scheme != "https":
        return False
    own = {
        (found[0], found[1] or PORTS[origin.scheme])
        for name in _own_names(config)
        if (found := split_host(name)) is not None
    }
    return origin[1:] in own


def _own_names(config: t.Mapping[str, t.Any]) -> t.Iterable[str]:
    listed = config.get("TRUSTED_HOSTS")
    if listed is None or getattr(listed, "is_default", False):
        return ()
    # Another program on the machine of a visitor is not this application, though it may have that
    # name when it is asked on its own machine: by a health check, for example.
    return [
        name for name in ([listed] if isinstance(listed, str) else listed) if not is_loopback(name)
    ]


def read_origins(key: str, listed: t.Any) -> frozenset[Origin]:
    """Return the origins that a setting lists: names in a list, or in text that lists them.

    Raises `ValueError` that names the setting, for what is not an origin.
    """
    # A value from an environment variable is a string.
    names = listed.replace(",", " ").split() if isinstance(listed, str) else listed or ()
    return frozenset(read_origin(name, f"{key} lists") for name in names)


def read_origin(name: t.Any, what: str) -> Origin:
    """Return the origin that somebody has written in the application.

    Raises `ValueError` that begins with `what`, for what is not an origin.
    """
    origin = parse_origin(name.removesuffix("/")) if isinstance(name, str) else None
    if origin is None:
        raise ValueError(
            f"{what} {name!r}, which is not an origin. Write scheme and host, and the port if it is"
            " not the usual one: 'https://www.example.com' or 'http://localhost:3000'. A path,"
            " a wildcard or 'null' can't be trusted; list each origin."
        )
    return origin
