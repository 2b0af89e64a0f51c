"""Run coroutines for sync code that waits for them.

Under WSGI they run on one event loop per process, in its own thread. That loop lives as long
as the process, so connection pools and background tasks of async libraries survive from one
request to the next. Under ASGI they run on the server's loop, while the sync code waits in a
worker thread (see `costrel.dispatch.threads`).
"""

from __future__ import annotations

import logging
import sys
import threading
import typing as t
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from functools import update_wrapper
from inspect import isawaitable, iscoroutine

from ..ground.current import request_view
from ..ground.forks import forget_after_fork, notice
from ..ground.wrapped import coroutine_beneath
from .hooks import open_session, opens_in_thread

if t.TYPE_CHECKING:
    import asyncio

R = t.TypeVar("R")

here = threading.local()
"""Data of this thread: its ``inbox``, and the ``loop`` that it works for, if any."""


def serving_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that this worker thread works for; None in other threads."""
    loop: asyncio.AbstractEventLoop | None = getattr(here, "loop", None)
    return loop


_BLOCKS = (
    "A sync function on the event loop tried to wait for an async one, which would block the loop."
    " Make the caller async and await it."
)


CHECK_S = 1.0
"""How often a thread that waits for a loop checks whether it was closed (seconds)."""

CLEAN_UP_S = 5.0
"""How long the tasks of a loop may take to end after the loop has ended (seconds)."""

_log = logging.getLogger("costrel")


class LoopEndedError(RuntimeError):
    """Raised in code that waits for a coroutine whose event loop has ended."""


def _ended(why: str = "it was closed") -> LoopEndedError:
    return LoopEndedError(
        f"The event loop was ended ({why}) while this code waited for a coroutine on it. Don't"
        " stop or close a server's event loop, and don't raise SystemExit or KeyboardInterrupt in"
        " its tasks."
    )


class LoopThread:
    """Run coroutines on an event loop in a daemon thread, started when needed.

    If code on the loop ends it, or a fork leaves it behind, the next coroutine gets a new loop.
    """

    def __init__(self) -> None:
        self._forget()
        forget_after_fork(self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._why = ""

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        notice()
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                # Takes 10 ms to import; applications without coroutines save that.
                import asyncio

                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._lead, args=(loop,), name="costrel-loop", daemon=True
                )
                self._loop = loop
                self._thread.start()
            return self._loop

    def _lead(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run a loop until something ends it, then cancel the tasks that are left."""
        cause: BaseException | None = None
        try:
            loop.run_forever()
        except BaseException as error:  # noqa: BLE001  SystemExit and the like, from a task
            cause = error
        why = "loop.stop() was called" if cause is None else f"a task raised {cause!r}"
        with self._lock:
            if self._loop is loop:
                self._loop = self._thread = None
                self._why = why
        _log.error("The event loop was ended (%s); its tasks are cancelled", why)
        cause = None
        _end_tasks(loop)
        with suppress(RuntimeError):
            loop.close()

    def run(self, make: t.Callable[[], t.Awaitable[R]], *, helps: bool = True) -> R:
        """Run a coroutine on the loop, in the caller's context, and wait for it.

        Raises what the coroutine raises, `LoopEndedError` if the loop ends first, and
        `RuntimeError` on the loop's own thread, where waiting would never end. For `helps`,
        see `run_on`.
        """
        loop = self._running_loop()
        if threading.current_thread() is self._thread:
            raise RuntimeError(_BLOCKS)
        try:
            return run_on(loop, make, helps=helps)
        except BaseException as error:
            import asyncio

            if isinstance(error, asyncio.CancelledError) and self._loop is not loop:
                raise _ended(self._why) from error
            raise


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks of a loop, and let them clean up.

    Async generators are left alone: their readers continue on another loop.
    """
    import asyncio

    for grace_s in (CLEAN_UP_S, 1.0):
        left = {task for task in asyncio.all_tasks(loop) if not task.done()}
        if not left:
            return
        for task in left:
            task.cancel()
        # The tasks may end the loop again.
        with suppress(BaseException):
            loop.run_until_complete(asyncio.wait(left, timeout=grace_s))


def while_handling(error: BaseException, function: t.Callable[..., R], *args: t.Any) -> R:
    """Call a function as if the error had been caught here, and not in another thread.

    Error handlers use ``logger.exception``, which reads `sys.exc_info`.
    """
    traceback = error.__traceback__
    try:
        raise error  # noqa: TRY301  only to catch it
    except BaseException:  # noqa: BLE001  it was caught before
        error.__traceback__ = traceback
        return function(*args)


async def await_while_handling(error: BaseException, awaitable: t.Awaitable[R]) -> R:
    """Await something as if the error had been caught here: see `while_handling`."""
    traceback = error.__traceback__
    try:
        raise error  # noqa: TRY301  only to catch it
    except BaseException:  # noqa: BLE001  it was caught before
        error.__traceback__ = traceback
        return await awaitable


def take_over(context: Context) -> None:
    """Copy to the current context the variables that were changed in another one."""
    var: ContextVar[t.Any]
    for var, value in context.items():
        if var.get(_MISSING) is not value and var is not helping:
            var.set(value)


_MISSING = object()


class Job(t.Protocol):
    """A call for some thread to run."""

    def run(self) -> None:
        """Run the call; never raises."""

    def pass_on(self) -> None:
        """Let another thread run it."""


class Inbox:
    """Jobs for a thread that waits for a coroutine: the sync steps of that coroutine.

    INVARIANT: a coroutine that a thread waits for needs no second thread for its sync steps.
    Otherwise all threads of a bounded pool could be waiting for one more.
    """

    def __init__(self) -> None:
        # Here, so that `import costrel` does not load it.
        from queue import SimpleQueue

        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waits = 0

    def offer(self, job: Job) -> bool:
        """Give the thread a job, from any thread; False if it no longer waits."""
        with self._lock:
            if not self._waits:
                return False
            self._jobs.put(job)
            return True

    def wake(self) -> None:
        """Make the thread check whether it can stop waiting."""
        self._jobs.put(None)

    def wait_until(self, is_done: t.Callable[[], bool], loop: asyncio.AbstractEventLoop) -> None:
        """Run jobs in this thread until `is_done`, which is checked after each `wake`.

        Raises `LoopEndedError` if `loop` is closed first.
        """
        from queue import Empty

        while not is_done():
            try:
                job = self._jobs.get(timeout=CHECK_S)
            except Empty:
                if loop.is_closed() and not is_done():
                    raise _ended() from None
                continue
            if job is not None:
                job.run()
            del job

    @contextmanager
    def opened(self) -> t.Iterator[None]:
        """Accept jobs within a ``with`` block; enter it before starting what it waits for."""
        with self._lock:
            self._waits += 1
        try:
            yield
        finally:
            with self._lock:
                self._waits -= 1
                left = [] if self._waits else self._take_all()
            for job in left:
                job.pass_on()

    def _take_all(self) -> list[Job]:
        jobs = []
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                jobs.append(job)
        return jobs


helping: ContextVar[Inbox | None] = ContextVar("costrel.helping", default=None)
"""The inbox of the thread that waits for this coroutine, or for one that started it."""


def _inbox() -> Inbox:
    """Return this thread's inbox."""
    inbox: Inbox | None = getattr(here, "inbox", None)
    if inbox is None:
        inbox = here.inbox = Inbox()
    return inbox


