"""Supervise worker processes: start, replace and stop them.

Everything happens in one thread, which waits for signals, for reports from workers and for
their ends. So it is safe to fork a worker at any time.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import sys
import time
import typing as t
from contextlib import contextmanager, suppress
from multiprocessing import util
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from .retiring import LINGER_S, RETIRE
from .worker import BootFailure, Ready, worker_signals

if t.TYPE_CHECKING:
    from types import FrameType

Spawn = t.Callable[[int, Connection], BaseProcess]
"""Create the process of the worker with a number; it reports over the connection."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""How long to wait before a worker that died again is replaced; doubles each time."""

LIVED_S = 10.0
"""A worker that lived this long was healthy: if it dies, it is replaced at once."""

STARTS = 5
"""How many starts in a row may fail while no worker serves, before the server gives up."""

TOLD_S = 0.25
"""How long the signal that has ended a worker may take to stop the server too, if it is to."""

REMINDER_S = 0.5
"""How often workers that are still running are told again to stop."""

_log = logging.getLogger("costrel.run")


class StartError(Exception):
    """Raised if workers cannot start; `first` is true if none has served yet."""

    def __init__(self, failure: BootFailure, *, first: bool) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.first = first


class Worker:
    """A worker process, as its parent sees it.

    Attributes:
        ready: What it serves, once it serves.
        failure: Why it could not start, if it has reported that.
        kill_at: When it is killed if it has not ended by then.
    """

    def __init__(self, number: int, spawn: Spawn) -> None:
        self.number = number
        self.born = time.monotonic()
        self.ready: Ready | None = None
        self.failure: BootFailure | None = None
        self.kill_at: float | None = None
        self.channel, theirs = multiprocessing.Pipe()
        # No worker may hold this end, or it would not notice that the parent is gone.
        util.register_after_fork(self.channel, Connection.close)
        self.process = spawn(number, theirs)
        # Signals that arrive before the worker has its own handlers wait for these.
        with blocked_signals():
            self.process.start()
        theirs.close()

    def read(self) -> None:
        """Read its reports."""
        while not self.channel.closed:
            try:
                if not self.channel.poll():
                    return
                report = self.channel.recv()
            except Exception:  # noqa: BLE001  it ended, perhaps in the middle of a report
                self.channel.close()
            else:
                if isinstance(report, Ready):
                    self.ready = report
                else:
                    self.failure = report

    def retire(self) -> None:
        """Ask it to finish serving its open connections, and to end."""
        try:
            self.channel.send_bytes(RETIRE)
        except (OSError, ValueError):
            self.process.terminate()

    def fate(self) -> str:
        """Return a phrase that says how it ended."""
        how = ending(self.process.exitcode or 0)
        return f"Worker {self.number} (PID {self.process.pid}) {how}"


TOLD = frozenset({0, -signal.SIGINT, -signal.SIGTERM})
"""The exit codes of workers that were told to end, before they had their own handlers or since."""


def ending(code: int) -> str:
    """Return a phrase that says how a process ended, from its exit code."""
    if code == 0:
        return "ended with status 0"
    if code > 0:
        return f"ended unexpectedly with status {code}"
    with suppress(ValueError):
        return f"was terminated by {signal.Signals(-code).name}"
    return f"was terminated by signal {-code}"


