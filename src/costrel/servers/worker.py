"""The worker process of ``costrel run``: load the application and serve it.

All workers are processes made by Granian, under WSGI and over ASGI, on Granian and on
uvicorn, so that all are started, replaced and stopped in the same way.
"""

from __future__ import annotations

import asyncio
import logging
import logging.config
import multiprocessing
import signal
import socket
import sys
import typing as t
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from inspect import signature
from multiprocessing.connection import Connection

from granian import _signals
from granian._granian import WorkerSignal
from granian.server import MPServer

from ..config import ThisMachine
from ..dispatch.proxies import believed_proxies, trusted_proxies
from ..ground.loopback import is_loopback
from ..serve.inflight import leave_all
from ..serve.scope import Message, Receive, Scope, Send
from .accesslog import LOG_CONFIG, AccessLog, write_json
from .address import explain
from .connections import look_after_readers
from .exiting import end_process
from .interface import Choice, Wanted, choose, has_uvicorn, websocket_of
from .retiring import Parent, close_after_responses, closing

Load = t.Callable[[], t.Any]
"""Return the application. Called in each worker; pickled if processes are not forked."""

Describe = t.Callable[[BaseException], "BootFailure"]
"""Return, in the worker, a message that says why loading failed."""

NAME = f"Granian {version('granian')}"

WSGI_THREADS = 40

BACKLOG = 1024
"""How many connections may wait to be accepted."""

CONNECTIONS = 8_192
"""How many connections a worker on Granian has at the same time, including idle ones.

This is usually more than the system lets a process open. So the system's limit applies, and
idle connections block no other client until it is reached.
"""

UNDERSCORES = (
    "Note: the proxy must drop header names with underscores, as nginx and Apache do: under WSGI,"
    " X_Forwarded_For of a client counts as X-Forwarded-For. With --interface asgi they are ignored"
)
"""What is said of an application that trusts a proxy.

COMPAT(Granian): what it passes under WSGI no longer tells the two apart.
"""

END_S = 5
"""How long shutdown functions may take, after requests and tasks, before they are cut off."""


@dataclass(frozen=True)
class ServeOptions:
    """The options of ``costrel run``.

    One worker by default, so that state kept in memory works as in development.
    One worker per core gives the most requests per second. `threads` is per
    worker: how many requests may wait for a database at the same time. `None`
    means 40 under WSGI, and the application's ``SYNC_THREADS`` over ASGI.
    `stop_timeout_s` is how long requests in flight may take once the server is
    told to stop; then they are cut off. `head_timeout_s` is how long a connection
    may send nothing, or an incomplete request head. `body_timeout_s` replaces the
    application's ``BODY_TIMEOUT_S``, and `send_timeout_s` its ``SEND_TIMEOUT_S``.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    threads: int | None = None
    certificate: tuple[str, str] | None = None
    access_log: bool = False
    stop_timeout_s: int = 30
    head_timeout_s: int = 10
    body_timeout_s: float | None = None
    send_timeout_s: float | None = None
    interface: Wanted = "auto"


@dataclass(frozen=True)
class BootFailure:
    """A worker's report of why it could not start.

    `usage` is true if the mistake is in what the user typed, not in the app.
    """

    message: str
    usage: bool = False


@dataclass(frozen=True)
class Ready:
    """A worker's report of what it serves and how.

    `end_s` is how long it may take to stop after its last request. `warnings` are what the
    checks at the start noted.
    """

    app_name: str
    server: str
    choice: Choice
    threads: int
    end_s: float = 0.0
    note: str = ""
    warnings: tuple[str, ...] = ()


_OWN_NAMES = (
    "TRUSTED_HOSTS is not set, so that only names of this machine, such as localhost, are served;"
    " requests for others get a 400. List the names that clients use:"
    ' TRUSTED_HOSTS = ["shop.example"]'
)


def _serves_own_names_only(app: t.Any, host: str) -> bool:
    """Whether an application is to be reached from elsewhere, and refuses what comes from there."""
    config = getattr(app, "config", {})
    return (
        not (host == "::1" or is_loopback(host))
        and type(config.get("TRUSTED_HOSTS")) is ThisMachine
        and not (config.get("DEBUG") or config.get("SERVER_NAME"))
    )


class Boot:
    """Load the application in a worker, and report the outcome to the parent."""

    def __init__(
        self,
        load: Load,
        describe: Describe,
        channel: Connection,
        options: ServeOptions,
        listener: socket.socket,
    ) -> None:
        self.load = load
        self.describe = describe
        self.channel = channel
        self.options = options
        self.listener = listener
        self.warnings: tuple[str, ...] = ()

    @property
    def wsgi_threads(self) -> int:
        """How many requests are handled at the same time under WSGI."""
        return self.options.threads or WSGI_THREADS

    def load_app(self) -> t.Any:
        """Return the application, or end the worker process with status 1."""
        try:
            app = self.load()
        except BaseException as error:  # noqa: BLE001  (passed on to the parent)
            self.fail(self.describe(error))
        self.warnings = tuple(getattr(app, "_start_notes", ()))
        if _serves_own_names_only(app, self.options.host):
            self.warnings += (_OWN_NAMES,)
        return app

    def listen(self) -> None:
        """Start to accept connections, or end the worker process with status 1."""
        try:
            self.listener.listen(BACKLOG)
        except OSError as error:
            port = self.listener.getsockname()[1]
            self.fail(BootFailure(explain(error, self.options.host, port)))

    def tell(self, report: Ready | BootFailure) -> None:
        """Report to the parent that this worker serves, or why it cannot."""
        if isinstance(report, Ready):
            report = replace(report, warnings=self.warnings)
        # If the parent is gone, this process ends in a moment too.
        with suppress(OSError):
            self.channel.send(report)

    def fail(self, failure: BootFailure) -> t.NoReturn:
        """Report to the parent why this worker cannot serve, and end it with status 1."""
        self.tell(failure)
        raise SystemExit(1)

    def leave(self) -> None:
        """End this process once Granian has stopped, if its interpreter would be finalized."""
        # That of a forked worker is not.
        if multiprocessing.get_start_method() != "fork":
            end_process(0)


def worker_signals() -> list[signal.Signals]:
    """Return the signals that a worker handles differently from its parent."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32":
        signals.append(signal.SIGHUP)
    return signals


