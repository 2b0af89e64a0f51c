"""Send requests to the application over WSGI and ASGI, and judge the answers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from costrel.logging import JSONFormatter, TextFormatter

from .application import CDN, FRIEND, HOSTS, PAYER, REACHED, make_app
from .wire import Answer, Sent, environ_of, scope_of

LIMIT_S = 10.0
"""What a request may take of this process's time; long, since machines are slow at times."""

GROWTH_BYTES = 48 << 20
"""By how much the memory may grow, once everything was in use."""

ALLOWED = "access-control-allow-origin"

OURS = ("__Host-", "session=", "remember=")
"""How the cookies begin that are not the views' own."""

ALWAYS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}
PROTECTION = logging.getLogger("costrel.security")
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


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
        if any(not line.isprintable() for line in lines) and not record.exc_info:
            self.faults.append(f"logged what a terminal may obey: {lines}")
        if json.loads(lines[1])["level"] != record.levelname:
            self.faults.append(f"logged a line that does not read back: {lines[1]}")


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
        return self.loop.run_until_complete(asyncio.wait_for(self._send(sent), 6 * LIMIT_S))

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


def faults_of(sent: Sent, answer: Answer, jar: dict[str, str]) -> t.Iterator[str]:
    """Yield what is wrong with an answer, whatever the request was."""
    fields = {name.lower(): value for name, value in answer.fields}
    if not 200 <= answer.status < 500:
        yield f"status {answer.status}"
    yield from (
        f"no {name}: {value}" for name, value in ALWAYS.items() if fields.get(name) != value
    )
    for name, value in answer.fields:
        yield from faults_of_field(name.lower(), value)
    if "content-security-policy" not in fields:
        yield "no policy"
    if fields.get(ALLOWED) == "*" and "access-control-allow-credentials" in fields:
        yield "allowed anybody to use cookies"
    if is_forged(sent, jar) and REACHED.lower() in fields:
        yield "a forged request has reached its view"
    if b"what nobody may read" in answer.body:
        yield "sent a file beside the folder"


def faults_of_field(name: str, value: str) -> t.Iterator[str]:
    """Yield what is wrong with a field of an answer; the name is in lower case."""
    if set(name + value) & {"\r", "\n", "\0"}:
        yield f"control character in {name}"
    if name == "set-cookie" and value.startswith(OURS):
        flags = ("HttpOnly", "SameSite=Lax", *["Secure"] * value.startswith("__Host-"))
        yield from (f"cookie without {flag}" for flag in flags if f"; {flag}" not in value)
    if name == "location" and not is_ours(value):
        yield f"led to {value}"
    if name == ALLOWED and value not in {FRIEND, "*"} and not CDN.fullmatch(value):
        yield f"allowed {value}"


def is_ours(location: str) -> bool:
    """Return whether a redirect leads to the application, or to the one other site allowed."""
    if set(location) & {"\\", "\t"}:
        return False
    parts = urlsplit(location)
    if f"{parts.scheme}://{parts.netloc}" == PAYER:
        return True
    if not parts.netloc:
        return not parts.scheme and not location.startswith("//")
    name = (parts.hostname or "").rstrip(".")
    return (
        parts.scheme in {"http", "https"}
        and "@" not in parts.netloc
        and any(
            name == host or (host[0] == "." and name.endswith(host))
            for host in [*HOSTS, "example.test"]
        )
    )


def is_forged(sent: Sent, jar: dict[str, str]) -> bool:
    """Return whether another site has made a browser send this, with cookies."""
    fields = [(name.lower(), value) for name, value in sent.all_fields(jar)]
    sites = [value for name, value in fields if name == "sec-fetch-site"]
    origins = [value for name, value in fields if name == "origin"]
    return (
        sent.method not in SAFE
        and any(name == "cookie" and value.partition("=")[0].isalnum() for name, value in fields)
        and sites == ["cross-site"]
        and not {*origins} & {PAYER, FRIEND}
        and not any(map(CDN.fullmatch, origins))
    )


def memory_bytes() -> int:
    """Return how much memory this process has now; 0 where that is not known."""
    gc.collect()
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
