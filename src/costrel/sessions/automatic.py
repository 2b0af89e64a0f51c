"""What the session's cookie is called, and whether it is secure, if nobody has set that.

Both depend on how the request came. A cookie is ``Secure`` outside debug mode, and over HTTPS
always. One that is gets the prefix ``__Host-``: browsers then accept it only from this host over
HTTPS, so no other host of the domain, and nobody on the way, can set it.
SPEC(RFC 6265bis §4.1.3.2)
"""

from __future__ import annotations

import re
import typing as t

from ..ground.current import request_view

AUTO = "auto"
"""The value of a setting that follows from others."""

PLAIN = "session"
PREFIXED = f"__Host-{PLAIN}"

HTTPS = "https"
"""The request came over HTTPS, here or to a proxy that is trusted."""

LOCAL = "local"
"""It came over plain HTTP, to a name of this machine."""

REMOTE = "remote"
"""It came over plain HTTP, from anywhere."""

TRANSPORTS = (HTTPS, LOCAL, REMOTE)

_HOST_PREFIX, _SECURE_PREFIX = "__host-", "__secure-"
_LOOPBACK = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?", re.IGNORECASE
)


class AutoName(str):
    """The name that the cookie of sessions has by itself, unlike one that somebody has set.

    It takes the place of ``auto`` in the configuration, for extensions that read the name there.
    """

    __slots__ = ()


def transport_of(environ: t.Any) -> str:
    """Return how a request came: `HTTPS`, `LOCAL` or `REMOTE`."""
    if environ.get("wsgi.url_scheme") == "https":
        return HTTPS
    host: str = environ.get("HTTP_HOST") or ""
    if host.partition(":")[0] == "localhost" or _LOOPBACK.fullmatch(host):
        return LOCAL
    return REMOTE


def current_transport() -> str:
    """Return how the current request came; `REMOTE` without one."""
    ctx = request_view.get(None)
    return REMOTE if ctx is None else transport_of(ctx.environ)


def is_secure(app: t.Any, transport: str) -> bool:
    """Return whether the session's cookie is ``Secure``, from ``SESSION_COOKIE_SECURE``.

    Unless that says so, it is outside debug mode, over HTTPS, and where browsers refuse it
    otherwise: with a prefix in its name, for all sites, and partitioned.
    """
    config = app.config
    value = config["SESSION_COOKIE_SECURE"]
    if value != AUTO:
        return bool(value)
    if transport == HTTPS or not app.debug or config["SESSION_COOKIE_PARTITIONED"]:
        return True
    if (config["SESSION_COOKIE_SAMESITE"] or "").lower() == "none":
        return True
    name = config["SESSION_COOKIE_NAME"].lower()
    return not has_auto_name(app) and name.startswith((_HOST_PREFIX, _SECURE_PREFIX))


def has_auto_name(app: t.Any) -> bool:
    """Return whether nobody has set ``SESSION_COOKIE_NAME``."""
    name = app.config["SESSION_COOKIE_NAME"]
    return type(name) is AutoName or name == AUTO


def cookie_name(app: t.Any, transport: str, domain: str | None, path: str) -> str:
    """Return the name of the session's cookie: ``SESSION_COOKIE_NAME``, or the one by itself.

    COMPAT(Chrome): over plain HTTP it takes a ``Secure`` cookie from localhost, but none with
    the prefix.
    """
    if not has_auto_name(app):
        return t.cast("str", app.config["SESSION_COOKIE_NAME"])
    if transport != LOCAL and path == "/" and not domain and is_secure(app, transport):
        return PREFIXED
    return PLAIN


def check_prefix(name: str, attributes: t.Mapping[str, t.Any]) -> None:
    """Raise `ValueError` for a name with a prefix that browsers don't accept like that."""
    lowered = name.lower()
    if not lowered.startswith((_HOST_PREFIX, _SECURE_PREFIX)):
        return
    wrong = []
    if not (attributes["secure"] or attributes["partitioned"]):
        wrong.append("SESSION_COOKIE_SECURE = True")
    if lowered.startswith(_HOST_PREFIX):
        if attributes["domain"]:
            wrong.append("SESSION_COOKIE_DOMAIN = None")
        if attributes["path"] != "/":
            wrong.append('SESSION_COOKIE_PATH = "/"')
    if wrong:
        raise ValueError(
            f"Browsers drop the session's cookie: its name {name!r} has a prefix that requires"
            f" {' and '.join(wrong)}. Set that, or choose another SESSION_COOKIE_NAME."
        )
