"""Notice under ASGI when a client disconnects, and cancel its request."""

from __future__ import annotations

import asyncio
import typing as t

from ..ground.current import context
from .scope import Receive

if t.TYPE_CHECKING:
    from .body import RequestBody

R = t.TypeVar("R")

AFTER_S = 0.05
"""How long a request must be waiting before its client is watched, in seconds."""


class Watch:
    """Cancel the current task when its client disconnects.

    Watching begins `AFTER_S` after `start`, because most requests are answered by then.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task: asyncio.Task[t.Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        #: The body, if it is not complete yet: then every message is received through it.
        self.body: RequestBody | None = None
        #: Whether the client disconnected.
        self.gone = False

    def start(self) -> None:
        """Watch the client of the current task, unless that is done already."""
        if self._task is None:
            self._task = asyncio.current_task()
            self._timer = asyncio.get_running_loop().call_later(AFTER_S, self._begin)

    async def over(self, coroutine: t.Coroutine[t.Any, t.Any, R]) -> R:
        """Await a coroutine, and watch the client once the coroutine pauses."""
        try:
            waiting_for = coroutine.send(None)
        except StopIteration as stop:
            return t.cast(R, stop.value)
        self.start()
        return t.cast(R, await Suspended(coroutine, waiting_for))

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        # In a task of its own: see `costrel.ground.current.outside`.
        context.set(None)
        try:
            if self.body is not None:
                await self.body.until_gone()
            else:
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except OSError:
            pass
        self.gone = True
        t.cast("asyncio.Task[t.Any]", self._task).cancel()

    def client_left(self) -> bool:
        """Whether the task was cancelled only for that reason; if so, it may continue."""
        return self.gone and not t.cast("asyncio.Task[t.Any]", asyncio.current_task()).uncancel()

    def stop(self) -> None:
        """Stop watching, until `start` is called again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        self._task = self._timer = self._watcher = None


class Suspended:
    """Await the rest of a coroutine that has run until its first pause.

    A view that never pauses does not need its client watched; see `Watch`.
    """

    __slots__ = ("_coroutine", "_waiting_for")

    def __init__(self, coroutine: t.Coroutine[t.Any, t.Any, t.Any], waiting_for: t.Any) -> None:
        self._coroutine = coroutine
        self._waiting_for = waiting_for

    def __await__(self) -> t.Generator[t.Any, t.Any, t.Any]:
        coroutine, waiting_for = self._coroutine, self._waiting_for
        step: t.Callable[[t.Any], t.Any]
        argument: t.Any
        while True:
            try:
                sent = yield waiting_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001  for the coroutine to handle
                step, argument = coroutine.throw, error
            else:
                step, argument = coroutine.send, sent
            try:
                waiting_for = step(argument)
            except StopIteration as stop:
                return stop.value


class Steps:
    """Give the iterator of an awaitable the methods of a coroutine that `Suspended` calls."""

    def __init__(self, steps: t.Iterator[t.Any]) -> None:
        self._steps = steps

    def send(self, _sent: None) -> t.Any:
        """Take the next step."""
        return next(self._steps)

    def throw(self, error: BaseException) -> t.NoReturn:
        """Raise the error, as ``await`` does for an iterator that cannot handle it."""
        raise error

    def close(self) -> None:
        """Do nothing: there is no code to end."""


def watch_response(watch: Watch, *, streams_body: bool) -> None:
    """Watch the client while its response is sent."""
    if watch.body is not None and not streams_body:
        # It was too large for a view that reads bodies as a whole.
        watch.body.unwanted = True
    watch.start()
