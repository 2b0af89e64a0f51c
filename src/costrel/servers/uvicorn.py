"""Serve an application by ASGI on uvicorn: one worker process, or the debug mode."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import typing as t
from importlib.metadata import version

import uvicorn

from .retiring import closing

if t.TYPE_CHECKING:
    from ssl import SSLContext

NAME = f"uvicorn {version('uvicorn')}"

_log = logging.getLogger("uvicorn.error")


class Server(uvicorn.Server):
    """Tell when it listens, and be stopped by `ask_to_stop`."""

    on_started: t.Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Run what comes before the first request, and begin to listen."""
        level = _log.level
        # What it says of a start that failed, we say.
        _log.setLevel(logging.CRITICAL)
        await super().startup(sockets)
        _log.setLevel(level)
        self.on_started()

    def retire(self) -> None:
        """Close each connection with its next response; called on the loop."""
        for protocol in self.server_state.connections:
            t.cast(t.Any, protocol).app = closing(t.cast(t.Any, protocol).app)

    def ask_to_stop(self, *_signal: object) -> None:
        """Begin to stop: a signal's handler, before uvicorn's own is there and after it."""
        self.should_exit = True


class HeadTimeout(asyncio.Protocol):
    """Close a connection that sends no complete head of a request in time.

    It comes before one of uvicorn's protocols for HTTP/1. These have one timer, for
    connections that are idle after a response, and end it with any data. Here it runs
    as well from when the connection is made, and from the first data that follow a
    response, until a head is complete.
    """

    head_timeout_s: float
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: t.Any
    timeout_keep_alive_task: asyncio.TimerHandle | None
    timeout_keep_alive_handler: t.Callable[[], None]
    _due: float | None = None

    def connection_made(self, transport: t.Any) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Go on waiting for a head, unless a request is complete enough to be answered."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            # Also for the rest of a body that was answered before its end.
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
        # A WebSocket's handshake has handed it over to another protocol.
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._due is None:
            self._due = self.loop.time() + self.head_timeout_s
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_at(
                self._due, self.timeout_keep_alive_handler
            )


def with_head_timeout(protocol: type[asyncio.Protocol], timeout_s: float) -> t.Any:
    """Make one of uvicorn's protocols close connections that send no head in time."""
    return type(protocol.__name__, (HeadTimeout, protocol), {"head_timeout_s": timeout_s})


def make_server(
    asgi: t.Any,
    *,
    stop_timeout_s: int | None,
    head_timeout_s: float,
    certificate: tuple[str, str] | SSLContext | None = None,
    max_message_bytes: int | None = None,
) -> Server:
    """Make a server that behaves as Granian does for the rest.

    Its own headers, access log and trust in proxies are off: applications have
    `ProxyFix` for these, which counts them. Raises `OSError` for a certificate that
    can't be used.
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
        # Larger messages are refused while they are received.
        ws_max_size=sys.maxsize if max_message_bytes is None else max_message_bytes,
    )
    if isinstance(certificate, tuple):
        config.ssl_certfile, config.ssl_keyfile = certificate
    config.load()
    config.http_protocol_class = with_head_timeout(config.http_protocol_class, head_timeout_s)
    _know_all_statuses()
    if certificate is not None and not isinstance(certificate, tuple):
        config.ssl = certificate
    return Server(config)


def _know_all_statuses() -> None:
    # COMPAT(uvicorn): its faster protocol has lines up to 599, and answers nothing beyond.
    module: t.Any = sys.modules.get("uvicorn.protocols.http.httptools_impl")
    if module is not None:
        for status in range(600, 1000):
            module.STATUS_LINE.setdefault(status, b"HTTP/1.1 %d \r\n" % status)


def serve_worker(server: Server, listener: socket.socket) -> None:
    """Serve in the main thread of a worker process until a signal; SystemExit if it can't start."""
    # uvicorn sends the signal once more to whom it was for: let it find nobody that minds.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.ask_to_stop)
    server.run([listener])
