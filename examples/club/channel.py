"""A channel passes each message on to all who listen, in this process."""

import asyncio
from contextlib import contextmanager, suppress


class Channel:
    """Use it on the event loop only: its queues are not for threads."""

    def __init__(self):
        self.inboxes = set()

    @contextmanager
    def listen(self):
        """Listen during a ``with`` block; gives a queue of what is sent meanwhile."""
        inbox = asyncio.Queue(maxsize=100)
        self.inboxes.add(inbox)
        try:
            yield inbox
        finally:
            self.inboxes.remove(inbox)

    def send(self, message):
        """Put a message into every queue that is not full."""
        for inbox in self.inboxes:
            with suppress(asyncio.QueueFull):
                inbox.put_nowait(message)
