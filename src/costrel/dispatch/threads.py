"""Worker threads for sync steps under ASGI, and hops to them from an event loop.

A sync step never runs on the loop's thread, where it would block every other request. It
runs in one of the application's worker threads, in the context of the task that waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import typing as t
import weakref
from contextvars import Context, copy_context

from ..ground.forks import forget_after_fork, notice
from .loop import helping, here, serving_loop, take_over

if t.TYPE_CHECKING:
    from ..registration.application import App

R = t.TypeVar("R")


class _Job:
    """A call for which a task on an event loop waits."""

    __slots__ = (
        "args", "context", "done", "error", "function", "future", "loop", "result", "workers",
    )  # fmt: skip

    def __init__(
        self,
        workers: WorkerThreads,
        context: Context,
        function: t.Callable[..., t.Any],
        args: t.Any,
    ) -> None:
        self.workers = workers
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.context = context
        self.function = function
        self.args = args
        self.done = False
        self.result: t.Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call the function, in a worker thread or one that waits for a coroutine."""
        outer = serving_loop()
        here.loop = self.loop
        try:
            self.result = self.context.run(self.function, *self.args)
        except BaseException as error:  # noqa: BLE001  raised by the waiting task
            self.error = error
        here.loop = outer
        try:
            self.loop.call_soon_threadsafe(self.settle)
        except RuntimeError:
            # The loop was closed in the meantime, so nothing waits any more.
            return

    def pass_on(self) -> None:
        """Let a worker thread run it."""
        self.workers.add(self)

    def settle(self) -> None:
        """Wake the waiting task, on its loop."""
        self.done = True
        if not self.future.done():
            self.future.set_result(None)


class _Work:
    """The jobs of worker threads. The threads refer to this only, so they end with their owner."""

    __slots__ = ("jobs", "lock", "threads", "unfinished")

    def __init__(self) -> None:
        # Here, so that `import costrel` does not load it.
        from queue import SimpleQueue

        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.lock = threading.Lock()
        self.unfinished = 0
        self.threads: list[threading.Thread] = []

    def run(self) -> None:
        """Run jobs one after the other until `end`; runs in a worker thread."""
        while (job := self.jobs.get()) is not None:
            job.run()
            del job  # otherwise it would be kept until the next one comes
            with self.lock:
                self.unfinished -= 1

    def end(self) -> None:
        """End the threads, each after its current job."""
        for _thread in self.threads:
            self.jobs.put(None)
        self.threads.clear()


class WorkerThreads:
    """Run functions in threads, at most `limit` at the same time.

    Threads are started when needed, and kept until `close` or until this object is freed.
    Calls beyond the limit wait for a free thread.
    """

    def __init__(self, limit: int, name: str) -> None:
        if limit < 1:
            raise ValueError(f"The limit of worker threads is {limit}; it must be 1 or more.")
        self.limit = limit
        self.name = name
        self._work = _Work()
        self._closed = False
        weakref.finalize(self, self._work.end).atexit = False
        _made.add(self)

    async def run(self, function: t.Callable[..., R], *args: t.Any, context: Context) -> R:
        """Call a function in a worker thread, within `context`, and wait for it.

        A task that is cancelled in the meantime still waits, because what it does next may
        depend on the function's effects. Only if the threads are closed does it not wait, since
        the process is then ending.
        """
        job = _Job(self, context, function, args)
        inbox = helping.get()
        if inbox is None or not inbox.offer(job):
            self.add(job)
        cancelled: asyncio.CancelledError | None = None
        try:
            # INVARIANT: until the job is done, not the future: a task can be cancelled after its
            # future is done and before it continues; a new future would never be settled.
            while not job.done:
                try:
                    await job.future
                except asyncio.CancelledError as error:
                    if self._closed:
                        raise
                    cancelled = error
                    if not job.done:
                        job.future = job.loop.create_future()
            if cancelled is not None:
                raise cancelled
            if job.error is not None:
                raise job.error
        finally:
            job.error = cancelled = None  # break the cycle: their tracebacks refer to this frame
        return t.cast(R, job.result)

    async def run_loosely(self, function: t.Callable[..., R], *args: t.Any, context: Context) -> R:
        """Call a function in a worker thread; a cancelled task does not wait until it returns."""
        job = _Job(self, context, function, args)
        self.add(job)
        await job.future
        try:
            if job.error is not None:
                raise job.error
        finally:
            job.error = None  # as above
        return t.cast(R, job.result)

    def add(self, job: _Job) -> None:
        """Let a thread run a job as soon as one is free."""
        notice()
        work = self._work
        with work.lock:
            if work.unfinished >= len(work.threads) < self.limit:
                self._start_thread()
            work.unfinished += 1
        work.jobs.put(job)

    def reserve(self) -> None:
        """Start one thread now, for a time when no more can be started.

        Python 3.12 starts no threads while the interpreter shuts down.
        """
        with self._work.lock:
            if not self._work.threads:
                self._start_thread()

    def _start_thread(self) -> None:
        threads = self._work.threads
        thread = threading.Thread(
            target=self._work.run, name=f"{self.name}-{len(threads) + 1}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is shutting down: see `reserve`. Existing threads go on.
            if not threads:
                raise
        else:
            threads.append(thread)

    def close(self) -> None:
        """End the threads, each after its current call; does not wait for them."""
        with self._work.lock:
            self._closed = True
            self._work.end()


_made: weakref.WeakSet[WorkerThreads] = weakref.WeakSet()


@forget_after_fork
def _renew_after_fork() -> None:
    for workers in tuple(_made):
        workers._work = _Work()


async def hop(workers: WorkerThreads, function: t.Callable[..., R], *args: t.Any) -> R:
    """Call a sync step from the loop in a worker thread, with the caller's context variables."""
    context = copy_context()
    try:
        return await workers.run(function, *args, context=context)
    finally:
        take_over(context)


def workers_of(app: App) -> WorkerThreads:
    """Return an application's worker threads, created when first needed."""
    workers = app._workers
    if workers is None:
        workers = app._workers = WorkerThreads(app.config["SYNC_THREADS"], "costrel-worker")
    return t.cast(WorkerThreads, workers)


async def hop_for(app: App, function: t.Callable[..., R], *args: t.Any) -> R:
    """Call a sync function in one of an application's worker threads."""
    return await hop(workers_of(app), function, *args)
