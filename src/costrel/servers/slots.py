"""Whose turn it is to run the application: as many requests as there are threads for it."""

from __future__ import annotations

import io
import threading
import typing as t
from collections import deque

Job = tuple[t.Any, dict[str, t.Any]]
"""A request: Granian's protocol object, and its part of the environ."""


class Slots:
    """How many more requests may run the application, and which wait for that.

    Args:
        number: How many requests may run.
        work: Runs a request in a slot of its own, and then gives the slot away.
    """

    def __init__(self, number: int, work: t.Callable[..., None]) -> None:
        self.lock = threading.Lock()
        self.free = number
        self.waiting: deque[Job | threading.Event] = deque()
        self._work = work

    def lend(self) -> None:
        """Let others use the slot of a request that is not running, which takes it back later."""
        job = self.give(elsewhere=True)
        if job is not None:
            threading.Thread(target=self._work, args=job, daemon=True).start()

    def take_back(self) -> None:
        """Wait until there is a slot for a request that has lent its own."""
        with self.lock:
            if self.free:
                self.free -= 1
                return
            turn = threading.Event()
            self.waiting.append(turn)
        turn.wait()

    def give(self, *, elsewhere: bool = False) -> Job | None:
        """Give a slot to what waits for one; returns the request that is to be run in it.

        `elsewhere` is whether it will not be run in a thread of Granian's.
        """
        with self.lock:
            for index, waiting in enumerate(self.waiting):
                # COMPAT(Granian): its own threads only may receive a body: see `Stream`.
                if elsewhere and not isinstance(waiting, threading.Event) and _is_to_come(waiting):
                    continue
                del self.waiting[index]
                if not isinstance(waiting, threading.Event):
                    return waiting
                waiting.set()
                return None
            self.free += 1
            return None


def _is_to_come(job: Job) -> bool:
    """Whether the body of a request is received when it is read."""
    return isinstance(job[1]["wsgi.input"], io.BufferedReader)
