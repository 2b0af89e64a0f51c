"""The end of a worker that another one replaces, or whose parent is gone.

A worker that retires takes no new connections, answers what comes over those that it has
and closes each with its next response, so no client finds one closed that it was using.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import typing as t
from contextlib import suppress
from multiprocessing.connection import Connection

from ..serve.scope import Message, Receive, Scope, Send

RETIRE = b"retire"
"""What the parent sends to a worker that another one replaces."""

LINGER_S = 5.0
"""How long a worker that retires waits for further requests over its connections.

As long as uvicorn keeps an idle connection open, too.
"""


class Parent:
    """Be the parent process as its worker sees it.

    Attributes:
        on_retire: What closes the connections with their next responses; called in a thread.
    """

    def __init__(self, channel: Connection, listener: socket.socket, *, grace_s: float) -> None:
        self.on_retire: t.Callable[[], object] = lambda: None
        self._channel = channel
        self._listener = listener.fileno()
        self._grace_s = grace_s

    def listen(self) -> None:
        """Heed from now on what it says, and its end."""
        threading.Thread(target=self._listen, name="costrel-parent", daemon=True).start()

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            self._channel.recv_bytes()
            stop_accepting(self._listener)
            self.on_retire()
            if not self._channel.poll(LINGER_S):
                os.kill(os.getpid(), signal.SIGTERM)
            # It says nothing more: this waits for its end, and raises.
            self._channel.recv_bytes()
        # It was killed. There is nobody who would end this process if it doesn't.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._grace_s)
        os._exit(1)


def stop_accepting(listener: int) -> None:
    """Take no more connections from a socket, by its descriptor, that others listen at too.

    It is taken out of whatever event loop of this process looks at it. Where that can't be
    done, in the absence of epoll, the worker takes connections to its end.
    """
    if sys.platform != "linux":
        return
    import select

    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventpoll]":
                    # Of a copy, as it closes what it was made of.
                    with select.epoll.fromfd(os.dup(int(name))) as poll:
                        poll.unregister(listener)


def closing(asgi: t.Any) -> t.Any:
    """Make an ASGI application close each connection with its next response."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await asgi(scope, receive, send_closing)

    return answer


def close_after_responses() -> None:
    """Let Granian close each connection with its next response, under WSGI."""
    from granian.wsgi import Response

    start: t.Any = Response.__call__

    def start_closing(
        self: Response, status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
    ) -> None:
        start(self, status, [*headers, ("connection", "close")], exc_info)

    # On the class: what answers a request must not pay for it until then.
    Response.__call__ = start_closing  # type: ignore[method-assign]
