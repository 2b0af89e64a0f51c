"""Send requests to the application over WSGI and ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import time
import typing as t
import unicodedata
from pathlib import Path

from costrel.logging import JSONFormatter, TextFormatter

from .application import make_app
from .judging import faults_of
from .wire import Answer, Sent, environ_of, scope_of

LIMIT_S = 10.0
"""What a request may take of this process's time; long, since machines are slow at times."""

WAITING_S = 60.0
"""When a request is ended that is not answered."""

GROWTH_BYTES = 48 << 20
"""By how much the memory may grow, once everything was in use."""

PROTECTION = logging.getLogger("costrel.security")


@contextlib.contextmanager
def ended_after(seconds: float) -> t.Iterator[None]:
    """End what takes longer, also a loop without end; in the main thread only."""

    def end(_signal: t.Any, _frame: t.Any) -> None:
        raise TimeoutError(f"not over after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Log(logging.Handler):
    """Writes each record in both formats, and notes those that are errors or not one line."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.text, self.json = TextFormatter(), JSONFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Judge a record."""
        if record.levelno >= logging.ERROR:
            self.faults.append(f"logged {self.text.format(record)}")
        lines = self.text.format(record), self.json.format(record)
        # Later lines of a traceback are indented.
        if any(map(obeys, lines)) and not record.exc_info:
            self.faults.append(f"logged what a terminal may obey: {lines}")
        if json.loads(lines[1])["level"] != record.levelname:
            self.faults.append(f"logged a line that does not read back: {lines[1]}")


def obeys(line: str) -> bool:
    """Return whether a terminal would do more with a line than to show it."""
    return any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in line)


class Over:
    """The application behind one interface; subclasses send."""

    def __init__(self, folder: Path) -> None:
        self.app = make_app(type(self).__name__, folder)
        self.jar: dict[str, str] = {}
        self.log = Log()
        for logger in self.app.logger, PROTECTION:
            logger.addHandler(self.log)
            logger.propagate = False

    def ask(self, sent: Sent) -> Answer:
        """Send a request, judge the answer, and keep its cookies as a browser would."""
        self.log.faults.clear()
        began = time.process_time()
        with ended_after(WAITING_S):
            answer = self.send(sent)
        took_s = time.process_time() - began
        assert took_s < LIMIT_S, f"took {took_s:.1f} s: {sent}"
        faults = [*self.log.faults, *faults_of(sent, answer, self.jar)]
        assert not faults, f"{type(self).__name__}: {faults} for {sent}, answered by {answer}"
        for name, value in answer.fields:
            if name.lower() == "set-cookie":
                self._keep(value)
        return answer

    def ask_all(self, together: list[Sent]) -> list[Answer]:
        """Send requests of one client that has no cookies yet."""
        self.jar.clear()
        return [self.ask(each) for each in together]

    def _keep(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        self.jar.pop(name, None)
        if value and "Max-Age=0" not in cookie:
            self.jar[name] = value

    def send(self, sent: Sent) -> Answer:
        """Send a request."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave the loggers as they were."""
        for logger in self.app.logger, PROTECTION:
            logger.removeHandler(self.log)
            logger.propagate = True


class OverWSGI(Over):
    """The application as a WSGI server calls it."""

    def send(self, sent: Sent) -> Answer:
        """Send a request, and read and close the response."""
        started: list[t.Any] = []

        def start_response(status: str, fields: t.Any, exc_info: t.Any = None) -> None:
            started[:] = [int(status[:3]), list(fields)]

        pieces = self.app(environ_of(sent, self.jar), start_response)
        try:
            body = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        return Answer(*started, body)


class OverASGI(Over):
    """The application as an ASGI server calls it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.loop = asyncio.new_event_loop()

    def send(self, sent: Sent) -> Answer:
        """Send a request on the event loop."""
        return self.loop.run_until_complete(asyncio.wait_for(self._send(sent), WAITING_S))

    async def _send(self, sent: Sent) -> Answer:
        coming = [*(sent.body or ()), b""]
        status, fields, pieces = 0, [], []
        is_over = asyncio.Event()

        async def receive() -> dict[str, t.Any]:
            if coming:
                piece = coming.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(coming)}
            await is_over.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, t.Any]) -> None:
            nonlocal status, fields
            if message["type"] == "http.response.start":
                status = message["status"]
                fields = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in message["headers"]
                ]
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if not message.get("more_body"):
                    is_over.set()

        await self.app.asgi(scope_of(sent, self.jar), receive, send)
        return Answer(status, fields, b"".join(pieces))

    def close(self) -> None:
        """Close the event loop too."""
        super().close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


def memory_bytes() -> int:
    """Return how much memory this process has now; 0 where that is not known."""
    gc.collect()
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
