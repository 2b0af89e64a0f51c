"""The room: who is in it, and what was said. It knows nothing of the web."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

KEPT = 50
"""How many messages newcomers see, and how many may wait for someone who is slow."""


class Room:
    """Pass on to everybody what somebody says."""

    def __init__(self):
        self.inboxes = {}
        self.said = deque(maxlen=KEPT)
        self.changed = asyncio.Event()

    @contextmanager
    def visit(self, name):
        """Be in the room: gives the inbox, with what was said before already in it."""
        inbox = asyncio.Queue(maxsize=2 * KEPT)
        for message in self.said:
            inbox.put_nowait(message)
        self.inboxes[inbox] = name
        self._tell_change()
        try:
            yield inbox
        finally:
            del self.inboxes[inbox]
            self._tell_change()

    def say(self, name, text):
        """Put a message into every inbox; one that is full misses it."""
        message = {"name": name, "text": text, "at": f"{datetime.now(UTC):%H:%M}"}
        self.said.append(message)
        for inbox in self.inboxes:
            with suppress(asyncio.QueueFull):
                inbox.put_nowait(message)

    def people(self):
        """List who is in the room; somebody with two windows is there once."""
        return sorted(set(self.inboxes.values()), key=str.casefold)

    def _tell_change(self):
        """Wake those who wait for a change of the people; the next one is another event."""
        self.changed.set()
        self.changed = asyncio.Event()
