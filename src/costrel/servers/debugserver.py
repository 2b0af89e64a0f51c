"""Serve for development: with a reloader and an interactive debugger, ``costrel run --debug``.

For one developer on one machine. It runs code that is typed into an error page,
which a public server must never do. Under WSGI it is Werkzeug's development server; over
ASGI, the server that `costrel run` would use.
"""

from __future__ import annotations

import logging.config
import os
import signal
import socket
import stat
import sys
import threading
import typing as t
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version

import click
from werkzeug.serving import generate_adhoc_ssl_context, make_server

from ..commands.discovery import users_frames
from .accesslog import LOG_CONFIG, AccessLog
from .address import ServeError, bind_address, is_loopback, show_url
from .debugasgi import DebuggedASGI, Failing
from .debugger import Debugger
from .exiting import end_process
from .granian import worker_maker
from .interface import Choice, Wanted, choose, has_uvicorn, websocket_of
from .nameless import NamelessHandler
from .reloader import (
    CHANGED,
    STOP_S,
    ChildFailedError,
    Inherited,
    Reloader,
    Watcher,
    heeded_signals,
    inherit,
)
from .retiring import Parent
from .worker import (
    BACKLOG,
    Boot,
    BootFailure,
    Describe,
    Load,
    Ready,
    ServeOptions,
    serve_asgi,
    worker_signals,
)

if t.TYPE_CHECKING:
    from ssl import SSLContext

NAME = f"Werkzeug {version('werkzeug')}"

UNIX = "unix://"
"""What a host begins with that is a socket file; only under WSGI."""

REQUESTS_S = 1
"""How long requests and background tasks may take to finish before a restart."""


@dataclass(frozen=True)
class DebugOptions:
    """The options of ``costrel run --debug``.

    `certificate` is a pair of files, ``"adhoc"`` for one that is created at
    start-up, or an `ssl.SSLContext`.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    interface: Wanted = "auto"
    reload: bool = True
    debugger: bool = True
    threaded: bool = True
    certificate: tuple[str, str | None] | t.Literal["adhoc"] | SSLContext | None = None
    extra_files: t.Sequence[str] | None = None
    exclude_patterns: t.Sequence[str] | None = None


@dataclass(frozen=True)
class DebugReady(Ready):
    """A report of what is served and how; `pin` unlocks the debugger, if there is one.

    ``"off"`` means that it needs no PIN.
    """

    pin: str = ""


def serve_debug(
    load: Load,
    options: DebugOptions,
    *,
    describe: Describe,
    on_ready: t.Callable[[DebugReady, str, bool], None],
    on_stopping: t.Callable[[], None],
) -> None:
    """Serve until a signal; with `options.reload`, start again when files change.

    `on_ready` gets the URL, and whether this is the first start. Raises `ChildFailedError` if
    the application cannot be loaded at the first start; later, every request shows the error
    until the next change. Raises `ServeError` if the address cannot be used or the process
    that serves has ended.

    SECURITY(debugger): anyone who can reach the debugger and knows its PIN can run
    code as this user, hence the warning about addresses other than loopback.
    """
    inherited = inherit() if options.reload else None
    if inherited is not None:
        _Process(load, options, describe, inherited).serve()
        return

    if options.debugger and not is_loopback(options.host):
        click.secho(
            f" * WARNING: --host {options.host} opens the interactive debugger to the network."
            " Anyone who learns its PIN can run any code as you.\n"
            " * Use --host 127.0.0.1, or switch the debugger off with --no-debugger.",
            fg="red",
            bold=True,
            err=True,
        )
    listener = _bind(options)
    socket_file = _socket_file(options)
    url = _url(options, listener)

    def tell(ready: Ready, first: bool) -> None:
        on_ready(t.cast(DebugReady, ready), url, first)

    try:
        if options.reload:
            Reloader(listener, on_ready=tell, on_stopping=on_stopping).run()
        else:
            _serve_alone(load, options, describe, listener, tell)
    finally:
        # COMPAT(Granian): in one process with it, its descriptor may be closed.
        with suppress(OSError):
            listener.close()
        # Another server may have replaced it.
        if socket_file is not None and _socket_file(options) == socket_file:
            os.unlink(socket_file[0])


def _bind(options: DebugOptions) -> socket.socket:
    if options.host.startswith(UNIX):
        listener = _bind_unix(os.path.abspath(options.host.removeprefix(UNIX)))
    else:
        listener = bind_address(options.host, options.port)
    # From now on, connections wait for the application to be loaded.
    listener.listen(BACKLOG)
    return listener


def _bind_unix(path: str) -> socket.socket:
    """Bind a socket file, and replace the file that an earlier server has left."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
    except OSError as error:
        listener.close()
        raise ServeError(f"Cannot listen on the socket file {path}: {error.strerror}") from None
    return listener


