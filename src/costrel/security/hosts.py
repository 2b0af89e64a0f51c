"""Serve only the hosts that ``TRUSTED_HOSTS`` lists; if it is not set, this machine's names.

The URL adapter asks for them before anything is matched: see `costrel.routing.unlisted`. Here
is what protects an application from others, and what an audit reads.
"""

from __future__ import annotations

import typing as t

from ..config import ThisMachine
from ..routing.unlisted import HostLog
from .state import security_of

if t.TYPE_CHECKING:
    from ..registration.application import App


def install(app: App) -> None:
    """Tell in the log which hosts are refused, and why."""
    security = security_of(app)
    if security.hosts is None:
        security.hosts = HostLog()


def served_hosts(app: App) -> tuple[str, ...] | None:
    """Return the hosts that an application serves, as ``TRUSTED_HOSTS`` lists them.

    None if it serves any. A name with a dot in front includes its subdomains.
    """
    listed: t.Any = app.config["TRUSTED_HOSTS"]
    if isinstance(listed, str):
        return (listed,) if listed else None
    if not listed or (type(listed) is ThisMachine and app.debug):
        return None
    return tuple(listed)
