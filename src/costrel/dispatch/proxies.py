"""Find out which proxies an application trusts, and whether other middleware wraps it.

A proxy is trusted by ``ProxyFix`` around ``app.wsgi_app``, or by ``TRUSTED_PROXIES``.
"""

from __future__ import annotations

import sys
import typing as t
from collections.abc import Mapping
from types import MethodType

if t.TYPE_CHECKING:
    from werkzeug.middleware.proxy_fix import ProxyFix

    from ..registration.application import App

_HEADERS = ("x_for", "x_proto", "x_host", "x_port", "x_prefix")

_NETWORKS_EXAMPLE = "{'networks': ['10.0.0.0/8', 'unix'], 'hops': 1}"

_MAX_DEPTH = 50
"""How many middleware objects are looked through; some have any attribute that is asked for."""


def trusted_proxies(app: App) -> ProxyFix | None:
    """Return a ``ProxyFix`` that does what ``TRUSTED_PROXIES`` says; None if it is not set.

    It wraps nothing: it only changes the environ. Raises `ValueError` for a wrong setting.
    """
    trusted: t.Any = app.config.get("TRUSTED_PROXIES")
    if trusted is None or (trusted == 0 and type(trusted) is int):
        return None
    if isinstance(trusted, Mapping) and "networks" in trusted:
        # Told once for an application, whatever is compiled anew.
        return _in_networks(trusted, vars(app).setdefault("_disbelieved", set()))
    counts = trusted if isinstance(trusted, Mapping) else {"x_for": trusted, "x_proto": trusted}
    if not all(name in _HEADERS and _is_count(count) for name, count in counts.items()):
        raise ValueError(
            f"TRUSTED_PROXIES is {trusted!r}. Set it to the number of proxies in front of the"
            " application, or to a dict that says how many of them set each header, such as"
            " {'x_for': 1, 'x_proto': 1, 'x_host': 1}. The names are"
            f" {', '.join(_HEADERS)}. To believe only proxies with certain addresses, use"
            f" {_NETWORKS_EXAMPLE}."
        )
    from werkzeug.middleware.proxy_fix import ProxyFix

    return ProxyFix(_nothing, **(dict.fromkeys(_HEADERS, 0) | dict(counts)))


def _in_networks(trusted: Mapping[str, t.Any], told: set[str]) -> ProxyFix:
    """Return what believes proxies in networks only; raises `ValueError` for a wrong setting."""
    from .networks import COUNTS, NetworkProxies, Networks

    counts = {name: count for name, count in trusted.items() if name not in {"networks", "hops"}}
    hops = trusted.get("hops", 1)
    right = all(name in COUNTS and _is_count(count) for name, count in counts.items())
    problem = "" if right and _is_count(hops) and hops else "unknown names, or wrong numbers"
    try:
        if not problem:
            return NetworkProxies(Networks(trusted["networks"]), hops, counts, told)
    except (TypeError, ValueError) as error:
        problem = str(error)
    raise ValueError(
        f"TRUSTED_PROXIES is {trusted!r}: {problem}. With 'networks', write networks and"
        f" addresses, or 'unix' for a Unix socket: {_NETWORKS_EXAMPLE}. 'hops' is the most"
        " proxies in a row, from 1. Say how often they set other headers by"
        f" {', '.join(COUNTS)}."
    )


def _is_count(value: t.Any) -> bool:
    return type(value) is int and value >= 0


def _nothing(_environ: t.Any, _start_response: t.Any) -> tuple[bytes, ...]:
    return ()


def believed_proxies(app: App) -> tuple[ProxyFix, ...]:
    """Return the ``ProxyFix`` objects whose changes a WebSocket has to see, outermost first.

    Also those below or above other middleware, which WebSockets do not pass through.
    """
    module: t.Any = sys.modules.get("werkzeug.middleware.proxy_fix")
    found = []
    if module is not None:
        wrapped: t.Any = app.__dict__.get("wsgi_app")
        for _ in range(_MAX_DEPTH):
            if wrapped is None or isinstance(wrapped, MethodType):
                break
            if type(wrapped) is module.ProxyFix:
                found.append(wrapped)
            wrapped = _wrapped_in(wrapped)
    trusted = trusted_proxies(app)
    return (*found, trusted) if trusted else tuple(found)


def _wrapped_in(middleware: t.Any) -> t.Any:
    """Return what a middleware calls, by the names that are usual; None if it has none."""
    for name in ("__wrapped__", "app", "wsgi_app", "application"):
        wrapped = getattr(middleware, name, None)
        if callable(wrapped):
            return wrapped
    return None


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
