"""End connections whose clients do not read, seen from beside the server that accepted them.

A server that waits for a client to read says nothing of it. But the system knows how much of what
was sent is still on its way, and ends a connection of this process on demand. Only on Linux;
elsewhere no connection is found.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import threading
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass

PIECE_BYTES = 65_536
"""How much a client must take within each ``SEND_TIMEOUT_S``, or all that was sent to it."""

LOOK_S = 5.0
"""How often connections are looked at; a quarter of the timeout if that is less."""

_ACKED = 120
"""Where ``tcp_info`` has ``tcpi_bytes_acked``, 64 bits: since Linux 4.1."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection of this process with a client.

    `key` is different for each. `queued_bytes` were written to it and have not arrived, in all
    `acked_bytes` have.
    """

    descriptor: int
    key: int
    address: str
    queued_bytes: int
    acked_bytes: int

    def end(self) -> None:
        """End the connection; the server notices it as if the client had left."""
        with suppress(OSError):
            if os.fstat(self.descriptor).st_ino == self.key:
                _use(self.descriptor, _shut_down)


def connections(port: int, *, queued: bool = False) -> list[Connection]:
    """Return the TCP connections that were accepted at a port.

    With `queued`, only those on which something has not arrived. Takes a few microseconds for
    each file that the process has open.
    """
    if sys.platform != "linux":
        return []
    found = []
    for name in os.listdir("/proc/self/fd"):
        # Closed meanwhile, another kind of file, or a socket that listens.
        with suppress(OSError, struct.error):
            connection = _look_at(int(name), port, queued=queued)
            if connection is not None:
                found.append(connection)
    return found


def _look_at(descriptor: int, port: int, *, queued: bool) -> Connection | None:
    if sys.platform != "linux":
        return None
    import fcntl
    import termios

    status = os.fstat(descriptor)
    if not stat.S_ISSOCK(status.st_mode):
        return None
    answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
    (queued_bytes,) = struct.unpack("i", answer)
    if queued and not queued_bytes:
        return None

    def ask(one: socket.socket) -> Connection | None:
        if one.family not in {socket.AF_INET, socket.AF_INET6} or one.getsockname()[1] != port:
            return None
        address = one.getpeername()[0]
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED + 8)
        (acked_bytes,) = struct.unpack_from("@Q", info, _ACKED)
        return Connection(descriptor, status.st_ino, address, queued_bytes, acked_bytes)

    return _use(descriptor, ask)


R = t.TypeVar("R")


def _use(descriptor: int, function: t.Callable[[socket.socket], R]) -> R:
    """Call a function with a socket that somebody else closes."""
    # Not with a copy of the descriptor: there may be none left when this is needed.
    borrowed = socket.socket(fileno=descriptor)
    try:
        return function(borrowed)
    finally:
        borrowed.detach()


def _shut_down(connection: socket.socket) -> None:
    # The server's own close then drops what is queued, which would otherwise be kept for longer.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


class Readers:
    """Ends the connections of clients that do not read.

    That is where neither `PIECE_BYTES` nor what had been sent arrives within a timeout, however
    it was sent: as a whole, in pieces, or by a WebSocket.
    """

    def __init__(self, port: int, timeout_s: float) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._known: dict[int, tuple[float, int]] = {}

    def start(self) -> None:
        """Look after the connections of this process from now on, in a thread."""
        threading.Thread(target=self._look_after, daemon=True, name="costrel-readers").start()

    def _look_after(self) -> None:
        while True:
            time.sleep(min(LOOK_S, self._timeout_s / 4))
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """End the connections that are late; `now` is a time in seconds."""
        known = {}
        for connection in connections(self._port, queued=True):
            acked = connection.acked_bytes
            wanted = acked + min(PIECE_BYTES, connection.queued_bytes)
            since, due = self._known.get(connection.key, (now, wanted))
            if acked >= due:
                since, due = now, wanted
            if now - since >= self._timeout_s:
                connection.end()
            else:
                known[connection.key] = since, due
        self._known = known


def look_after_readers(listener: socket.socket, timeout_s: float | None) -> None:
    """End the connections of clients that do not read; with None, of nobody."""
    if timeout_s is not None and sys.platform == "linux" and listener.family != socket.AF_UNIX:
        Readers(listener.getsockname()[1], timeout_s).start()
