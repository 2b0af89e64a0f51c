"""Which of an application's middleware tells what a proxy in front of it has forwarded."""

from __future__ import annotations

import sys
import typing as t
from types import MethodType

if t.TYPE_CHECKING:
    from werkzeug.middleware.proxy_fix import ProxyFix

    from ..registration.application import App


def proxies_around(app: App) -> tuple[ProxyFix, ...] | None:
    """Return what ``app.wsgi_app`` is wrapped in, outermost first; None if in anything else.

    ``ProxyFix`` changes the environ and nothing else, so a request may run on the event
    loop behind it. Of other middleware nobody knows.
    """
    if "wsgi_app" not in app.__dict__:
        return () if app.is_original("wsgi_app") else None
    module: t.Any = sys.modules.get("werkzeug.middleware.proxy_fix")
    wrapped: t.Any = app.__dict__["wsgi_app"]
    found = []
    while module is not None and type(wrapped) is module.ProxyFix:
        found.append(wrapped)
        wrapped = wrapped.app
    # COMPAT(wrapt): what wraps a method is equal to it, but is none.
    is_plain = type(wrapped) is MethodType and wrapped == app.class_step("wsgi_app")
    return tuple(found) if is_plain else None


def is_wrapped(app: App) -> bool:
    """Tell whether something else may answer, or change answers, on their way to the server."""
    return proxies_around(app) is None or not app.is_original("__call__")
