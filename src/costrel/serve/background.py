"""Tasks that go on beside the requests: tracked, logged, and ended with the server."""

from __future__ import annotations

import asyncio
import typing as t
from contextvars import Context

from ..dispatch.asynchronous import call

if t.TYPE_CHECKING:
    from ..application import App


class BackgroundTasks:
    """Hold the tasks of one event loop until each has ended."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[t.Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(
        self, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any
    ) -> asyncio.Task[t.Any]:
        """Run a function of either kind in an application context of its own; on the loop."""
        # In a context of its own: the request that asked for it ends before it does.
        task = asyncio.get_running_loop().create_task(
            self._run(function, args, kwargs), context=Context()
        )
        task.set_name(f"background: {getattr(function, '__qualname__', function)}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self, function: t.Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> t.Any:
        app = self._app
        try:
            with app.app_context():
                return await call(app, function, *args, **kwargs)
        except Exception:
            name = getattr(function, "__qualname__", repr(function))
            app.logger.exception("The background task %s failed", name)

    async def finish(self, grace_s: float) -> None:
        """Wait for the tasks, at most so long; then cancel those that are left."""
        if not self._tasks:
            return
        _done, left = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in left:
            self._app.logger.warning(
                "The %s did not end within %g s, and is cancelled", task.get_name(), grace_s
            )
            task.cancel()
        if left:
            await asyncio.wait(left)
