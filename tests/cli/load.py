"""Clients that send requests without a pause, and record what went wrong."""

from __future__ import annotations

import http.client
import threading
import time
import typing as t
from collections import Counter
from urllib.parse import urlsplit

PATIENCE_S = 30.0


class Load:
    """Send requests from several threads, over persistent and over new connections.

    Attributes:
        answers: How often each body came.
        faults: The names of the errors, and statuses other than 200.
    """

    def __init__(self, url: str, *, keeping: int = 3, connecting: int = 3) -> None:
        host = urlsplit(url)
        self.address = (t.cast(str, host.hostname), host.port)
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(keep,), daemon=True)
            for keep in [True] * keeping + [False] * connecting
        ]

    def __enter__(self) -> t.Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the last responses have been received."""
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _ask(self, keep: bool) -> None:
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        while not self._ending.wait(0.002):
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read().decode()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._lock:
                    self.faults[type(error).__name__] += 1
            else:
                with self._lock:
                    if response.status == 200:
                        self.answers[body] += 1
                    else:
                        self.faults[str(response.status)] += 1
                if not keep:
                    connection.close()
        connection.close()

    def wait_answered(self, body: str, times: int = 1) -> None:
        """Wait until an answer has come a given number of times from now on."""
        self.wait_until(lambda wanted=self.answers[body] + times: self.answers[body] >= wanted)

    def wait_until(self, reached: t.Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < deadline, (self.answers, self.faults)
            time.sleep(0.01)
