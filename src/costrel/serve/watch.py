"""Notice under ASGI that a client went away, and cancel what was being done for it."""

from __future__ import annotations

import asyncio
import typing as t

from ..ground.current import context
from .scope import Receive

if t.TYPE_CHECKING:
    from .body import RequestBody

R = t.TypeVar("R")

AFTER_S = 0.05
"""How long a request must wait for something before anybody looks after its client."""


class Watch:
    """Cancel the current task when its client goes away.

    It begins to look `AFTER_S` after `start` only, for most requests are answered by then.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task: asyncio.Task[t.Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        #: The body, if somebody may still receive it: then all is received by it.
        self.body: RequestBody | None = None
        #: Whether the client went away.
        self.gone = False

    def start(self) -> None:
        """Look after the client of the current task, if that is not done already."""
        if self._task is None:
            self._task = asyncio.current_task()
            self._timer = asyncio.get_running_loop().call_later(AFTER_S, self._begin)

    async def over(self, coroutine: t.Coroutine[t.Any, t.Any, R]) -> R:
        """Await a coroutine, and look after the client once it pauses."""
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
        """Tell whether the task was cancelled for that reason only; it then goes on."""
        return self.gone and not t.cast("asyncio.Task[t.Any]", asyncio.current_task()).uncancel()

    def stop(self) -> None:
        """Look no longer, unless it is started again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        self._task = self._timer = self._watcher = None


class Suspended:
    """Await the rest of a coroutine that has run until its first pause.

    A view that never pauses needs nobody to look after its client; see `Watch`.
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
            except BaseException as error:  # noqa: BLE001  the coroutine's to handle
                step, argument = coroutine.throw, error
            else:
                step, argument = coroutine.send, sent
            try:
                waiting_for = step(argument)
            except StopIteration as stop:
                return stop.value


def watch_response(watch: Watch, *, streams_body: bool) -> None:
    """Look after a client while it is being answered."""
    if watch.body is not None and not streams_body:
        # Too much of it for a view that wanted all or nothing.
        watch.body.unwanted = True
    watch.start()
