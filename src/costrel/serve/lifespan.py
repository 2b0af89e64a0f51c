"""The lifespan of a server process: what runs before, after, and alongside its requests."""

from __future__ import annotations

import asyncio
import atexit
import multiprocessing.util
import os
import typing as t
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from inspect import isasyncgen, iscoroutine
from weakref import WeakSet

from ..ctx import AppContext
from ..dispatch import loop as loops
from ..dispatch.calls import call
from ..dispatch.threads import hop_for, workers_of
from ..dispatch.typed import check_views
from ..ground.current import come_back, context, outside
from ..ground.forks import forget_after_fork, notice
from .background import BackgroundTasks, app_context_on, is_cancellation
from .callers import is_server
from .health import LoopHealth
from .inflight import leave_all
from .scope import Receive, Send

if t.TYPE_CHECKING:
    from ..registration.application import App

_starting: ContextVar[Life | None] = ContextVar("costrel.starting", default=None)
"""The life that is being started, for code that runs as part of that."""


ERROR = "costrel.error"
"""The key of the error itself in the message that says so; for a debugger."""


class Life:
    """One run of an application from startup to shutdown, on one event loop.

    Attributes:
        loop: The event loop, once there is one.
        ready: Whether it has started and not ended yet.
        tasks: The background tasks.
        health: Measures whether the event loop keeps up.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ready = False
        self.tasks = BackgroundTasks(app)
        self.health = LoopHealth(app)
        self._generators: list[tuple[t.Any, t.Any, list[AppContext]]] = []
        self._outer: Life | None = None
        self._task: asyncio.Task[None] | None = None
        self._beginning: asyncio.Future[None] | None = None
        self._end = asyncio.Event()

    def serves(self) -> bool:
        """Whether it has started and its event loop is still open."""
        return self.ready and self.loop is not None and not self.loop.is_closed()

    def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Become the application's current life, until `leave`."""
        app = self.app
        self.loop = loop
        outer = t.cast("Life | None", app._life)
        if outer is not self:
            # A test may serve an application that is already being served on another loop.
            self._outer = outer if outer is not None and outer.serves() else None
            app._life = self
        _living.add(app)

    def reserve_threads(self) -> None:
        """Start threads now, for a shutdown at a time when Python can't start any more."""
        workers_of(self.app).reserve()
        self.tasks.reserve_thread()

    def leave(self) -> None:
        """Stop being the application's current life."""
        app = self.app
        self.ready = False
        self.health.stop()
        if app._life is self:
            app._life = self._outer
            # The next request starts a new life: see `Flask._compile`.
            app._engine = None
        if not self.is_nested:
            if getattr(app.session_interface, "waits_for_store", False):
                app.session_interface.close()
            workers, app._workers = app._workers, None
            if workers is not None:
                workers.close()

    @property
    def is_nested(self) -> bool:
        """Whether the application is also being served on another loop, which goes on."""
        return self._outer is not None and self._outer.serves()

    async def start(self) -> None:
        """Run the functions that come before the first request.

        Raises the first error of one, after ending what had already been started.
        """
        self.enter(asyncio.get_running_loop())
        token = _starting.set(self)
        self.health.start()
        try:
            await self._run_before()
        except BaseException as error:
            await self._end_generators()
            await self.tasks.finish(0)
            self.leave()
            if isinstance(error, Exception) or is_cancellation(error):
                raise
            message = f"A function that runs before serving raised {error!r}"
            raise RuntimeError(message) from error
        finally:
            _starting.reset(token)
        self.ready = True

    async def _run_before(self) -> None:
        app = self.app
        if not (app.before_serving_funcs or app.while_serving_gens):
            # Enter no context either: its teardown functions may expect a request.
            return
        async with app_context_on(app):
            for function in app.before_serving_funcs:
                await call(app, function)
            for function in app.while_serving_gens:
                await self._start_generator(function)

    async def stop(self) -> None:
        """Run the functions that come after the last request; errors are logged.

        First, background tasks get ``BACKGROUND_GRACE_S`` seconds to end. Then the
        ``while_serving`` generators are resumed, from the last to the first. Finally the
        ``after_serving`` functions run.
        """
        app = self.app
        try:
            await self.tasks.finish(app.config["BACKGROUND_GRACE_S"])
            await self._end_generators()
            try:
                if app.after_serving_funcs:
                    async with app_context_on(app):
                        await self._run_after()
            except Exception:
                app.logger.exception("Leaving the context after serving failed")
        finally:
            self.leave()

    async def _run_after(self) -> None:
        for function in self.app.after_serving_funcs:
            try:
                await call(self.app, function)
            except BaseException as error:
                if is_cancellation(error):
                    raise
                self.app.logger.exception("%s failed after serving", _name(function))

    async def _start_generator(self, function: t.Callable[[], t.Any]) -> None:
        generator = function()
        if not (hasattr(generator, "__anext__") or hasattr(generator, "__next__")):
            if iscoroutine(generator):
                generator.close()
            raise TypeError(
                f"{_name(function)} is registered with while_serving, but is not a generator"
                " function: add a `yield` between the code to run before serving and the code to"
                " run after it."
            )
        outer = context.get(None)
        if not await self._step(generator):
            raise RuntimeError(
                f"{_name(function)} is registered with while_serving, but returned without"
                " reaching a `yield`."
            )
        self._generators.append((function, generator, _entered_since(outer)))

    async def _end_generators(self) -> None:
        """Run the generators to their end, in reverse order."""
        app = self.app
        while self._generators:
            function, generator, entered = self._generators.pop()
            try:
                async with app_context_on(app):
                    if await self._step(generator, entered):
                        app.logger.error("%s yields more than once", _name(function))
                        await self._close(generator)
            except BaseException as error:
                if is_cancellation(error):
                    raise
                app.logger.exception("%s failed after serving", _name(function))

    async def _step(self, generator: t.Any, entered: t.Sequence[AppContext] = ()) -> bool:
        """Run a generator until it yields (True) or ends (False), in contexts that it entered."""
        if hasattr(generator, "__anext__"):
            _enter_again(entered)
            return await anext(generator, _END) is not _END
        return await hop_for(self.app, _resume, generator, entered) is not _END

    async def _close(self, generator: t.Any) -> None:
        if isasyncgen(generator):
            await generator.aclose()
        else:
            await hop_for(self.app, generator.close)

    # If the server doesn't announce its start and end, one task runs both: what was entered
    # in that task (such as a task group) has to be left in it.

    async def begin(self) -> None:
        """Start in a new task, and wait until it has started."""
        loop = asyncio.get_running_loop()
        self.enter(loop)
        started: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._run(started), name="life", context=Context())
        await started

    async def _run(self, started: asyncio.Future[None]) -> None:
        try:
            await self.start()
        except BaseException as error:  # noqa: BLE001  raised by `begin`
            if not started.done():
                started.set_exception(error)
            return
        if not started.done():
            started.set_result(None)
        try:
            await self._end.wait()
        except asyncio.CancelledError:
            # The loop was ended; a new life will be started.
            t.cast("asyncio.Task[None]", self._task).uncancel()
            self._end.set()
        await self.stop()

    async def end(self) -> None:
        """Stop what `begin` started, and wait until it has ended."""
        self._end.set()
        if self._beginning is not None:
            await asyncio.wait({self._beginning})
        if self._task is not None:
            await self._task


