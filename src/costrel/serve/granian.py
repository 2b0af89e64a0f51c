"""Serve an application on Granian, the server written in Rust.

A parent process watches; worker processes load the application, each for
itself, and answer requests. Nothing of the application runs in the parent, so
connections and threads that it makes while it is imported belong to one
process and are never shared by a fork.
"""

from __future__ import annotations

import _thread
import logging
import logging.config
import multiprocessing
import os
import pickle
import threading
import time
import traceback
import typing as t
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from ssl import SSLError

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels
from granian.server import MPServer, Server

from .accesslog import ACCESS_FORMAT, LOG_CONFIG
from .address import ServeError, accepts_connections, resolve_address, show_url
from .reception import RECEIVING_THREADS
from .worker import Boot, BootFailure, Describe, Load, Ready, ServeOptions, work

REMINDER_S = 0.5
"""After how long workers that go on are told again to stop."""

_server_log = logging.getLogger("_granian")


@dataclass(frozen=True)
class Started:
    """Hold what a start-up message wants to know, once every worker is ready."""

    ready: Ready
    url: str
    options: ServeOptions


class AppLoadError(Exception):
    """Carry the `BootFailure` of the first worker that failed to `serve`'s caller."""

    def __init__(self, failure: BootFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def serve(
    load: Load,
    options: ServeOptions,
    *,
    describe: Describe,
    on_started: t.Callable[[Started], None],
    on_stopping: t.Callable[[], None],
) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; then return.

    Requests in flight are finished first, a second signal cuts them off. A
    worker that dies is replaced. SIGHUP replaces all workers one by one. Raises
    `AppLoadError` if the application could not be loaded, `ServeError` if the
    address or certificate cannot be used or workers keep dying.
    """
    _require_picklable(load)
    address, port = resolve_address(options.host, options.port)
    reader, writer = multiprocessing.Pipe(duplex=False)
    boot = Boot(load, describe, writer, options, address, port)
    try:
        server = _Server(
            "app",
            address=address,
            port=port,
            interface=Interfaces.WSGI,
            workers=options.workers,
            blocking_threads=boot.wsgi_threads + RECEIVING_THREADS,
            http=HTTPModes.auto if options.certificate else HTTPModes.http1,
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=LOG_CONFIG,
            log_access=options.access_log,
            log_access_format=ACCESS_FORMAT,
            respawn_failed_workers=True,
            workers_kill_timeout=options.stop_timeout_s,
            **_certificate_settings(options.certificate),
        )
    except (OSError, SSLError) as error:
        raise ServeError(
            f"The certificate {' and key '.join(options.certificate or ())} cannot be used: {error}"
        ) from None

    scheme = "https" if options.certificate else "http"
    server.main_loop_interrupt = Wakeup()
    server.boot = boot
    server.reports = reader
    server.on_stopping = on_stopping
    server.on_ready = lambda ready: on_started(
        Started(ready, show_url(scheme, address, port), options)
    )
    # Its remarks on the number of threads are not the user's concern: they are for
    # threads that compute, ours mostly wait.
    _server_log.setLevel(logging.ERROR)
    try:
        if Server is MPServer:
            server.serve(spawn_target=work, target_loader=boot, wrap_loader=False)
        else:
            server.serve(target_loader=boot, wrap_loader=False)
    except SystemExit:
        if server.failure is None and not server.interrupt_signal:
            raise ServeError("The server stopped: its worker processes keep dying.") from None
    if server.failure is not None:
        raise AppLoadError(server.failure)


class Wakeup(threading.Event):
    """Be an event that signal handlers set, also of the thread that waits for it."""

    def set(self) -> None:
        """Set it, from a thread that holds nothing."""
        # A thread that was interrupted on its way into `wait` holds the lock that this takes.
        _thread.start_new_thread(super().set, ())


_Base: t.Any = Server


class _Server(_Base):  # type: ignore[misc]  # one of two classes, by the interpreter's build
    """Add to Granian's server a report on its start, and a second signal that means now."""

    boot: Boot
    reports: Connection
    on_ready: t.Callable[[Ready], None]
    on_stopping: t.Callable[[], None]
    interrupt_signal: bool
    workers_kill_timeout: float
    failure: BootFailure | None = None

    def startup(self, spawn_target: t.Any, target_loader: t.Any) -> None:
        """Start the workers and wait until each has loaded the application."""
        # What a worker has to say about its end at this stage is said by its report.
        _server_log.setLevel(logging.CRITICAL + 1)
        super().startup(spawn_target, target_loader)
        outcome = self._collect_reports()
        self.boot.done = True
        if isinstance(outcome, Ready):
            # Not before: of workers that could not start, the first one says enough.
            _server_log.setLevel(logging.WARNING)
            self.workers_kill_timeout += outcome.end_s
            self._await_listening()
            self.on_ready(outcome)
        elif not self.interrupt_signal:
            self.failure = outcome
            self.interrupt_signal = True
            self.main_loop_interrupt.set()

    def _collect_reports(self) -> Ready | BootFailure:
        outcome: Ready | BootFailure = BootFailure("No worker process was started.")
        for _ in range(self.workers):
            while not self.reports.poll(0.1):
                # A worker's report precedes its end, so ask once more after noticing that.
                if self.main_loop_interrupt.is_set() and not self.reports.poll():
                    return BootFailure(
                        "A worker process ended without a word while it was loading the"
                        " application. Load it with 'costrel routes' to see more."
                    )
            outcome = self.reports.recv()
            if isinstance(outcome, BootFailure):
                break
        return outcome

    def _await_listening(self) -> None:
        # A worker reports before it listens, and "Running on" has to be true for a script
        # that waits for it. Only milliseconds are missing, hence no more than a second.
        deadline = time.monotonic() + 1
        while not accepts_connections(self.bind_addr, self.bind_port):
            if self.main_loop_interrupt.wait(0.005) or time.monotonic() > deadline:
                break

    def signal_handler_interrupt(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Begin to stop; asked again, stop without waiting for requests."""
        if self.interrupt_signal:
            for worker in self.wrks:
                if hasattr(worker, "kill"):
                    worker.kill()
        super().signal_handler_interrupt(*args, **kwargs)

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop the workers, having said so unless they never started."""
        if self.failure is None:
            self.on_stopping()
        else:
            _server_log.setLevel(logging.CRITICAL + 1)
        stopped = threading.Event()
        threading.Thread(target=self._remind, args=(stopped,), daemon=True).start()
        try:
            super().shutdown(exit_code)
        finally:
            stopped.set()

    def _remind(self, stopped: threading.Event) -> None:
        # A worker misses the signal if it comes just before it serves, but not another one.
        while not stopped.wait(REMINDER_S):
            for worker in list(self.wrks):
                if worker.is_alive():
                    worker.terminate()


def _certificate_settings(certificate: tuple[str, str] | None) -> dict[str, t.Any]:
    if certificate is None:
        return {}
    cert, key = certificate
    # TLS 1.2 is still what some monitors and older clients speak.
    return {
        "ssl_cert": Path(cert),
        "ssl_key": Path(key),
        "ssl_protocol_min": SSLProtocols.tls12,
    }


def _require_picklable(load: Load) -> None:
    """Refuse what cannot be sent to a worker that is not a fork."""
    if os.name == "posix" and multiprocessing.get_start_method() == "fork":
        return
    try:
        pickle.dumps(load)
    except Exception as error:  # noqa: BLE001  (any __reduce__ or __getstate__)
        raise ServeError(
            "Worker processes could not be told how to make the application:"
            f" {traceback.format_exception_only(error)[-1].strip()}. Make create_app a function of"
            " a module, or name it with --app 'module:create_app'."
        ) from None