class Slot:
    """The place of one worker, with its current and next process.

    Attributes:
        worker: The worker that serves, or that is starting if none serves.
        successor: The worker that replaces it once it can serve.
        due: When to start the next worker, if there is none.
        deaths: How many workers in a row died early.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        self.successor: Worker | None = None
        self.due: float | None = None
        self.deaths = 0

    def pause_s(self, worker: Worker) -> float:
        """Return how long to wait before a worker that died is replaced."""
        if worker.ready is not None and time.monotonic() - worker.born >= LIVED_S:
            self.deaths = 0
        self.deaths += 1
        if self.deaths == 1:
            return 0.0
        return min(FIRST_PAUSE_S * 2.0 ** min(self.deaths - 2, 16), LONGEST_PAUSE_S)


class Supervisor:
    """Keep `count` workers serving until told to stop.

    SIGINT and SIGTERM stop the workers, which get `stop_timeout_s` to finish their requests;
    a second signal kills them. SIGHUP replaces the workers one by one; each old worker stays
    until the new one serves. `on_ready` is called once, when all workers serve, and
    `on_stopping` when the server begins to stop.
    """

    def __init__(
        self,
        spawn: Spawn,
        count: int,
        *,
        stop_timeout_s: float,
        on_ready: t.Callable[[Ready], object],
        on_stopping: t.Callable[[], object],
    ) -> None:
        self.spawn = spawn
        self.slots = [Slot(number) for number in range(1, count + 1)]
        self.ending: list[Worker] = []
        self.stop_timeout_s = stop_timeout_s
        self.on_ready = on_ready
        self.on_stopping = on_stopping
        self._started = False
        self._stops = 0
        self._reload = False
        self._outdated: list[Slot] = []
        self._failed_starts = 0
        self._wakeup, self._alarm = socket.socketpair()
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)

    def run(self) -> None:
        """Start the workers; return when all have ended after a signal.

        Raises `StartError` if workers cannot start: the first ones, or several in a row
        while none serves.
        """
        with self._signals():
            try:
                for slot in self.slots:
                    slot.worker = Worker(slot.number, self.spawn)
                while not self._stops:
                    self._wait(self._next_due())
                    if not self._stops:
                        self._look()
            except StartError:
                self._end(quiet=True)
                raise
            self._end(quiet=False)

    # Waiting

    @contextmanager
    def _signals(self) -> t.Iterator[None]:
        numbers: list[signal.Signals] = [signal.SIGINT, signal.SIGTERM]
        handlers = dict.fromkeys(numbers, self._ask_to_stop)
        if sys.platform != "win32":
            handlers[signal.SIGHUP] = self._ask_to_reload
            # A worker's sentinel stays silent while a process that the worker forked lives on.
            handlers[signal.SIGCHLD] = self._note_end
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stops += 1
        self._wake()

    def _note_end(self, _signal: int, _frame: FrameType | None) -> None:
        self._wake()

    def _ask_to_reload(self, _signal: int, _frame: FrameType | None) -> None:
        self._reload = True
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._alarm.send(b"\0")

    def _workers(self) -> list[Worker]:
        places = [worker for slot in self.slots for worker in (slot.worker, slot.successor)]
        return [worker for worker in places if worker is not None] + self.ending

    def _is_told_to_stop(self, worker: Worker) -> bool:
        """Return whether the server is to stop, as a worker that has ended by itself may know.

        A terminal, `timeout` or systemd sends SIGINT or SIGTERM to all processes of the group, and
        a worker may have heeded it before this one gets it. It is no failure then.
        """
        if worker.process.exitcode in TOLD:
            until = time.monotonic() + TOLD_S
            while not self._stops and (left_s := until - time.monotonic()) > 0:
                wait([self._wakeup], left_s)
                self._drain()
        return self._stops > 0

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._wakeup.recv(256):
                pass

    def _wait(self, until: float | None) -> None:
        """Wait for a signal, a report or the end of a worker, at most until `until`."""
        waited: list[t.Any] = [self._wakeup]
        for worker in self._workers():
            waited.append(worker.process.sentinel)
            if not worker.channel.closed:
                waited.append(worker.channel)
        wait(waited, None if until is None else max(until - time.monotonic(), 0))
        self._drain()

    def _next_due(self) -> float | None:
        times = [slot.due for slot in self.slots] + [worker.kill_at for worker in self.ending]
        return min((due for due in times if due is not None), default=None)

    # Reacting

    def _look(self) -> None:
        for slot in self.slots:
            self._look_at(slot)
        self._bury()
        if not self._started and all(slot.worker and slot.worker.ready for slot in self.slots):
            self._started = True
            self.on_ready(t.cast(Ready, t.cast(Worker, self.slots[0].worker).ready))
        if self._started and self._reload:
            self._reload = False
            self._begin_reload()
        if self._outdated and not any(slot.successor for slot in self.slots):
            self._replace(self._outdated.pop(0))

    def _look_at(self, slot: Slot) -> None:
        successor = slot.successor
        if successor is not None:
            successor.read()
            if successor.ready is not None:
                slot.successor = None
                self._retire(slot.worker)
                slot.worker = successor
                _log.info("Worker %d was replaced by PID %d", slot.number, successor.process.pid)
            elif not successor.process.is_alive():
                slot.successor = None
                if self._is_told_to_stop(successor):
                    successor.channel.close()
                else:
                    self._tell_failed_reload(successor)
        worker = slot.worker
        if worker is not None:
            worker.read()
            if worker.ready is not None:
                self._failed_starts = 0
            if not worker.process.is_alive():
                worker.read()
                slot.worker = None
                if self._is_told_to_stop(worker):
                    worker.channel.close()
                else:
                    self._replace_dead(slot, worker)
        if slot.due is not None and slot.due <= time.monotonic():
            slot.due = None
            slot.worker = Worker(slot.number, self.spawn)

    def _replace_dead(self, slot: Slot, worker: Worker) -> None:
        failure = worker.failure
        if worker.ready is None:
            self._count_failed_start(failure or _silent(worker))
        pause_s = slot.pause_s(worker)
        worker.channel.close()
        if failure is not None:
            _log.error("Worker %d could not start: %s", slot.number, failure.message)
        if slot.successor is not None:
            slot.worker, slot.successor = slot.successor, None
            _log.error("%s; its replacement is already starting", worker.fate())
            return
        slot.due = time.monotonic() + pause_s
        when = f"in {pause_s:g} s" if pause_s else "now"
        _log.error("%s; a new one starts %s", worker.fate(), when)

    def _count_failed_start(self, failure: BootFailure) -> None:
        if not self._started:
            raise StartError(failure, first=True)
        self._failed_starts += 1
        if self._failed_starts >= STARTS and not any(
            worker.ready for slot in self.slots if (worker := slot.worker) is not None
        ):
            raise StartError(failure, first=False)

    def _begin_reload(self) -> None:
        # Workers that are starting may have read the code before it changed.
        for slot in self.slots:
            if slot.successor is not None:
                self._stop(slot.successor)
                slot.successor = None
        self._outdated = list(self.slots)
        _log.info("SIGHUP received: reloading the application")

    def _replace(self, slot: Slot) -> None:
        if slot.due is not None:
            slot.due = time.monotonic()
        else:
            slot.successor = Worker(slot.number, self.spawn)

    def _tell_failed_reload(self, successor: Worker) -> None:
        successor.read()
        successor.channel.close()
        self._outdated.clear()
        failure = successor.failure or _silent(successor)
        _log.error(
            "Reload failed: a new worker could not start. The old workers keep serving. %s",
            failure.message,
        )

    def _retire(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.kill_at = time.monotonic() + LINGER_S + self._stop_s(worker)
            worker.retire()
            self.ending.append(worker)

    # Stopping

    def _stop_s(self, worker: Worker) -> float:
        return self.stop_timeout_s + (worker.ready.end_s if worker.ready is not None else 0)

    def _stop(self, worker: Worker) -> None:
        worker.kill_at = time.monotonic() + self._stop_s(worker)
        worker.process.terminate()
        if worker not in self.ending:
            self.ending.append(worker)

    def _bury(self) -> None:
        """Kill workers that are out of time, and forget those that have ended."""
        for worker in self.ending:
            if worker.kill_at is not None and worker.kill_at <= time.monotonic():
                worker.kill_at = None
                _log.warning(
                    "Worker %d (PID %s) did not stop in time; killing it",
                    worker.number,
                    worker.process.pid,
                )
                worker.process.kill()
        for worker in [worker for worker in self.ending if not worker.process.is_alive()]:
            worker.channel.close()
            self.ending.remove(worker)

    def _end(self, *, quiet: bool) -> None:
        if not quiet:
            self.on_stopping()
        workers = self._workers()
        for slot in self.slots:
            slot.worker = slot.successor = None
        for worker in workers:
            self._stop(worker)
        cut_off = False
        while self.ending:
            # A worker misses a signal that arrives just before it serves, so send it again.
            self._wait(time.monotonic() + REMINDER_S)
            for worker in self.ending:
                worker.read()
                worker.process.terminate()
            if self._stops > 1 and not cut_off:
                cut_off = True
                for worker in self.ending:
                    worker.process.kill()
            self._bury()


def _silent(worker: Worker) -> BootFailure:
    return BootFailure(
        f"{worker.fate()} while it was loading the application, without an error message."
        " Run 'costrel routes' to load it directly and see more."
    )


@contextmanager
def blocked_signals() -> t.Iterator[None]:
    """Start a process that gets signals only once it asks for them."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, worker_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