def _socket_file(options: DebugOptions) -> tuple[str, int] | None:
    """Return the path and number of the socket file, if there is one."""
    if not options.host.startswith(UNIX):
        return None
    path = os.path.abspath(options.host.removeprefix(UNIX))
    try:
        return path, os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _url(options: DebugOptions, listener: socket.socket) -> str:
    if options.host.startswith(UNIX):
        return options.host
    address, port = listener.getsockname()[:2]
    return show_url("https" if options.certificate else "http", address, port)


def _serve_alone(
    load: Load,
    options: DebugOptions,
    describe: Describe,
    listener: socket.socket,
    tell: t.Callable[[Ready, bool], None],
) -> None:
    channel: t.Any = _NoParent(tell)
    try:
        _Process(load, options, describe, Inherited(listener, channel, first=True)).serve()
    except SystemExit:
        if channel.failure is None:
            raise
        raise ChildFailedError(channel.failure) from None


class _NoParent:
    """Stands in for the connection to the parent in a process that has none."""

    def __init__(self, tell: t.Callable[[Ready, bool], None]) -> None:
        self.failure: BootFailure | None = None
        self._tell = tell

    def send(self, report: Ready | BootFailure) -> None:
        """Take a report."""
        if isinstance(report, BootFailure):
            self.failure = report
        else:
            self._tell(report, True)

    def recv_bytes(self) -> t.NoReturn:
        """Wait for ever: there is no parent that could end."""
        while True:
            threading.Event().wait()