def _receive_signals() -> None:
    """Restore default signal handlers; a forked worker starts with those of its parent."""
    for number in worker_signals():
        signal.signal(number, signal.SIG_DFL)
    if sys.platform != "win32":
        # Meant for the parent, but a terminal that closes sends it to all processes.
        signal.signal(signal.SIGHUP, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, worker_signals())


def work(worker_id: int, process_name: str, boot: Boot, sock: t.Any, *settings: t.Any) -> None:
    """Run a worker process: load the application and serve it.

    Granian calls this in place of its own function, with the same arguments.
    """
    _receive_signals()
    logging.config.dictConfig(LOG_CONFIG)
    options = boot.options
    parent = Parent(boot.channel, boot.listener, grace_s=options.stop_timeout_s + END_S)
    parent.listen()
    app = boot.load_app()
    if app._logs_by_settings and app.config.get("LOG_FORMAT") == "json":
        write_json()
    if options.workers > 1 and worker_id <= 1:
        _tell_of_siblings(app, options.workers)
    try:
        trusted_proxies(app)
    except ValueError as error:
        # Every request would fail with this error.
        boot.fail(BootFailure(str(error)))
    if options.body_timeout_s is not None:
        app.config["BODY_TIMEOUT_S"] = options.body_timeout_s
    if options.send_timeout_s is not None:
        app.config["SEND_TIMEOUT_S"] = options.send_timeout_s
    look_after_readers(boot.listener, app.config["SEND_TIMEOUT_S"])
    choice = choose(app, options.interface)
    if choice.interface == "wsgi":
        if believed_proxies(app):
            boot.warnings = (*boot.warnings, UNDERSCORES)
        base: t.Any = MPServer
        note = ""
        if (websocket := websocket_of(app)) is not None:
            note = f"Granian cannot serve {websocket} under WSGI. Use --interface asgi"
        _start_life(app, boot)
        parent.on_retire = close_after_responses
        boot.listen()
        boot.tell(Ready(app.name, NAME, choice, boot.wsgi_threads, note=note))
        _receive_first(app, boot.wsgi_threads, logs=options.access_log)
        _run_granian(base._spawn_wsgi_worker, worker_id, process_name, app, sock, settings)
        boot.leave()
        return

    asgi = AccessLog(app.asgi, app) if options.access_log else app.asgi
    serve_asgi(app, asgi, boot, parent, choice, (worker_id, process_name, sock, settings))


def serve_asgi(
    app: t.Any,
    asgi: t.Any,
    boot: Boot,
    parent: Parent,
    choice: Choice,
    granian: tuple[int, str, t.Any, tuple[t.Any, ...]],
) -> None:
    """Serve an application over ASGI until a signal, on uvicorn if it is installed.

    `granian` holds what Granian passes to its workers.
    """
    options = boot.options
    if options.threads is not None:
        app.config["SYNC_THREADS"] = options.threads
    end_s = (app.config["BACKGROUND_GRACE_S"] or 0) + END_S
    ready = Ready(app.name, NAME, choice, app.config["SYNC_THREADS"], end_s)
    if has_uvicorn():
        _run_uvicorn(app, asgi, boot, parent, ready)
        return
    ready = replace(ready, note="Faster on uvicorn: pip install 'uvicorn[standard]'")
    asgi = _Announcing(asgi, boot, ready)
    parent.on_retire = asgi.retire
    changes = {"blocking_threads": 1, "websockets": True, "log_access_fmt": None}
    base: t.Any = MPServer
    target = base._spawn_asgi_lifespan_worker
    on_stop = partial(_leave_later, app, options.stop_timeout_s)
    worker_id, process_name, sock, settings = granian
    _run_granian(target, worker_id, process_name, asgi, sock, settings, changes, on_stop)
    boot.leave()


