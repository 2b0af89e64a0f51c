"""Start the debug server again in a new process when files change.

The parent process binds the address and runs the same command again as its child, which loads
and serves the application and looks after its files. A child whose files have changed ends,
and the parent starts the next one. In the meantime, connections wait. No code of the
application runs in the parent.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from werkzeug._reloader import ReloaderLoop, StatReloaderLoop, reloader_loops

from .address import ServeError
from .supervisor import TOLD, TOLD_S, blocked_signals, ending
from .worker import BootFailure, Ready, worker_signals

CHANGED = 3
"""The exit status of a child that ends because files have changed, as with Werkzeug's."""

STOP_S = 5.0
"""How long a child may take to end before it is killed."""

POLL_S = 0.1
"""How often the parent looks after its child, and for signals."""

CHANNEL = "COSTREL_RELOADER"
"""The environment variable with the descriptor of the child's end of the pipe to its parent,
and whether the child is the first one."""

LISTENER = "WERKZEUG_SERVER_FD"
"""The environment variable with the descriptor of the listening socket."""


class Inherited(t.NamedTuple):
    """What a child gets from its parent."""

    listener: socket.socket
    channel: Connection
    first: bool
    """Whether none has served before."""


def inherit() -> Inherited | None:
    """Return what this process got from its parent; None if it is not a reloader's child."""
    value = os.environ.pop(CHANNEL, None)
    if value is None:
        return None
    handle, first = value.split(",")
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        channel: t.Any = PipeConnection(int(handle))
    else:
        channel = Connection(int(handle))
        # Not for the programs that the application starts: the child must see its parent's end.
        os.set_inheritable(int(handle), False)
    listener = socket.socket(fileno=int(os.environ[LISTENER]))
    listener.set_inheritable(False)
    return Inherited(listener, channel, first == "1")


class Child:
    """The process that serves, as its parent sees it."""

    def __init__(self, listener: socket.socket, *, first: bool) -> None:
        self.failure: BootFailure | None = None
        self.channel, theirs = Pipe()
        handles = [listener.fileno(), theirs.fileno()]
        environ = os.environ | {
            "WERKZEUG_RUN_MAIN": "true",
            LISTENER: str(listener.fileno()),
            CHANNEL: f"{theirs.fileno()},{int(first)}",
        }
        options: dict[str, t.Any] = {"pass_fds": handles}
        if sys.platform == "win32":
            options = {"close_fds": False}
            for handle in handles:
                os.set_handle_inheritable(handle, True)
        command = [sys.executable, *sys.orig_argv[1:]]
        # CTRL+C goes to the child too, which must not show where it was while it started.
        with blocked_signals():
            self.process = subprocess.Popen(command, env=environ, **options)  # noqa: S603
        theirs.close()

    def read(self, wait_s: float) -> Ready | None:
        """Wait for its next report; return it if the child says that it serves."""
        if self.channel.closed:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
            return None
        try:
            if not self.channel.poll(wait_s):
                return None
            report = self.channel.recv()
        except (EOFError, OSError):
            self.channel.close()
            return None
        if isinstance(report, Ready):
            return report
        self.failure = report
        return None

    def fate(self) -> str:
        """Return a phrase that says how it ended."""
        how = ending(self.process.returncode)
        return f"The process that serves the application (PID {self.process.pid}) {how}"


class ChildFailedError(Exception):
    """Raised with the `BootFailure` of a child that could not start."""

    def __init__(self, failure: BootFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Reloader:
    """The parent: run one child after the other until a signal."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        on_ready: t.Callable[[Ready, bool], None],
        on_stopping: t.Callable[[], None],
    ) -> None:
        self.listener = listener
        self.on_ready = on_ready
        self.on_stopping = on_stopping
        self.served = False
        self._stops = 0

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP, then return.

        Raises `ChildFailedError` or `ServeError` if a child ended for another reason.
        """
        with self._counting_signals():
            while not self._stops:
                child = Child(self.listener, first=not self.served)
                try:
                    self._attend(child)
                finally:
                    if child.process.poll() is None:
                        child.process.kill()
                        child.process.wait()
                    child.channel.close()
                self._await_signal(child)
                if child.failure is not None and not self._stops:
                    raise ChildFailedError(child.failure)
                if child.process.returncode != CHANGED and not self._stops:
                    when = "" if self.served else " while it was loading the application"
                    raise ServeError(f"{child.fate()}{when}. Start the command again.")

    def _await_signal(self, child: Child) -> None:
        """Wait a moment for the signal that has ended a child, if it is sent to this process too.

        As a terminal and `timeout` do.
        """
        until = time.monotonic() + TOLD_S
        while child.process.returncode in TOLD and not self._stops and time.monotonic() < until:
            time.sleep(TOLD_S / 10)

    def _attend(self, child: Child) -> None:
        """Wait until a child has ended."""
        kill_at: float | None = None
        while child.process.poll() is None:
            ready = child.read(POLL_S)
            if ready is not None and not self._stops:
                self.on_ready(ready, not self.served)
                self.served = True
            if self._stops and kill_at is None:
                kill_at = time.monotonic() + STOP_S
                self.listener.close()
                self.on_stopping()
                child.process.terminate()
            if kill_at is not None and (self._stops > 1 or time.monotonic() > kill_at):
                child.process.kill()
        # Its last report may have come after the last look.
        while not child.channel.closed:
            child.read(0.0) if child.channel.poll() else child.channel.close()

    @contextmanager
    def _counting_signals(self) -> t.Iterator[None]:
        def count(*_signal: object) -> None:
            self._stops += 1

        before = {}
        for number in heeded_signals():
            before[number] = signal.signal(number, count)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def heeded_signals() -> list[signal.Signals]:
    """Return the signals that end the command: SIGHUP only if `nohup` does not ignore it.

    SIGINT is heeded even if it is ignored, as it is for a command that a script starts with
    ``&``.
    """
    return [
        number
        for number in worker_signals()
        if number in {signal.SIGINT, signal.SIGTERM}
        or signal.getsignal(number) is not signal.SIG_IGN
    ]


class Watcher:
    """In the child: look after the files, and end the process when one changes.

    Attributes:
        changed: Whether that is why the process ends.
    """

    def __init__(
        self, extra_files: t.Sequence[str] | None, exclude_patterns: t.Sequence[str] | None
    ) -> None:
        kind: t.Any = reloader_loops["auto"]
        if kind is StatReloaderLoop:
            kind = _StatLoop
        self._loop: ReloaderLoop = kind(extra_files=extra_files, exclude_patterns=exclude_patterns)
        self.changed = False

    def start(self) -> None:
        """Start to look after the files: any change from now on is noticed."""
        self._loop.__enter__()
        threading.Thread(target=self._watch, name="costrel-reloader", daemon=True).start()

    def _watch(self) -> None:
        try:
            self._loop.run()
        except SystemExit:
            self.changed = True
            # The main thread ends what it serves.
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(STOP_S)
            os._exit(CHANGED)


class _StatLoop(StatReloaderLoop):
    """Notice new files too: the module that an import has missed."""

    def run_step(self) -> None:
        known, began = set(self.mtimes), time.time()
        super().run_step()
        for name in known and self.mtimes.keys() - known:
            # Others are files of modules that were imported later.
            if began - 2 * self.interval < self.mtimes[name] <= time.time():
                self.trigger_reload(name)
