"""A queue for the items that a task sends until it ends."""

from __future__ import annotations

import asyncio
import typing as t

T = t.TypeVar("T")


class Channel(t.Generic[T]):
    """Passes on the items that a task sends, in order.

    Args:
        size: How many items may be queued before `put` waits; 0 for no limit.
    """

    def __init__(self, size: int = 0) -> None:
        self._items: asyncio.Queue[T] = asyncio.Queue(size)

    async def put(self, item: T) -> None:
        """Send an item as soon as there is room for it."""
        await self._items.put(item)

    async def get(self, sender: asyncio.Task[t.Any]) -> T | None:
        """Wait for the next item; None if the sender has ended and no item is left."""
        if not self._items.empty() or sender.done():
            return None if self._items.empty() else self._items.get_nowait()
        getter = asyncio.ensure_future(self._items.get())
        try:
            await asyncio.wait({getter, sender}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not getter.done():
                getter.cancel()
        if getter.done():
            return getter.result()
        # The sender's last item may have arrived at the same time as its end.
        return None if self._items.empty() else self._items.get_nowait()

    async def drain(self) -> t.NoReturn:
        """Discard all items until cancelled."""
        while True:
            await self._items.get()
