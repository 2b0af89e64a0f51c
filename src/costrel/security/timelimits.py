"""The time limit of a view: `time_limit`."""

from __future__ import annotations

import math
import typing as t

from ..ground.wrapped import is_async
from ..registration.misplaced import note_decorator
from ..registration.origin import definition

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


def time_limit(seconds: float | None) -> t.Callable[[F], F]:
    """Cancel an async view that has not returned its response in time; the client gets a 503.

    Instead of ``VIEW_TIMEOUT_S``, for one view::

        @app.get("/report")
        @time_limit(10)
        async def report(): ...

    What the view awaits raises `asyncio.CancelledError`, so its ``finally`` blocks run, its
    dependencies are closed, and the teardown functions run. A response that is streamed has to
    begin in time, and may take longer. Place it below the route's decorator.

    Args:
        seconds: The greatest time, in seconds; None for no limit.

    Raises `TypeError` for a sync view, since a thread can't be stopped, and `ValueError` for a
    time that is none.
    """
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(f"time_limit({seconds!r}): write a number of seconds, or None.")

    def decorator(view: F) -> F:
        if seconds is not None and not is_async(view) and not hasattr(view, "view_class"):
            raise TypeError(
                f"@time_limit({seconds}) decorates {definition(view)}, which is not async. It runs"
                " in a thread, and a thread can't be stopped. Make it 'async def', or give what it"
                " waits for a time limit, such as timeout=10 of an HTTP client."
            )
        view.time_limit_s = seconds  # type: ignore[attr-defined]
        note_decorator("time_limit", view)
        return view

    return decorator
