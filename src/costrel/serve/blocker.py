"""Find the async code that blocks an event loop, from the stack of the loop's thread."""

from __future__ import annotations

import inspect
import typing as t
from types import FrameType

from ..ctx import RequestContext
from ..registration.origin import _is_ours, _show

if t.TYPE_CHECKING:
    from ..registration.application import App

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def find_blocker(app: App, frame: FrameType) -> str | None:
    """Return the async function that runs, its line, and its endpoint if it has one.

    This is what Costrel or the event loop called (a view, a hook, the generator of a stream),
    not what that called in turn.

    Args:
        app: The application that is being served.
        frame: The innermost frame of the event loop's thread.
    """
    found: FrameType | None = None
    ctx: t.Any = None
    within = True
    outer: FrameType | None = frame
    while outer is not None and ctx is None:
        if _is_ours(outer.f_globals.get("__name__", "")):
            within = found is None
            ctx = _context_of(outer) if found is not None else None
        elif within and outer.f_code.co_flags & _ASYNC:
            found = outer
        outer = outer.f_back
    if found is None:
        return None
    code = found.f_code
    place = f"{code.co_qualname}, at {_show(code.co_filename, found.f_lineno)}"
    endpoint = _endpoint(app, code) if ctx is None else _endpoint_of(ctx)
    return place if endpoint is None else f"{place} (endpoint {endpoint!r})"


def _context_of(frame: FrameType) -> t.Any:
    """Return the request that a function of ours works on."""
    values = frame.f_locals
    for ctx in (values.get("ctx"), getattr(values.get("self"), "_ctx", None)):
        if isinstance(ctx, RequestContext):
            return ctx
    return None


def _endpoint_of(ctx: RequestContext) -> str | None:
    if ctx.plan is not None:
        return t.cast("str | None", ctx.plan.endpoint)
    # Not created here, in another thread than the request's.
    request = vars(ctx).get("request")
    return None if request is None else request.endpoint


def _endpoint(app: App, code: t.Any) -> str | None:
    """Return the endpoint of a view that runs without its request on the stack."""
    views = app.view_functions.items()
    for endpoint, view in list(views):
        if getattr(inspect.unwrap(view), "__code__", None) is code:
            return endpoint
    return None
