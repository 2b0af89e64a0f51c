"""The requests and WebSockets that have begun, so that a server's end can wait for them."""

from __future__ import annotations

import asyncio
import typing as t

if t.TYPE_CHECKING:
    from ..registration.application import App

GRACE_S = 2.0
"""How long what is cut off may take to end, with its teardown functions."""

in_flight: set[asyncio.Task[t.Any]] = set()
"""The tasks of what pauses or hops, of all loops: they have something to tear down."""


async def leave_all(app: App) -> None:
    """Cut off what is still in flight on this loop when the server stops, and wait for its end.

    A sync function can't be cancelled: what waits for one is left behind in its thread,
    which ends with the process.

    COMPAT(uvicorn): it cancels what exceeds its grace period, but does not wait until
    that has ended. COMPAT(Granian): it does not tell WebSockets that do not receive.
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