def run_on(
    loop: asyncio.AbstractEventLoop, make: t.Callable[[], t.Awaitable[R]], *, helps: bool = True
) -> R:
    """Run a coroutine on another thread's loop, in the caller's context, and wait for it.

    In the meantime this thread runs the coroutine's sync steps, unless `helps` is false.
    """
    # Created here, so that wrong arguments raise in the caller.
    awaitable = make()
    ctx = copy_context()
    inbox = _inbox()
    ctx.run(helping.set, inbox if helps else None)
    done = False
    task: asyncio.Task[None] | None = None
    result: t.Any = None
    failure: BaseException | None = None
    handled = sys.exc_info()[1]

    async def settle() -> None:
        # INVARIANT: the waiting thread is always woken, and nothing is raised on the loop:
        # a SystemExit would end it, and with it every later coroutine.
        nonlocal result, failure, done
        try:
            if handled is None:
                result = await awaitable
            else:
                result = await await_while_handling(handled, awaitable)
        except BaseException as error:  # noqa: BLE001  raised by the waiting thread
            failure = error
        finally:
            done = True
            inbox.wake()

    def start() -> None:
        nonlocal task
        task = loop.create_task(settle(), context=ctx)

    try:
        with inbox.opened():
            loop.call_soon_threadsafe(start)
            inbox.wait_until(lambda: done, loop)
    except BaseException:
        # The waiting thread is being stopped, or the loop was closed: cancel the coroutine.
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: task.cancel() if task is not None else None)
        elif task is None and iscoroutine(awaitable):
            awaitable.close()
        raise
    take_over(ctx)
    try:
        if failure is not None:
            raise failure
        return t.cast(R, result)
    finally:
        failure = handled = None  # break the cycle: their tracebacks refer to this frame


