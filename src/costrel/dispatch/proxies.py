"""Find out whether an application is wrapped in ``ProxyFix``, or in other middleware."""

from __future__ import annotations

import sys
import typing as t
from types import MethodType

if t.TYPE_CHECKING:
    from werkzeug.middleware.proxy_fix import ProxyFix

    from ..registration.application import App


def proxies_around(app: App) -> tuple[ProxyFix, ...] | None:
    """Return the ``ProxyFix`` objects around ``app.wsgi_app``, outermost first.

    Returns None if there is any other middleware. ``ProxyFix`` only changes the environ, so a
    request behind it may run on the event loop. Other middleware might do anything.
    """
    if "wsgi_app" not in app.__dict__:
        return () if app.is_original("wsgi_app") else None
    module: t.Any = sys.modules.get("werkzeug.middleware.proxy_fix")
    wrapped: t.Any = app.__dict__["wsgi_app"]
    found = []
    while module is not None and type(wrapped) is module.ProxyFix:
        found.append(wrapped)
        wrapped = wrapped.app
    # COMPAT(wrapt): a wrapped method compares equal to the method, but is not one.
    is_plain = type(wrapped) is MethodType and wrapped == app.class_step("wsgi_app")
    return tuple(found) if is_plain else None


def is_wrapped(app: App) -> bool:
    """Whether middleware may answer requests, or change responses on their way to the server."""
    return proxies_around(app) is None or not app.is_original("__call__")