def _receive_first(app: t.Any, threads: int, *, logs: bool) -> None:
    """Make Granian receive the body of a request before it runs the application."""
    from .reception import receiving

    module: t.Any = sys.modules[MPServer.__module__]
    wsgi: t.Any = sys.modules[module._wsgi_call_wrap.__module__]
    module._wsgi_call_wrap = receiving(module._wsgi_call_wrap, app, threads, wsgi, logs=logs)


def _tell_of_siblings(app: t.Any, workers: int) -> None:
    """Tell what counts requests in its own process that others count them as well."""
    rates = getattr(app.extensions.get("costrel.security"), "rates", None)
    if rates is not None and rates.is_used():
        rates.served_by(workers)


NOT_STARTED = BootFailure("The application could not be started: see the error above.")


def _start_life(app: t.Any, boot: Boot) -> None:
    """Run the start-up functions now, while errors can be reported to the parent."""
    if app._has_life():
        from ..serve.lifespan import start_under_wsgi

        try:
            start_under_wsgi(app)
        except Exception as error:
            from ..ground.frames import startup_error

            app.logger.exception(
                "The application could not be started", exc_info=startup_error(error)
            )
            boot.fail(NOT_STARTED)


def _run_granian(
    target: t.Any,
    worker_id: int,
    process_name: str,
    app: t.Any,
    sock: t.Any,
    settings: tuple[t.Any, ...],
    changes: dict[str, t.Any] | None = None,
    on_stop: t.Callable[[], object] = lambda: None,
) -> None:
    """Run one of Granian's own workers, with some of its settings changed.

    `on_stop` is called when the worker is told to stop, on its event loop if it has one.
    """
    if sys.platform != "win32":
        _signals.set_sync_signals = _heed_one_signal
        _signals.set_loop_signals = partial(_heed_one_signal, on_stop=on_stop)
    general, own = settings[:6], settings[6:]
    # The names are those of the inner function, which takes these after five others.
    names = list(signature(target).parameters)[5:]
    changed = dict(zip(names, own, strict=True)) | (changes or {})
    target(worker_id, process_name, lambda: app, sock, *general, *changed.values())


def _leave_later(app: t.Any, stop_timeout_s: float) -> None:
    """Cut off requests still in flight after the timeout; Granian would wait until killed."""
    loop = asyncio.get_running_loop()
    # The task needs no other reference: the timer that it waits for holds it.
    loop.call_later(stop_timeout_s, lambda: loop.create_task(leave_all(app)))


def _heed_one_signal(
    loop: t.Any = None, *, on_stop: t.Callable[[], object] = lambda: None
) -> WorkerSignal:
    """Let the first signal stop a worker on Granian, and ignore later ones.

    COMPAT(Granian): calling `set` again while the first call is still being handled
    deadlocks: it waits for a lock whose holder waits for the GIL. But a terminal sends
    CTRL+C to the workers too, and the parent signals them as well, repeatedly.
    """
    event = WorkerSignal()
    stopping = False

    def stop(*_signal: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            event.set()
            on_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        if loop is None:
            signal.signal(number, stop)
        else:
            loop.add_signal_handler(number, stop)
    return event


def _run_uvicorn(app: t.Any, asgi: t.Any, boot: Boot, parent: Parent, ready: Ready) -> None:
    from . import uvicorn

    options = boot.options
    server = uvicorn.make_server(
        asgi,
        stop_timeout_s=options.stop_timeout_s,
        head_timeout_s=options.head_timeout_s,
        certificate=options.certificate,
        max_message_bytes=app.config["WEBSOCKET_MAX_MESSAGE_SIZE"],
    )

    def on_started() -> None:
        loop = asyncio.get_running_loop()
        parent.on_retire = partial(loop.call_soon_threadsafe, server.retire)
        boot.tell(replace(ready, server=uvicorn.NAME))

    server.on_started = on_started
    try:
        uvicorn.serve_worker(server, boot.listener)
    except OSError as error:
        if server.started:
            raise
        boot.fail(BootFailure(explain(error, options.host, boot.listener.getsockname()[1])))
    except SystemExit:
        if server.started:
            raise
        boot.fail(NOT_STARTED)


class _Announcing:
    """ASGI middleware that reports to the parent when the application has started."""

    def __init__(self, asgi: t.Any, boot: Boot, ready: Ready) -> None:
        self.asgi = asgi
        self.boot = boot
        self.ready = ready

    def retire(self) -> None:
        """Close each connection with its next response."""
        self.asgi = closing(self.asgi)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> t.Awaitable[None]:
        if scope["type"] != "lifespan":
            return t.cast("t.Awaitable[None]", self.asgi(scope, receive, send))

        async def send_noting(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.boot.listen()
                self.boot.tell(self.ready)
            elif message["type"] == "lifespan.startup.failed":
                self.boot.tell(NOT_STARTED)
                # Granian ends the worker now, and would log the same error again.
                message["message"] = ""
                logging.getLogger("_granian").setLevel(logging.CRITICAL + 1)
            await send(message)

        return t.cast("t.Awaitable[None]", self.asgi(scope, receive, send_noting))