class _Process(Boot):
    """The process that loads and serves the application."""

    def __init__(
        self, load: Load, options: DebugOptions, describe: Describe, inherited: Inherited
    ) -> None:
        certificate = options.certificate if isinstance(options.certificate, tuple) else None
        serve_options = ServeOptions(
            host=options.host,
            port=options.port,
            threads=None if options.threaded else 1,
            certificate=t.cast("tuple[str, str] | None", certificate),
            stop_timeout_s=REQUESTS_S,
            interface=options.interface,
        )
        super().__init__(load, describe, inherited.channel, serve_options, inherited.listener)
        self.debug_options = options
        self.first = inherited.first
        self._pin = ""
        self.watcher = Watcher(options.extra_files, options.exclude_patterns)
        self.parent = Parent(inherited.channel, inherited.listener, grace_s=STOP_S)

    def serve(self) -> None:
        """Load the application and serve it until a signal or a change."""
        for number in heeded_signals():
            signal.signal(number, signal.SIG_DFL)
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, worker_signals())
        self.parent.listen()
        app, choice = self._load()
        for number in heeded_signals():
            signal.signal(number, self._end)
        if self.debug_options.reload:
            self.watcher.start()
        if choice.interface == "wsgi":
            self._serve_wsgi(app, choice)
        else:
            self._serve_asgi(app, choice)
        self._end()

    def _end(self, *_signal: object) -> None:
        raise SystemExit(self._status())

    def _status(self) -> int:
        return CHANGED if self.watcher.changed else 0

    def leave(self) -> None:
        """End this process, which is never a forked worker, once Granian has stopped."""
        end_process(self._status())

    def _load(self) -> tuple[t.Any, Choice]:
        wanted = self.options.interface
        if self.first:
            app = self.load_app()
            return app, choose(app, wanted)
        try:
            app = self.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  shown by each request
            click.secho(
                f" * {self.describe(error).message}\n"
                " * Every request shows this error until you change the code.",
                fg="red",
                err=True,
            )
            interface: t.Literal["wsgi", "asgi"] = "asgi"
            if wanted == "wsgi" or self.options.host.startswith(UNIX):
                interface = "wsgi"
            return Unloaded(error), Choice(interface, "until the application can be loaded")
        return app, choose(app, wanted)

    def tell(self, report: Ready | BootFailure) -> None:
        """Report to the parent; add the PIN, and leave out advice for production."""
        if isinstance(report, Ready):
            note = report.note if report.choice.interface == "wsgi" else ""
            parts: dict[str, t.Any] = vars(report) | {"note": note, "pin": self._pin}
            report = DebugReady(**parts)
        super().tell(report)

    def _debugger(self, app: t.Any, wsgi: t.Any = None) -> Debugger | None:
        if not self.debug_options.debugger:
            return None
        debugger = Debugger(app, wsgi)
        self._pin = debugger.pin or "off"
        return debugger

    def _serve_wsgi(self, app: t.Any, choice: Choice) -> None:
        options = self.debug_options
        server = make_server(
            options.host,
            options.port,
            self._debugger(app, app) or app,
            threaded=options.threaded,
            request_handler=NamelessHandler,
            ssl_context=t.cast("t.Any", options.certificate),
            fd=self.listener.fileno(),
        )
        server.socket.setblocking(True)
        note = ""
        if not isinstance(app, Unloaded) and (websocket := websocket_of(app)) is not None:
            note = f"Werkzeug's server cannot serve {websocket}. Use --interface asgi"
        self.tell(Ready(app.name, NAME, choice, 0, note=note))
        server.serve_forever()

    def _serve_asgi(self, app: t.Any, choice: Choice) -> None:
        if self.options.host.startswith(UNIX):
            self.fail(
                BootFailure(
                    f"--host {self.options.host} works under WSGI only. Add --interface wsgi, or"
                    " use another host."
                )
            )
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # The servers stop in an orderly way at this signal, and have no handler for SIGHUP.
            signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        make_worker = worker_maker(self.options, self.listener)
        self._use_context()
        asgi = AccessLog(DebuggedASGI(app.asgi, self._debugger(app), defers=not self.first))
        app.config["BACKGROUND_GRACE_S"] = REQUESTS_S

        def work(
            worker_id: int, process_name: str, boot: Boot, sock: t.Any, *settings: t.Any
        ) -> None:
            logging.config.dictConfig(LOG_CONFIG)
            granian = (worker_id, process_name, sock, settings)
            serve_asgi(app, asgi, boot, self.parent, choice, granian)

        # In this process: `run` does not start another.
        make_worker(1, work, self).run()

    def _use_context(self) -> None:
        """Use an SSL context, which Granian can't."""
        certificate: t.Any = self.debug_options.certificate
        if certificate is None or isinstance(certificate, tuple):
            return
        if not has_uvicorn():
            self.fail(
                BootFailure(
                    "Over ASGI, Granian needs --cert and --key with two files. For other"
                    " certificates: pip install 'uvicorn[standard]'"
                )
            )
        if certificate == "adhoc":
            certificate = generate_adhoc_ssl_context()
        self.options = replace(self.options, certificate=certificate)


class Unloaded:
    """Stands in for an application that could not be loaded: fails with that error."""

    name = "an application that could not be loaded"
    _workers = None

    def __init__(self, error: BaseException) -> None:
        self.config: dict[str, t.Any] = {"SYNC_THREADS": 1, "WEBSOCKET_MAX_MESSAGE_SIZE": None}
        cause = error.__context__
        if isinstance(error, click.ClickException) and isinstance(cause, ImportError):
            error = cause
        if isinstance(error, SystemExit):
            left = RuntimeError(f"The application raised {error!r} while it was loaded.")
            error = left.with_traceback(error.__traceback__)
        error.__traceback__ = users_frames(error)
        self.asgi = Failing(t.cast(Exception, error))

    def __call__(self, environ: t.Any, start_response: t.Any) -> t.Any:
        """Raise the error."""
        return self.asgi(environ, start_response)
