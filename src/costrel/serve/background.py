"""Tasks that go on beside the requests: tracked, logged, and ended with the server."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from inspect import isawaitable, iscoroutinefunction

from ..dispatch.coroutines import send_signal
from ..dispatch.threads import WorkerThreads, hop_for
from ..ground.current import context
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down

if t.TYPE_CHECKING:
    from ..registration.application import App

CANCEL_S = 1.0
"""How long a task that was cancelled may take to clean up."""


def is_cancellation(error: BaseException) -> bool:
    """Tell whether an error cancels the running task, and was not raised in it by itself."""
    task = asyncio.current_task()
    cancelled = task is not None and task.cancelling() > 0
    return cancelled and isinstance(error, asyncio.CancelledError)


@asynccontextmanager
async def app_context_on(app: App) -> t.AsyncIterator[None]:
    """Make an application current on a loop; its teardown functions run in a thread."""
    ctx = app.app_context()
    token = context.set(ctx)
    ctx._cv_tokens.append(token)
    error: BaseException | None = None
    try:
        await send_signal(app, appcontext_pushed)
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            if (
                app.teardown_appcontext_funcs
                or appcontext_tearing_down.receivers
                or not app.is_original("do_teardown_appcontext")
            ):
                await hop_for(app, ctx._tear_down, error)
        finally:
            ctx._cv_tokens.remove(token)
            context.reset(token)
            await send_signal(app, appcontext_popped)


class BackgroundTasks:
    """Hold the tasks of one event loop until each has ended.

    Sync functions run in threads of their own, so that long ones take none from the
    requests; at most ``SYNC_THREADS`` of them at the same time.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._threads: WorkerThreads | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def add(
        self,
        within: Context,
        function: t.Callable[..., t.Any],
        args: tuple[t.Any, ...],
        kwargs: dict[str, t.Any],
    ) -> None:
        """Run a function of either kind in an application context of its own; on the loop.

        `within` has the context variables that it sees.
        """
        name = getattr(function, "__qualname__", None) or repr(function)
        if self._closed:
            self._app.logger.error("The background task %s came after the end of the server", name)
            return
        task = asyncio.get_running_loop().create_task(
            self._run(name, function, args, kwargs), name=f"background: {name}", context=within
        )
        self._tasks[task] = name
        task.add_done_callback(self._tasks.pop)

    async def _run(
        self,
        name: str,
        function: t.Callable[..., t.Any],
        args: tuple[t.Any, ...],
        kwargs: dict[str, t.Any],
    ) -> None:
        app = self._app
        try:
            if not iscoroutinefunction(function):
                rest = await self._run_in_thread(function, args, kwargs)
                if not isawaitable(rest):
                    return
                # Such as a lambda that calls a coroutine function.
                async with app_context_on(app):
                    await rest
            else:
                async with app_context_on(app):
                    await function(*args, **kwargs)
        except BaseException as error:
            # SystemExit too and its like, which would end the server.
            if isinstance(error, GeneratorExit) or is_cancellation(error):
                raise
            app.logger.exception("The background task %s failed", name)

    async def _run_in_thread(
        self, function: t.Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> t.Any:
        def run() -> t.Any:
            # The request that asked for it is none of the task's.
            context.set(None)
            with self._app.app_context():
                return function(*args, **kwargs)

        return await self._workers().run_loosely(run, context=copy_context())

    def _workers(self) -> WorkerThreads:
        if self._threads is None:
            limit = self._app.config["SYNC_THREADS"]
            self._threads = WorkerThreads(limit, "costrel-background")
        return self._threads

    def reserve_thread(self) -> None:
        """Have a thread for the sync tasks that are added as the process ends."""
        self._workers().reserve()

    async def finish(self, grace_s: float | None) -> None:
        """Wait for the tasks, at most so long; then cancel those that are left.

        Tasks that they add meanwhile are waited for as well. A sync function can't be
        cancelled: its thread ends with the process.
        """
        loop = asyncio.get_running_loop()
        end = None if grace_s is None else loop.time() + grace_s
        while self._tasks:
            left_s = None if end is None else end - loop.time()
            if left_s is not None and left_s <= 0:
                break
            await asyncio.wait(set(self._tasks), timeout=left_s)
        self._closed = True
        left = dict(self._tasks)
        for task, name in left.items():
            self._app.logger.warning(
                "The background task %s did not end within %g s, and is cancelled", name, grace_s
            )
            task.cancel()
        if left:
            _ended, stuck = await asyncio.wait(left, timeout=CANCEL_S)
            for task in stuck:
                self._app.logger.error(
                    "The background task %s goes on though it was cancelled", left[task]
                )
        if self._threads is not None:
            self._threads.close()