_END: t.Any = object()


def _entered_since(outer: AppContext | None) -> list[AppContext]:
    """Return the contexts that were entered since `outer` was current, the outermost first."""
    entered: list[AppContext] = []
    ctx = context.get(None)
    while isinstance(ctx, AppContext) and ctx is not outer and ctx not in entered:
        entered.insert(0, ctx)
        ctx = ctx._cv_tokens[-1].old_value if ctx._cv_tokens else None
    return entered


def _enter_again(entered: t.Iterable[AppContext]) -> None:
    """Make current what a generator had entered before its `yield`, so that it can leave it.

    Its tokens are renewed: a token counts only where it was made, which may have been another
    thread's `contextvars.Context`, and what was current before has ended.
    """
    for ctx in entered:
        if ctx._cv_tokens:
            ctx._cv_tokens[-1] = context.set(ctx)


def _resume(generator: t.Any, entered: t.Iterable[AppContext]) -> t.Any:
    """Resume a sync generator; runs in a worker thread."""
    _enter_again(entered)
    return next(generator, _END)


def _name(function: t.Any) -> str:
    return getattr(function, "__qualname__", repr(function))


async def live(app: App, receive: Receive, send: Send) -> None:
    """Handle a server's lifespan messages (ASGI Lifespan 2.0)."""
    life = Life(app)
    while True:
        # What a generator entered before its `yield` stays current, but not for the server.
        kind = (await outside(receive))["type"]
        if kind == "lifespan.startup":
            try:
                if is_server(send):
                    app._check_start()
                    check_views(app)
                else:
                    app._check_start(served=False)
                await life.start()
            except Exception as error:
                from ..ground.frames import startup_error

                app.logger.exception(
                    "The application could not be started", exc_info=startup_error(error)
                )
                message = f"The application could not be started: {error!r}"
                failed = {"type": "lifespan.startup.failed", "message": message, ERROR: error}
                await outside(send, failed)
                return
            await outside(send, {"type": "lifespan.startup.complete"})
        elif kind == "lifespan.shutdown":
            if not life.is_nested:
                await leave_all(app)
            await life.stop()
            await outside(send, {"type": "lifespan.shutdown.complete"})
            return


