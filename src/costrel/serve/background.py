"""Background tasks: run alongside requests, logged if they fail, ended with the server."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from inspect import isawaitable, iscoroutinefunction

from ..dispatch.coroutines import send_signal
from ..dispatch.threads import WorkerThreads, hop_for
from ..ground.current import context
from ..logging.requestids import id_of
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down

if t.TYPE_CHECKING:
    from ..registration.application import App

CANCEL_S = 1.0
"""How long a cancelled task may take to clean up."""


def is_cancellation(error: BaseException) -> bool:
    """Whether an error means that the running task was cancelled from outside."""
    task = asyncio.current_task()
    cancelled = task is not None and task.cancelling() > 0
    return cancelled and isinstance(error, asyncio.CancelledError)


@asynccontextmanager
async def app_context_on(app: App, continued_id: str | None = None) -> t.AsyncIterator[None]:
    """Enter an application context on an event loop; its teardown functions run in a thread.

    `continued_id` is the id of the request that it continues.
    """
    ctx = app.app_context()
    if continued_id is not None:
        ctx.continued_id = continued_id
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


def _id_in(within: Context) -> str | None:
    """Return the id of the request that was current when a task was added."""
    ctx = within.get(context)
    return None if ctx is None else id_of(ctx)


class BackgroundTasks:
    """The background tasks of one event loop.

    Sync functions run in separate threads, so that long ones take no threads away from
    requests. At most ``SYNC_THREADS`` of them run at the same time.
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
        """Run a sync or async function in its own application context. Call it on the loop.

        `within` holds the context variables that the function sees.
        """
        name = getattr(function, "__qualname__", None) or repr(function)
        if self._closed:
            self._app.logger.error("The background task %s was added after the server ended", name)
            return
        task = asyncio.get_running_loop().create_task(
            self._run(name, function, args, kwargs, _id_in(within)),
            name=f"background: {name}",
            context=within,
        )
        self._tasks[task] = name
        task.add_done_callback(self._tasks.pop)

    async def _run(
        self,
        name: str,
        function: t.Callable[..., t.Any],
        args: tuple[t.Any, ...],
        kwargs: dict[str, t.Any],
        continued_id: str | None,
    ) -> None:
        app = self._app
        try:
            if not iscoroutinefunction(function):
                rest = await self._run_in_thread(function, args, kwargs, continued_id)
                if not isawaitable(rest):
                    return
                # For example, a lambda that calls a coroutine function.
                async with app_context_on(app, continued_id):
                    await rest
            else:
                async with app_context_on(app, continued_id):
                    await function(*args, **kwargs)
        except BaseException as error:
            # Also SystemExit and the like, which would end the server.
            if isinstance(error, GeneratorExit) or is_cancellation(error):
                raise
            app.logger.exception("The background task %s failed", name)

    async def _run_in_thread(
        self,
        function: t.Callable[..., t.Any],
        args: tuple[t.Any, ...],
        kwargs: dict[str, t.Any],
        continued_id: str | None,
    ) -> t.Any:
        def run() -> t.Any:
            # The task must not see the request that added it.
            context.set(None)
            with self._app.app_context() as ctx:
                ctx.continued_id = continued_id
                return function(*args, **kwargs)

        return await self._workers().run_loosely(run, context=copy_context())

    def _workers(self) -> WorkerThreads:
        if self._threads is None:
            limit = self._app.config["SYNC_THREADS"]
            self._threads = WorkerThreads(limit, "costrel-background")
        return self._threads

    def reserve_thread(self) -> None:
        """Start a thread now, for sync tasks that are added while the process ends."""
        self._workers().reserve()

    async def finish(self, grace_s: float | None) -> None:
        """Wait for the tasks for up to `grace_s` seconds, then cancel the rest.

        None waits without a limit. Tasks added in the meantime are waited for as well. A sync
        function can't be cancelled: its thread ends with the process.
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
                "The background task %s did not end within %g s and was cancelled", name, grace_s
            )
            task.cancel()
        if left:
            _ended, stuck = await asyncio.wait(left, timeout=CANCEL_S)
            for task in stuck:
                self._app.logger.error(
                    "The background task %s was cancelled but is still running", left[task]
                )
        if self._threads is not None:
            self._threads.close()
