"""Sync steps under ASGI: worker threads, and the way there and back from an event loop.

A sync step never runs on the loop's thread, where it would hold up every other
request. It runs in one of an application's worker threads, with the context of
the task that waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import typing as t
from contextvars import Context, copy_context
from queue import SimpleQueue

from .loop import here, take_over

R = t.TypeVar("R")


class _Job:
    """One call, for a task that waits for it on an event loop."""

    __slots__ = ("args", "context", "done", "error", "function", "future", "loop", "result")

    def __init__(self, context: Context, function: t.Callable[..., t.Any], args: t.Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.context = context
        self.function = function
        self.args = args
        self.done = False
        self.result: t.Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call the function, in a worker thread."""
        here.loop = self.loop
        try:
            self.result = self.context.run(self.function, *self.args)
        except BaseException as error:  # noqa: BLE001  raised by the waiting task
            self.error = error
        here.loop = None
        try:
            self.loop.call_soon_threadsafe(self.settle)
        except RuntimeError:
            # The loop was closed meanwhile, so nobody waits.
            return

    def settle(self) -> None:
        """Wake the waiting task, on its loop."""
        self.done = True
        if not self.future.done():
            self.future.set_result(None)


class WorkerThreads:
    """Run functions in threads, at most so many at the same time.

    Threads are started when they are needed and kept until `close`. What exceeds
    the limit waits its turn.
    """

    def __init__(self, limit: int, name: str) -> None:
        if limit < 1:
            raise ValueError(f"{limit} worker threads can run nothing; allow 1 or more.")
        self.limit = limit
        self.name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._threads: list[threading.Thread] = []

    async def run(self, function: t.Callable[..., R], *args: t.Any, context: Context) -> R:
        """Call a function in a worker thread, within `context`, and wait for it.

        A task that is cancelled meanwhile still waits, for what it does next may
        depend on what the function left behind.
        """
        job = self._begin(function, args, context)
        cancelled: asyncio.CancelledError | None = None
        # INVARIANT: not until the future is done, for a task can be cancelled after its
        # future was, and before it goes on; nobody would settle another one.
        while not job.done:
            try:
                await job.future
            except asyncio.CancelledError as error:
                cancelled = error
                if not job.done:
                    job.future = job.loop.create_future()
        try:
            if cancelled is not None:
                raise cancelled
            if job.error is not None:
                raise job.error
        finally:
            job.error = cancelled = None  # their tracebacks lead back here: a cycle
        return t.cast(R, job.result)

    async def run_loosely(self, function: t.Callable[..., R], *args: t.Any, context: Context) -> R:
        """Call a function in a worker thread; a task that is cancelled leaves it behind there."""
        job = self._begin(function, args, context)
        await job.future
        try:
            if job.error is not None:
                raise job.error
        finally:
            job.error = None  # as above
        return t.cast(R, job.result)

    def _begin(self, function: t.Callable[..., t.Any], args: t.Any, context: Context) -> _Job:
        job = _Job(context, function, args)
        with self._lock:
            self._unfinished += 1
            if self._unfinished > len(self._threads) < self.limit:
                self._start_thread()
        self._jobs.put(job)
        return job

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._work, name=f"{self.name}-{len(self._threads) + 1}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # None is started any more as the interpreter ends; those that are there go on.
            if not self._threads:
                self._unfinished -= 1
                raise
        else:
            self._threads.append(thread)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            del job  # or it would be kept until the next one comes
            with self._lock:
                self._unfinished -= 1

    def close(self) -> None:
        """End the threads, each after the call that it is in; waits for none of them."""
        with self._lock:
            threads, self._threads = self._threads, []
        for _thread in threads:
            self._jobs.put(None)


async def hop(workers: WorkerThreads, function: t.Callable[..., R], *args: t.Any) -> R:
    """Call a sync step from the loop: in a worker thread, as if it were called here."""
    context = copy_context()
    try:
        return await workers.run(function, *args, context=context)
    finally:
        take_over(context)
