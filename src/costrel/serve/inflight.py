"""The requests and WebSockets in flight, so that a stopping server can wait for them."""

from __future__ import annotations

import asyncio
import typing as t

if t.TYPE_CHECKING:
    from ..registration.application import App

GRACE_S = 2.0
"""How long a cancelled request or WebSocket may take to end, including its teardown (seconds)."""

in_flight: set[asyncio.Task[t.Any]] = set()
"""Tasks, on all loops, of requests that pause or hop to a thread: they have teardown to run."""


async def leave_all(app: App) -> None:
    """Cancel what is still in flight on this loop when the server stops, and wait until it ends.

    A sync function can't be cancelled: it is left running in its thread, which ends with the
    process.

    COMPAT(uvicorn): it cancels tasks that exceed its grace period, but does not wait until
    they have ended. COMPAT(Granian): WebSockets that do not receive are not told to stop.
    """
    loop = asyncio.get_running_loop()
    left = {task for task in tuple(in_flight) if task.get_loop() is loop}
    for task in left:
        if not task.cancelling():
            task.cancel()
    if left:
        _ended, left = await asyncio.wait(left, timeout=GRACE_S)
    workers = app._workers
    if left and workers is not None:
        app._workers = None
        workers.close()
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=GRACE_S)
