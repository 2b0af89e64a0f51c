"""The chat room: the people in it and their messages, independent of the web."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

KEPT = 50
"""How many old messages newcomers see, and how many new ones may wait for a slow client."""


class Room:
    """A room that passes each message on to everybody in it."""

    def __init__(self):
        self.inboxes = {}
        self.said = deque(maxlen=KEPT)
        self.changed = asyncio.Event()

    @contextmanager
    def visit(self, name):
        """Enter the room for a ``with`` block; gives an inbox that holds the old messages."""
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
        """Put a message into every inbox that is not full."""
        message = {"name": name, "text": text, "at": f"{datetime.now(UTC):%H:%M}"}
        self.said.append(message)
        for inbox in self.inboxes:
            with suppress(asyncio.QueueFull):
                inbox.put_nowait(message)

    def people(self):
        """List the people in the room; someone with two windows is listed once."""
        return sorted(set(self.inboxes.values()), key=str.casefold)

    def _tell_change(self):
        """Wake everyone who waits for a change, and make a new event for the next one."""
        self.changed.set()
        self.changed = asyncio.Event()