@asynccontextmanager
async def lived(app: App) -> t.AsyncIterator[None]:
    """Start the application, and stop it at the end of the block, without a server's messages."""
    life = Life(app)
    await life.start()
    # As in `live`: what a generator entered stays current, but not for the block.
    token = context.set(None)
    try:
        yield
    finally:
        come_back(token)
        if not life.is_nested:
            await leave_all(app)
        await life.stop()


async def start_on_loop(app: App) -> None:
    """Start the application on an ASGI server that sends no lifespan messages.

    Called with the first request. That one, and those that come in the meantime, wait for it.
    """
    life = t.cast("Life | None", app._life)
    if life is not None and (life.serves() or _starting.get() is life):
        return
    loop = asyncio.get_running_loop()
    if life is None or life.loop is not loop:
        life = Life(app)
        life.enter(loop)
    if life._beginning is None:
        life._beginning = asyncio.ensure_future(life.begin())
    await asyncio.shield(life._beginning)


def start_under_wsgi(app: App) -> None:
    """Start the application in a WSGI process, with its first request; it stops at process exit.

    All its async code runs on the process's own event loop.
    """
    notice()
    if _is_started(app):
        return
    with app._life_lock:
        if _is_started(app):
            return
        life = Life(app)
        life.reserve_threads()
        try:
            loops._thread.run(life.begin)
        except OSError as error:
            # COMPAT(gunicorn): it takes an OSError for a client disconnect, and sends no answer.
            raise RuntimeError(f"The application could not be started: {error!r}") from error
        _end_with_process(life)


def _end_with_process(life: Life) -> None:
    end = partial(_end_under_wsgi, life, os.getpid())
    atexit.register(end)
    # A `multiprocessing` process, such as a Granian worker, runs only finalizers at its exit.
    multiprocessing.util.Finalize(None, end, exitpriority=100)


def _is_started(app: App) -> bool:
    life = t.cast("Life | None", app._life)
    return life is not None and (life.serves() or _starting.get() is life)


def _end_under_wsgi(life: Life, process: int) -> None:
    if os.getpid() == process and not life._end.is_set():
        loops._thread.run(life.end)


def add_background_task(
    app: App, function: t.Callable[..., t.Any], args: t.Any, kwargs: dict[str, t.Any]
) -> None:
    """Run a function in the background: see `costrel.Flask.add_background_task`."""
    if not callable(function):
        if iscoroutine(function):
            function.close()
        raise TypeError(
            f"{function!r} is not callable. Pass the function and its arguments, not what it"
            " returns: app.add_background_task(function, argument)."
        )
    notice()
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    life = t.cast("Life | None", app._life)
    if life is None or life.loop is None or life.loop.is_closed():
        loop = running or loops.serving_loop()
        of_process = loop is not None and loop is loops._thread._loop
        if loop is None or (of_process and running is None):
            start_under_wsgi(app)
            life = t.cast(Life, app._life)
        else:
            # An ASGI server that announces neither its start nor its end.
            life = Life(app)
            life.enter(loop)
            if of_process:
                # Or a coroutine under WSGI, which can't wait until it has started.
                life.reserve_threads()
                life._beginning = asyncio.ensure_future(life.begin())
                _end_with_process(life)
    add = partial(life.tasks.add, copy_context(), function, args, kwargs)
    if running is not None and running is life.loop:
        add()
    else:
        t.cast("asyncio.AbstractEventLoop", life.loop).call_soon_threadsafe(add)


_living: WeakSet[App] = WeakSet()
"""The applications that have been started in this process."""


_parents: list[t.Any] = []
"""Lives of the parent process, kept since asyncio complains about tasks that are freed."""


@forget_after_fork
def _forget_lives() -> None:
    # Loops and threads do not survive a fork: the child process starts a new life.
    for app in list(_living):
        _parents.append(app._life)
        app._life = app._workers = app._engine = None
        app._renew_life_lock()
    _living.clear()
