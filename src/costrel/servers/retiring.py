"""End a worker that is being replaced, or whose parent is gone.

A retiring worker accepts no new connections. It handles the requests on its open
connections and closes each with its next response, so that no client loses a connection
that it is using.
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
"""The message that the parent sends to a worker that is being replaced."""

LINGER_S = 5.0
"""How long a retiring worker waits for further requests on its connections.

uvicorn keeps an idle connection open for the same time.
"""


class Parent:
    """The parent process, as its worker sees it.

    Attributes:
        on_retire: Makes connections close with their next response; called in a thread.
    """

    def __init__(self, channel: Connection, listener: socket.socket, *, grace_s: float) -> None:
        self.on_retire: t.Callable[[], object] = lambda: None
        self._channel = channel
        self._listener = listener.fileno()
        self._grace_s = grace_s

    def listen(self) -> None:
        """Start to watch for messages of the parent, and for its end."""
        threading.Thread(target=self._listen, name="costrel-parent", daemon=True).start()

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            self._channel.recv_bytes()
            stop_accepting(self._listener)
            self.on_retire()
            if not self._channel.poll(LINGER_S):
                os.kill(os.getpid(), signal.SIGTERM)
            # The parent sends nothing more: this waits for its end, and raises.
            self._channel.recv_bytes()
        # The parent was killed, so this process has to end itself.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._grace_s)
        os._exit(1)


def stop_accepting(listener: int) -> None:
    """Stop accepting connections from a listening socket that other processes share.

    Takes its descriptor and removes it from every event loop of this process. Without epoll
    that is not possible, and the worker accepts connections until it ends.
    """
    if sys.platform != "linux":
        return
    import select

    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventpoll]":
                    # Use a copy, because the object closes its descriptor.
                    with select.epoll.fromfd(os.dup(int(name))) as poll:
                        poll.unregister(listener)


def closing(asgi: t.Any) -> t.Any:
    """Wrap an ASGI application so that each connection closes with its next response."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await asgi(scope, receive, send_closing)

    return answer


def close_after_responses() -> None:
    """Make Granian close each connection with its next response, under WSGI."""
    from granian.wsgi import Response

    start: t.Any = Response.__call__

    def start_closing(
        self: Response, status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
    ) -> None:
        start(self, status, [*headers, ("connection", "close")], exc_info)

    # Patched on the class, so that requests pay nothing for it before.
    Response.__call__ = start_closing  # type: ignore[method-assign]
