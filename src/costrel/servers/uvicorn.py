"""Serve an application over ASGI on uvicorn, in one worker process."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import typing as t
from importlib.metadata import version

import uvicorn

from ..serve.trailers import ignore_trailers
from .retiring import closing

if t.TYPE_CHECKING:
    from ssl import SSLContext

NAME = f"uvicorn {version('uvicorn')}"

_log = logging.getLogger("uvicorn.error")


class Server(uvicorn.Server):
    """A uvicorn server that calls `on_started`, and stops with `ask_to_stop`."""

    on_started: t.Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the functions that come before the first request, and begin to listen."""
        level = _log.level
        # We report a failed start ourselves.
        _log.setLevel(logging.CRITICAL)
        await super().startup(sockets)
        _log.setLevel(level)
        self.on_started()

    def retire(self) -> None:
        """Close each connection with its next response; call it on the event loop."""
        for protocol in self.server_state.connections:
            t.cast(t.Any, protocol).app = closing(t.cast(t.Any, protocol).app)

    def ask_to_stop(self, *_signal: object) -> None:
        """Begin to stop; handles signals before and after uvicorn's own handler does."""
        self.should_exit = True


class HeadTimeout(asyncio.Protocol):
    """Close a connection that does not send a complete request head in time.

    A mixin before one of uvicorn's protocols for HTTP/1. These have one timer, for
    connections that are idle after a response, and any data stops it. Here the timer also
    runs from the start of the connection, and from the first data after a response, until a
    request head is complete.
    """

    head_timeout_s: float
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: t.Any
    timeout_keep_alive_task: asyncio.TimerHandle | None
    timeout_keep_alive_handler: t.Callable[[], None]
    _due: float | None = None

    def connection_made(self, transport: t.Any) -> None:
        """Start to wait for a request head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Keep waiting for a request head, unless one is complete."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            # Also during the rest of a body, if the response came before its end.
            self._wait_for_head()
        else:
            self._due = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        # uvicorn forgets the timer of a connection that was reset.
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _wait_for_head(self) -> None:
        # After a WebSocket handshake, another protocol owns the connection.
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._due is None:
            self._due = self.loop.time() + self.head_timeout_s
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_at(
                self._due, self.timeout_keep_alive_handler
            )


def with_head_timeout(protocol: type[asyncio.Protocol], timeout_s: float) -> t.Any:
    """Make one of uvicorn's protocols close connections that send no request head in time."""
    return type(protocol.__name__, (HeadTimeout, protocol), {"head_timeout_s": timeout_s})


def make_server(
    asgi: t.Any,
    *,
    stop_timeout_s: int | None,
    head_timeout_s: float,
    certificate: tuple[str, str] | SSLContext | None = None,
    max_message_bytes: int | None = None,
) -> Server:
    """Create a server that behaves like Granian otherwise.

    Its own headers, access log and trust in proxies are off. For proxies, applications use
    `ProxyFix`, which counts them. Raises `OSError` for a certificate that cannot be used.
    """
    config = uvicorn.Config(
        asgi,
        interface="asgi3",
        workers=1,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=stop_timeout_s,
        # Refuses larger messages while they are received.
        ws_max_size=sys.maxsize if max_message_bytes is None else max_message_bytes,
    )
    if isinstance(certificate, tuple):
        config.ssl_certfile, config.ssl_keyfile = certificate
    config.load()
    config.http_protocol_class = with_head_timeout(config.http_protocol_class, head_timeout_s)
    _know_all_statuses()
    ignore_trailers()
    if certificate is not None and not isinstance(certificate, tuple):
        config.ssl = certificate
    return Server(config)


def _know_all_statuses() -> None:
    # COMPAT(uvicorn): its faster protocol knows statuses up to 599, and fails beyond.
    module: t.Any = sys.modules.get("uvicorn.protocols.http.httptools_impl")
    if module is not None:
        for status in range(600, 1000):
            module.STATUS_LINE.setdefault(status, b"HTTP/1.1 %d \r\n" % status)


def serve_worker(server: Server, listener: socket.socket) -> None:
    """Serve in a worker's main thread until a signal; raise SystemExit if it cannot start."""
    # When uvicorn has stopped, it raises the signal again: that must have no effect.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.ask_to_stop)
    server.run([listener])
