"""Serve an application on Granian, the server written in Rust.

A parent process supervises worker processes. Each worker loads the application
and handles requests. No code of the application runs in the parent, so the
connections and threads that it creates on import belong to one process and are
never shared across a fork.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import sys
import traceback
import typing as t
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from ssl import SSLError

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, RuntimeModes, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server import MPServer

from .accesslog import LOG_CONFIG
from .address import ServeError, bind_address, show_url
from .reception import RECEIVING_THREADS
from .responses import SENDING_THREADS
from .supervisor import StartError, Supervisor
from .worker import (
    BACKLOG,
    CONNECTIONS,
    WSGI_THREADS,
    Boot,
    BootFailure,
    Describe,
    Load,
    Ready,
    ServeOptions,
    work,
)


@dataclass(frozen=True)
class Started:
    """What a start-up message can show, once every worker is ready."""

    ready: Ready
    url: str
    options: ServeOptions


class AppLoadError(Exception):
    """Raised by `serve` with the `BootFailure` of the first worker that failed."""

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
    """Serve until SIGINT or SIGTERM, then return.

    Requests in flight are finished first; a second signal cuts them off. A worker
    that dies is replaced. SIGHUP replaces all workers one by one. Raises
    `AppLoadError` if the application cannot be loaded, and `ServeError` if the
    address or certificate cannot be used or workers can no longer start.
    """
    _require_picklable(load)
    listener = bind_address(options.host, options.port)
    address, port = listener.getsockname()[:2]
    make_worker = worker_maker(options, listener)

    def spawn(number: int, channel: Connection) -> BaseProcess:
        return make_worker(number, work, Boot(load, describe, channel, options, listener))

    def on_ready(ready: Ready) -> None:
        scheme = "https" if options.certificate else "http"
        on_started(Started(ready, show_url(scheme, address, port), options))

    def begin_to_stop() -> None:
        # New connections are refused as soon as the workers stop listening too.
        listener.close()
        on_stopping()

    supervisor = Supervisor(
        spawn,
        options.workers,
        stop_timeout_s=options.stop_timeout_s,
        on_ready=on_ready,
        on_stopping=begin_to_stop,
    )
    try:
        supervisor.run()
    except StartError as error:
        if error.first:
            raise AppLoadError(error.failure) from None
        raise ServeError(
            "The server stopped: no worker is left, and new ones cannot start."
            f" {error.failure.message}"
        ) from None
    finally:
        listener.close()


def worker_maker(
    options: ServeOptions, listener: socket.socket
) -> t.Callable[[int, t.Callable[..., None], Boot], BaseProcess]:
    """Return a function that makes worker processes; it takes a number, a target and its boot.

    Raises `ServeError` if the certificate cannot be used.
    """
    address, port = listener.getsockname()[:2]
    try:
        settings = _settings(options, address, port)
    except (OSError, SSLError) as error:
        raise ServeError(
            f"The certificate {' and key '.join(options.certificate or ())} cannot be used:"
            f" {error}. Both must be PEM files, and the key must belong to the certificate."
        ) from None
    # On Windows the object is passed on; elsewhere its descriptor, which `Boot` carries.
    settings._sso = listener if sys.platform == "win32" else None
    settings._shd = _held(listener)

    def make(number: int, target: t.Callable[..., None], boot: Boot) -> BaseProcess:
        return t.cast(BaseProcess, settings._spawn_worker(number - 1, target, boot).inner)

    return make


def _settings(options: ServeOptions, address: str, port: int) -> t.Any:
    """Return a Granian server that is never started; it only creates the worker processes."""
    return MPServer(
        "app",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=options.workers,
        blocking_threads=(options.threads or WSGI_THREADS) + RECEIVING_THREADS + SENDING_THREADS,
        runtime_mode=RuntimeModes.mt,
        http=HTTPModes.auto if options.certificate else HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=options.head_timeout_s * 1000),
        http2_settings=HTTP2Settings(
            keep_alive_interval=options.head_timeout_s * 1000,
            keep_alive_timeout=options.head_timeout_s,
        ),
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        log_level=LogLevels.warning,
        log_dictconfig=LOG_CONFIG,
        log_access=False,  # It knows neither trusted proxies nor ids: see `accesslog.py`.
        **_certificate_settings(options.certificate),
    )


def _held(listener: socket.socket) -> SocketHolder:
    """Wrap a socket for Granian, whose constructor differs between operating systems."""
    holder: t.Any = SocketHolder
    arguments: tuple[object, ...] = ()
    if sys.platform.startswith(("linux", "freebsd")):
        arguments = (False, BACKLOG)
    elif sys.platform != "win32":
        arguments = (False,)
    return t.cast(SocketHolder, holder(listener.fileno(), *arguments))


def _certificate_settings(certificate: tuple[str, str] | None) -> dict[str, t.Any]:
    if certificate is None:
        return {}
    cert, key = certificate
    # Some monitors and older clients still use TLS 1.2.
    return {
        "ssl_cert": Path(cert),
        "ssl_key": Path(key),
        "ssl_protocol_min": SSLProtocols.tls12,
    }


def _require_picklable(load: Load) -> None:
    """Raise `ServeError` if `load` cannot be sent to a worker that is not forked."""
    if os.name == "posix" and multiprocessing.get_start_method() == "fork":
        return
    try:
        pickle.dumps(load)
    except Exception as error:  # noqa: BLE001  (any __reduce__ or __getstate__)
        raise ServeError(
            "The application factory cannot be sent to the worker processes:"
            f" {traceback.format_exception_only(error)[-1].strip()}. Define create_app at the top"
            " level of a module, or name it with --app 'module:create_app'."
        ) from None
