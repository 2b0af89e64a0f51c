"""The server's side of the lifespan protocol (ASGI Lifespan 2.0)."""

from __future__ import annotations

import asyncio
import typing as t

from .channel import Channel

Message = t.MutableMapping[str, t.Any]


class Lifespan:
    """Sends an application the startup and shutdown events.

    Attributes:
        state: The application's state, for its requests.
    """

    def __init__(self, app: t.Any) -> None:
        self.state: dict[str, t.Any] = {}
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: Channel[Message] = Channel()
        version = {"version": "3.0", "spec_version": "2.0"}
        scope = {"type": "lifespan", "asgi": version, "state": self.state}
        self._task = asyncio.create_task(app(scope, self._to_app.get, self._from_app.put))

    async def send(self, moment: str) -> None:
        """Send ``startup`` or ``shutdown``; raises `RuntimeError` if it fails."""
        self._to_app.put_nowait({"type": f"lifespan.{moment}"})
        message = await self._from_app.get(self._task)
        complete = message is not None and message["type"] == f"lifespan.{moment}.complete"
        if not complete or moment == "shutdown":
            await self._task
        if not complete:
            why = "" if message is None else message.get("message", "")
            raise RuntimeError(f"The application's {moment} failed: {why}")
