"""The time that a view may take until its response begins; then it is cancelled: 503.

Only coroutine functions can be cancelled. A thread can't be: what a sync view has begun, it ends.
"""

from __future__ import annotations

import logging
import typing as t
from functools import update_wrapper
from inspect import iscoroutinefunction

from werkzeug.exceptions import ServiceUnavailable

from ..ground.current import request
from .classviews import for_loop

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

View = t.Callable[..., t.Any]

_log = logging.getLogger("costrel.security")


def in_time(app: App, rule: Rule, view: View) -> View:
    """Return a view that is cancelled when its time is up; itself, if it has no limit.

    The limit is what `costrel.security.time_limit` says, or else ``VIEW_TIMEOUT_S``.
    """
    limit_s: float | None = getattr(view, "time_limit_s", app.config.get("VIEW_TIMEOUT_S"))
    if limit_s is None:
        return view
    kept: tuple[View, float, View] | None = getattr(rule, "_in_time", None)
    if kept is None or kept[0] is not view or kept[1] != limit_s:
        kept = view, limit_s, _limited(view, limit_s)
        rule._in_time = kept  # type: ignore[attr-defined]
    return kept[2]


def _limited(view: View, limit_s: float) -> View:
    awaited = for_loop(view)
    if not iscoroutinefunction(awaited):
        return view

    async def answer(*args: t.Any, **kwargs: t.Any) -> t.Any:
        # Imported here, so that `import costrel` does not load it.
        import asyncio

        timeout = asyncio.timeout(limit_s)
        try:
            async with timeout:
                return await awaited(*args, **kwargs)
        except TimeoutError:
            # The view may have raised one of its own.
            if not timeout.expired():
                raise
        _log.warning(
            "503 for %s %r: the view took longer than %g s (VIEW_TIMEOUT_S, or @time_limit), so it"
            " was cancelled.",
            request.method,
            request.path,
            limit_s,
        )
        raise ServiceUnavailable("This took too long. Try again later.")

    return update_wrapper(answer, awaited)
