"""Choose between WSGI and ASGI for an application."""

from __future__ import annotations

import sys
import typing as t
from importlib.util import find_spec

from ..dispatch.classviews import has_coroutines
from ..dispatch.proxies import proxies_around
from ..ground.wrapped import is_async
from ..registration.socketrules import LIBRARY

if t.TYPE_CHECKING:
    from ..registration.application import App

Interface = t.Literal["wsgi", "asgi"]
Wanted = t.Literal["auto", "wsgi", "asgi"]


class Choice(t.NamedTuple):
    """The interface that an application is served with, and the reason in a few words."""

    interface: Interface
    reason: str


def choose(app: App, wanted: Wanted) -> Choice:
    """Choose ASGI if anything in the application benefits from it, unless `wanted` decides."""
    if wanted != "auto":
        return Choice(wanted, "as requested")
    reason = websocket_of(app) or _hook_of(app) or _coroutine_of(app)
    if reason is None:
        return Choice("wsgi", "nothing in the application needs ASGI")
    return Choice("asgi", f"for {reason}")


def websocket_of(app: App) -> str | None:
    """Return a description of one WebSocket of an application, if it has any."""
    for rule in app.url_map.iter_rules():
        if rule.websocket:
            return f"the WebSocket {rule.rule!r}"
    if LIBRARY in sys.modules and proxies_around(app) is None:
        # COMPAT(Flask-SocketIO): it answers before the application does, and has no URL rule.
        return "the WebSockets of simple-websocket"
    return None


def _hook_of(app: App) -> str | None:
    for name, functions in (
        ("before_serving", app.before_serving_funcs),
        ("while_serving", app.while_serving_gens),
        ("after_serving", app.after_serving_funcs),
    ):
        if functions:
            return f"its {name} function {_name(functions[0])}"
    return None


def _coroutine_of(app: App) -> str | None:
    for endpoint, view in app.view_functions.items():
        if has_coroutines(view):
            return f"its async view {endpoint!r}"
    registries: tuple[t.Mapping[t.Any, t.Iterable[t.Any]], ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        {None: app.teardown_appcontext_funcs},
    )
    for registry in registries:
        for functions in registry.values():
            for function in functions:
                if is_async(function):
                    return f"its async hook {_name(function)}"
    return None


def _name(function: t.Any) -> str:
    return getattr(function, "__qualname__", repr(function))


def has_uvicorn() -> bool:
    """Return whether uvicorn is installed, the fastest server over ASGI."""
    return find_spec("uvicorn") is not None
