"""Notice that the client of a WebSocket left whose view waits for something else."""

from __future__ import annotations

import asyncio
import typing as t
from weakref import WeakKeyDictionary

if t.TYPE_CHECKING:
    from ..websocket import WebSocket

INTERVAL_S = 0.5
"""How often sockets are looked after."""


class Socket:
    """One open WebSocket and the task of its view.

    A view that waits for messages learns by itself that its client left. Of one that
    does not for a while, the next message is waited for here.
    """

    __slots__ = ("_group", "gone", "socket", "task")

    def __init__(self, socket: WebSocket, group: Group) -> None:
        self.socket = socket
        self.task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
        self.gone = False
        self._group = group

    def look(self) -> None:
        """Begin to wait for the next message, unless the view does."""
        socket = self.socket
        if socket.accepted and not socket._busy_receiving and socket._ahead is None:
            socket._ahead = asyncio.ensure_future(socket._receive())
            socket._ahead.add_done_callback(self._arrived)

    def _arrived(self, ahead: asyncio.Future[t.Any]) -> None:
        if ahead.cancelled() or ahead.exception() is not None:
            return
        message = ahead.result()
        if message["type"] == "websocket.disconnect" and not self.socket._busy_receiving:
            self.gone = True
            self.socket.close_code = message.get("code") or 1005
            self.task.cancel()

    def client_left(self) -> bool:
        """Tell whether the task was cancelled for that reason; it then goes on."""
        if self.gone:
            self.task.uncancel()
        return self.gone

    def stop(self) -> None:
        """Look no longer."""
        self._group.sockets.discard(self)
        ahead = self.socket._ahead
        if ahead is not None:
            ahead.cancel()


class Group:
    """The open WebSockets of one event loop, looked after by one timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.sockets: set[Socket] = set()
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def add(self, socket: WebSocket) -> Socket:
        """Look after one more."""
        watched = Socket(socket, self)
        self.sockets.add(watched)
        if self._timer is None:
            self._timer = self._loop.call_later(INTERVAL_S, self._look)
        return watched

    def _look(self) -> None:
        for watched in list(self.sockets):
            watched.look()
        again = self._loop.call_later(INTERVAL_S, self._look) if self.sockets else None
        self._timer = again


_groups: WeakKeyDictionary[asyncio.AbstractEventLoop, Group] = WeakKeyDictionary()


def look_after(socket: WebSocket) -> Socket:
    """Cancel the current task when its WebSocket's client leaves while it does not receive."""
    loop = asyncio.get_running_loop()
    group = _groups.get(loop)
    if group is None:
        group = _groups[loop] = Group(loop)
    return group.add(socket)
