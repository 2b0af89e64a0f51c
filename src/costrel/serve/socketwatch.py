"""Notice when a WebSocket's client disconnects while the view waits for something else."""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque
from contextvars import Context
from weakref import WeakKeyDictionary

from ..websockets import NO_CODE, POLICY, Message

if t.TYPE_CHECKING:
    from ..websockets import WebSocket

INTERVAL_S = 0.5
"""How often WebSockets are checked, in seconds."""

MESSAGES_AHEAD, BYTES_AHEAD = 4096, 1_048_576
"""At most this much is received before the view asks for it."""

HOLD_UP_S = 30.0
"""How long a client that sends more is held up, so that the view can catch up (seconds)."""

_TOO_MANY = "more messages than the application receives"
_CUT_OFF: Message = {"type": "websocket.disconnect", "code": POLICY, "reason": _TOO_MANY}


class Watched:
    """An open WebSocket and the task of its view, which is cancelled when the client disconnects.

    A view that waits for messages notices a disconnect on its own. If the view does not receive
    for a while, messages are received ahead here, so that the disconnect message at their end
    is seen. A client that sends more than is kept is held up by the server, so the view may take
    its time. If the view still does not receive, further messages are dropped, since otherwise
    the disconnect would go unnoticed. If the view does receive later, it gets the messages that
    were kept, and then a close with 1008.
    """

    __slots__ = ("_ahead", "_group", "gone", "socket", "task")

    def __init__(self, socket: WebSocket, group: Group) -> None:
        self.socket = socket
        self.task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
        self.gone = False
        self._group = group
        self._ahead: Ahead | None = None

    def look(self) -> None:
        """Start receiving ahead, unless the view is receiving or the WebSocket is closed."""
        socket = self.socket
        if socket.accepted and not socket._receiving and socket.close_code is None:
            if self._ahead is None:
                self._ahead = Ahead(self)
            self._ahead.begin()

    def leave(self, code: int) -> None:
        """Cancel the view, because its client disconnected."""
        self.gone = True
        self.socket.close_code = code
        self.task.cancel()

    def client_left(self) -> bool:
        """Whether the task was cancelled only for that reason; if so, it may continue."""
        return self.gone and self.task.uncancel() == 0

    def stop(self) -> None:
        """Stop watching: the view has ended."""
        self._group.discard(self)
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None


class Ahead:
    """Messages that were received before the view asked for them.

    From the first one until the view has taken them all, `receive` replaces the server's own.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._server_receive = watched.socket._receive
        self._messages: deque[Message] = deque()
        self._held_bytes = 0
        self._looking: asyncio.Task[None] | None = None
        self._looks_without_room = 0
        self._lost = False

    def begin(self) -> None:
        """Receive ahead for as long as the view does not receive."""
        if self._looking is not None:
            return
        if not self._has_room() and not self._drops():
            self._looks_without_room += 1
            return
        self._watched.socket._receive = self.receive
        self._looking = asyncio.get_running_loop().create_task(self._look())

    def _has_room(self) -> bool:
        return len(self._messages) < MESSAGES_AHEAD and self._held_bytes < BYTES_AHEAD

    def _drops(self) -> bool:
        """Whether the client was held up for long enough that messages may be dropped."""
        return self._looks_without_room * INTERVAL_S >= HOLD_UP_S

    async def _look(self) -> None:
        # A task of its own, started by a timer that runs in an empty context.
        socket = self._watched.socket
        try:
            while self._has_room() or self._drops():
                message = await self._server_receive()
                left = message["type"] == "websocket.disconnect"
                # Even if there is room again: later messages would leave a gap.
                self._lost = self._lost or not (left or self._has_room())
                if left and self._lost:
                    message = _CUT_OFF
                if left or not self._lost:
                    self._messages.append(message)
                    self._held_bytes += _size(message)
                if socket._receiving:
                    return
                if left:
                    self._watched.leave(message.get("code") or NO_CODE)
                    return
        except Exception:  # noqa: BLE001  the server raises it again when the view receives
            return
        finally:
            self._looking = None

    async def receive(self) -> Message:
        """Receive for the view: first the messages received ahead."""
        while not self._messages:
            if self._lost:
                await self._watched.socket.close(POLICY, _TOO_MANY)
                return _CUT_OFF
            if self._looking is None:
                self._watched.socket._receive = self._server_receive
                return await self._server_receive()
            # Don't await the task itself: a view that stops waiting must not cancel it.
            await asyncio.wait({self._looking})
        message = self._messages.popleft()
        self._held_bytes -= _size(message)
        self._looks_without_room = 0
        return message

    def stop(self) -> None:
        """Stop receiving ahead."""
        self._watched.socket._receive = self._server_receive
        if self._looking is not None:
            self._looking.cancel()


def _size(message: Message) -> int:
    return len(message.get("text") or message.get("bytes") or b"")


class Group:
    """The open WebSockets of one event loop, checked by one timer."""

    def __init__(self) -> None:
        self._sockets: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, socket: WebSocket) -> Watched:
        """Add a WebSocket to watch."""
        watched = Watched(socket, self)
        self._sockets.add(watched)
        if self._timer is None:
            # Not in the first socket's context, which the other sockets must not see.
            self._timer = _call_later(self._look)
        return watched

    def discard(self, watched: Watched) -> None:
        """Remove a WebSocket; without any left, the timer stops."""
        self._sockets.discard(watched)
        if not self._sockets and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = _call_later(self._look)
        for watched in self._sockets:
            watched.look()


def _call_later(function: t.Callable[[], object]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(INTERVAL_S, function, context=Context())


_groups: WeakKeyDictionary[asyncio.AbstractEventLoop, Group] = WeakKeyDictionary()


def look_after(socket: WebSocket) -> Watched:
    """Cancel the current task if its WebSocket's client disconnects while it does not receive."""
    loop = asyncio.get_running_loop()
    group = _groups.get(loop)
    if group is None:
        group = _groups[loop] = Group()
    return group.add(socket)
