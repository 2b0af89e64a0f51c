"""Whose turn it is to run the application: as many requests as there are threads for it."""

from __future__ import annotations

import io
import threading
import typing as t
from collections import deque

Job = tuple[t.Any, dict[str, t.Any]]
"""A request: Granian's protocol object, and its part of the environ."""


class Slots:
    """Runs requests, at most `number` at the same time; the others wait for their turn.

    Args:
        number: How many requests may run.
        run: Runs a request; it raises no error.
    """

    def __init__(self, number: int, run: t.Callable[..., None]) -> None:
        self._lock = threading.Lock()
        self._free = number
        self._run = run
        self._waiting: deque[Job | threading.Event] = deque()

    def run(self, protocol: t.Any, environ: dict[str, t.Any]) -> None:
        """Run a request and those that wait then, or let it wait for another thread."""
        with self._lock:
            if not self._free:
                self._waiting.append((protocol, environ))
                return
            self._free -= 1
        self._work((protocol, environ))

    def _work(self, job: Job | None) -> None:
        while job is not None:
            self._run(*job)
            job = self._give(elsewhere=False)

    def lend(self) -> None:
        """Let others use the slot of a request that is not running, which takes it back later."""
        job = self._give(elsewhere=True)
        if job is not None:
            threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def take_back(self) -> None:
        """Wait until there is a slot for a request that has lent its own."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def _give(self, *, elsewhere: bool) -> Job | None:
        """Give a slot to what waits for one; returns the request that is to be run in it."""
        with self._lock:
            for index, waiting in enumerate(self._waiting):
                # COMPAT(Granian): its own threads only may receive a body: see `Stream`.
                if elsewhere and not isinstance(waiting, threading.Event) and _is_to_come(waiting):
                    continue
                del self._waiting[index]
                if not isinstance(waiting, threading.Event):
                    return waiting
                waiting.set()
                return None
            self._free += 1
            return None


def _is_to_come(job: Job) -> bool:
    """Whether the body of a request is received when it is read."""
    return isinstance(job[1]["wsgi.input"], io.BufferedReader)
