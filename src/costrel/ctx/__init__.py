"""The context of an application and of a request.

One object carries everything that is current, and one context variable points
at it (`costrel.ground.current.context`). A request's context is an application context
as well; where the application itself has entered one around it (a test, a request
made inside a request) it *borrows* that one, with its ``g``, and leaves its teardown
to it. A request that a server starts borrows nothing: see `costrel.serve.callers`.
"""

from __future__ import annotations

import typing as t
from functools import update_wrapper

from .. import typing as ft
from ..ground.current import context, request_view
from .application import AppContext as AppContext
from .application import _AppCtxGlobals as _AppCtxGlobals
from .application import call_all as call_all
from .request import RequestContext as RequestContext

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])


def after_this_request(f: T_after_request) -> T_after_request:
    """Run a function on the response of the current request only.

    It runs before the functions of ``after_request``. Raises `RuntimeError` outside
    of a request.
    """
    ctx = request_view.get(None)
    if ctx is None:
        raise RuntimeError(
            "after_this_request() has no request to wait for: none is active here. Call it from a"
            " view, a hook or an error handler."
        )
    ctx._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Let a function run elsewhere (a thread, a greenlet) with the current request.

    Each call gets a context of its own for the same request and session. Raises
    `RuntimeError` outside of a request.
    """
    original = request_view.get(None)
    if original is None:
        raise RuntimeError(
            "copy_current_request_context() has no request to copy: none is active here. Apply it"
            " inside the view that starts the thread, not at import time."
        )
    # A copy now, because the original may be closed by the time of the call.
    template = original.copy()

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with template.copy() as ctx:
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return t.cast(F, update_wrapper(wrapper, f))


def has_request_context() -> bool:
    """Tell whether a request is current, so `request` and `session` can be used."""
    return request_view.get(None) is not None


def has_app_context() -> bool:
    """Tell whether an application is current, so `current_app` and `g` can be used."""
    return context.get(None) is not None
