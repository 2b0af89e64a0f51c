"""The hosts that `Costrel` serves as long as ``TRUSTED_HOSTS`` lists none: this machine's.

Whoever has another name point at the application may choose what it builds its URLs from, and,
with a name of their own, read what it answers to a visitor (DNS rebinding).
"""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import SecurityError

from ..config import ThisMachine
from ..ground.loopback import is_loopback
from ..ground.origins import split_host
from ..ground.protection import protection_of, security_of

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..registration.application import App

MOST_NAMES = 32
"""How many host names are told in the log; a client can make up any number of them."""


class HostLog:
    """Tell each refused host name once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, host: str) -> bool:
        """Return whether a host name is to be told, which it is once."""
        host = host.lower()
        if host in self._told or len(self._told) >= MOST_NAMES:
            return False
        self._told.add(host)
        return True


def listed_hosts(app: App) -> t.Any:
    """Return ``TRUSTED_HOSTS``; None where it has not been set, on `Costrel`."""
    listed = app.config["TRUSTED_HOSTS"]
    return None if type(listed) is ThisMachine else listed


def is_own_name(app: App, host: str) -> bool:
    """Return whether a host is served without being listed.

    That is a name of this machine or ``SERVER_NAME``, which somebody has set, and what is
    below that if the application matches subdomains or hosts.
    """
    if is_loopback(host):
        return True
    server_name = app.config["SERVER_NAME"]
    own = split_host(server_name) if server_name else None
    asked = split_host(host)
    if own is None or asked is None:
        return False
    below = app.subdomain_matching or app.url_map.host_matching
    return asked[0] == own[0] or (below and asked[0].endswith(f".{own[0]}"))


def check_unlisted(app: App, host: str) -> None:
    """Raise `SecurityError` (400) for a foreign host while ``TRUSTED_HOSTS`` is not set.

    In debug mode it is served. Either is told in the log, once for a name.
    """
    if type(app.config["TRUSTED_HOSTS"]) is not ThisMachine or is_own_name(app, host):
        return
    name = (split_host(host) or (host, None))[0]
    if app.debug:
        if _log_of(app).is_new(name):
            app.logger.warning(
                "Served a request for the host %a. Outside debug mode it would be refused: if the"
                " application is to be reached by this name, set TRUSTED_HOSTS = [%a].",
                host,
                name,
            )
        return
    if _log_of(app).is_new(name):
        app.logger.warning(
            "Refused a request for the host %a: TRUSTED_HOSTS is not set, so only this machine's"
            " own names, such as localhost, are served. If the application is to be reached by"
            " this name, set TRUSTED_HOSTS = [%a].",
            host,
            name,
        )
    raise SecurityError(f"Host {host!r} is not trusted.")


def check_missing(app: App, environ: WSGIEnvironment) -> None:
    """Raise `SecurityError` (400) for HTTP/1.1 without a host, where an application is protected.

    SPEC(RFC 9112 §3.2): a server must answer it with 400. The server's own name would be served in
    place of the host, while a proxy in front may have decided by another name.
    """
    protection = protection_of(app)
    if (
        environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        and protection is not None
        and protection.hosts is not None
    ):
        raise SecurityError("A request of HTTP/1.1 needs the header field Host.")


def tell_refused(app: App, host: str) -> None:
    """Log a host that ``TRUSTED_HOSTS`` does not list, where an application is protected."""
    protection = protection_of(app)
    if protection is not None and protection.hosts is not None and protection.hosts.is_new(host):
        app.logger.warning(
            "Refused a request for the host %a, which TRUSTED_HOSTS does not list: %r",
            host,
            app.config["TRUSTED_HOSTS"],
        )


def _log_of(app: App) -> HostLog:
    security = security_of(app)
    if security.hosts is None:
        security.hosts = HostLog()
    return t.cast("HostLog", security.hosts)