_thread = LoopThread()


def _blocks_serving_loop() -> bool:
    """Whether the caller runs on the event loop that serves the current request."""
    ctx = request_view.get(None)
    if ctx is None or not (ctx.on_loop or ctx.loop):
        return False
    import asyncio

    running = asyncio._get_running_loop()
    return running is not None and (ctx.on_loop or ctx.loop is running)


awaited_later: ContextVar[t.Any] = ContextVar("costrel.awaited_later", default=None)
"""A coroutine function whose coroutine the caller of its decorators awaits: see `start`."""


def start(function: t.Callable[..., t.Any], coroutine_function: t.Any, **values: t.Any) -> t.Any:
    """Call a function around a coroutine function, and return the coroutine where it can.

    Decorators that call ``ensure_sync`` get the coroutine itself, and return it, so this thread
    does not have to wait for it.
    """
    token = awaited_later.set(coroutine_function)
    try:
        return function(**values)
    finally:
        awaited_later.reset(token)


def settling(
    func: t.Callable[..., t.Any], wait: t.Callable[[t.Any], t.Callable[..., t.Any]]
) -> t.Callable[..., t.Any]:
    """Wrap a function around a coroutine function, so that sync code gets what this returns.

    `wait` is `async_to_sync`, or what replaces it.
    """
    beneath = coroutine_beneath(func)

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        rv = func(*args, **kwargs)
        if not isawaitable(rv) or awaited_later.get() is beneath:
            return rv
        return wait(_settle)(rv)

    return update_wrapper(wrapper, func)


async def _settle(awaitable: t.Awaitable[R]) -> R:
    return await awaitable


def async_to_sync(func: t.Callable[..., t.Coroutine[t.Any, t.Any, R]]) -> t.Callable[..., R]:
    """Wrap a coroutine function so that sync code can call it.

    The coroutine sees the caller's context variables, and the caller sees its changes to them.
    """

    def wrapper(*args: t.Any, **kwargs: t.Any) -> R:
        if awaited_later.get() is func:
            return t.cast(R, func(*args, **kwargs))
        loop, ctx = serving_loop(), request_view.get(None)
        if loop is None and _blocks_serving_loop():
            raise RuntimeError(_BLOCKS)
        if ctx is not None and opens_in_thread(ctx):
            open_session(ctx)
        if loop is not None:
            # Under ASGI, coroutines run on the server's own loop.
            if ctx is not None:
                ctx.loop = loop
            return run_on(loop, lambda: func(*args, **kwargs))
        return _thread.run(lambda: func(*args, **kwargs))

    return update_wrapper(wrapper, func)
