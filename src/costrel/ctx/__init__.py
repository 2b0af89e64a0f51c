"""The context of an application and of a request.

One object holds everything that is current, and one context variable refers to it
(`costrel.ground.current.context`). A request context is also an application context. If
the application has already pushed an application context (in a test, or for a request
made inside a request), the request context *borrows* that one with its ``g``, and does
not tear it down. A request from a server borrows nothing: see `costrel.serve.callers`.
"""

from __future__ import annotations

import typing as t
from functools import update_wrapper

from .. import typing as ft
from ..ground.current import context, request_view
from ..ground.markers import HOOK, refuse_markers
from .application import AppContext as AppContext
from .application import _AppCtxGlobals as _AppCtxGlobals
from .application import call_all as call_all
from .request import RequestContext as RequestContext

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])


def after_this_request(f: T_after_request) -> T_after_request:
    """Run a function on the response of the current request only.

    It runs before the ``after_request`` functions. Raises `RuntimeError` outside a
    request.
    """
    ctx = request_view.get(None)
    if ctx is None:
        raise RuntimeError(
            "after_this_request() needs a request, but none is active here. Call it in a view, a"
            " hook or an error handler."
        )
    if getattr(f, "__defaults__", None) or getattr(f, "__kwdefaults__", None):
        # What has no default is passed, or the call fails.
        refuse_markers(f, HOOK)
    ctx._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Let a function run with the current request in another thread or greenlet.

    Each call gets its own context for the same request and session. Raises
    `RuntimeError` outside a request.
    """
    original = request_view.get(None)
    if original is None:
        raise RuntimeError(
            "copy_current_request_context() needs a request, but none is active here. Apply it"
            " in the view that starts the thread, not at import time."
        )
    # Copied now, because the original may be closed when the function is called.
    template = original.copy()

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with template.copy() as ctx:
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return t.cast(F, update_wrapper(wrapper, f))


def has_request_context() -> bool:
    """Return whether a request is current, so that `request` and `session` can be used."""
    return request_view.get(None) is not None


def has_app_context() -> bool:
    """Return whether an application is current, so that `current_app` and `g` can be used."""
    return context.get(None) is not None
