"""Receive request bodies under WSGI on Granian without occupying application threads.

Granian calls the application in one of its threads, and reading a body there waits for the
client. So Granian gets more threads than the application may use. Each thread receives a
body first. Then it runs the application if fewer than `threads` other threads do; otherwise
it hands the request to one of those.
"""

from __future__ import annotations

import io
import logging
import math
import os
import tempfile
import threading
import time
import typing as t
from contextlib import suppress
from pathlib import Path

from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from ..dispatch.proxies import is_wrapped
from ..serve.body import PIECE_BYTES, SPOOL_BYTES, BodyTimeout, FailedBody, append
from ..serve.checked import checked
from .accesslog import logging_requests
from .responses import Responses
from .slots import Slots

if t.TYPE_CHECKING:
    from ..registration.application import App

RECEIVING_THREADS = 128
"""How many bodies are received at the same time, each in a thread; beyond that: 503."""

HELD_BYTES = 256 * 1024 * 1024
"""How much the process may grow while bodies of unknown length are received.

Granian keeps these bodies in memory and has no setting for a limit.
"""

FLUSH_S = 0.1
"""How long to wait for a response to be sent before its connection is closed."""

LOOK_S = 0.25
"""How often the deadlines of reads are checked."""

_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
"""The methods whose requests have a body or a ``Content-Length`` of 0."""

_log = logging.getLogger("_granian")

Run = t.Callable[[t.Any, dict[str, t.Any]], object]
"""What Granian calls for a request, with its protocol object and its part of the environ."""


def receiving(
    make_run: t.Callable[..., Run],
    app: App,
    threads: int,
    wsgi: t.Any = None,
    *,
    logs: bool = False,
) -> t.Callable[..., Run]:
    """Wrap the function with which Granian makes what it calls for each request.

    `wsgi` is its module, in which the class of what it sends in pieces is replaced; `logs` says
    whether each request is logged.
    """

    def make(callback: t.Any, *settings: t.Any) -> Run:
        if is_wrapped(app):
            callback = checked(callback)
        if logs:
            callback = logging_requests(callback, app)
        reception = Reception(make_run(callback, *settings), app, threads)
        if wsgi is not None:
            wsgi.ResponseIterWrap = reception.responses.watch_for_caller
        return reception

    return make


class Reception:
    """Called by Granian: receive the body, then run the application when a thread is free."""

    def __init__(self, run: Run, app: App, threads: int) -> None:
        self._run = run
        self._config = app.config
        self._slots = Slots(threads, self._work)
        self.responses = Responses(self._slots, app.config["SEND_TIMEOUT_S"])
        self._reads = Reads()

    def __call__(self, protocol: t.Any, environ: dict[str, t.Any]) -> None:
        """Handle a request, then the requests that have been waiting for a thread."""
        body = self._receive(protocol, environ)
        if body is None:
            return
        environ["wsgi.input"] = body
        slots = self._slots
        with slots.lock:
            if not slots.free:
                slots.waiting.append((protocol, environ))
                return
            slots.free -= 1
        self._work(protocol, environ)

    def _work(self, protocol: t.Any, environ: dict[str, t.Any]) -> None:
        """Answer a request that has a slot, and those that wait for it then."""
        slots = self._slots
        while True:
            self._answer(protocol, environ)
            with slots.lock:
                if not slots.waiting:
                    slots.free += 1
                    return
            job = slots.give()
            if job is None:
                return
            protocol, environ = job

    def _answer(self, protocol: t.Any, environ: dict[str, t.Any]) -> None:
        try:
            self._run(protocol, environ)
        except (ClientDisconnected, BodyTimeout) as error:
            # Middleware has read a body that broke off.
            _refuse(protocol, error)
        except BaseException:  # noqa: BLE001  as in any server
            # Granian would do the same, but here other requests may follow.
            _log.exception("Application callable raised an exception")
            with suppress(BaseException):
                protocol.response_bytes(500, [], b"")
        finally:
            # The body may be in a temporary file.
            environ["wsgi.input"].close()

    def _receive(self, protocol: t.Any, environ: dict[str, t.Any]) -> t.Any:
        """Return a file to read the body from; None if the request was already answered."""
        length = environ.get("CONTENT_LENGTH")
        http2 = environ["SERVER_PROTOCOL"] == "HTTP/2"
        if length == "0" or (
            length is None and not http2 and "HTTP_TRANSFER_ENCODING" not in environ
        ):
            return io.BytesIO()
        if len(self._reads) >= RECEIVING_THREADS:
            _refuse(protocol, ServiceUnavailable(retry_after=10))
            return None
        stream = Stream(
            self._reads, protocol, environ["wsgi.input"], self._config["BODY_TIMEOUT_S"]
        )
        try:
            if length is None:
                bodiless = http2 and environ["REQUEST_METHOD"] not in _WITH_BODY
                return stream.read_unannounced(may_be_empty=bodiless)
            announced = int(length)
            limit: int | None = self._config["MAX_CONTENT_LENGTH"]
            if limit is not None and announced > limit:
                # Refused when the view reads it, unless the view allows more.
                return io.BufferedReader(LaterBody(stream, announced), PIECE_BYTES)
            return stream.read_announced(announced)
        except BodyTimeout:
            return None


class Stream:
    """Read Granian's stream of one body, with a time limit for each piece.

    Read it only in Granian's own threads. In other threads it would hold the GIL while it
    waits.
    """

    def __init__(
        self, reads: Reads, protocol: t.Any, source: t.Any, timeout_s: float | None
    ) -> None:
        self._reads = reads
        self._protocol = protocol
        self._source = source
        self._timeout_s = timeout_s

    def read(self, *size: int) -> bytes:
        """Read `size` bytes, or fewer if the body ends before.

        Raises `BodyTimeout` if the client was too slow; the request is then already
        answered.
        """
        read: t.Callable[..., bytes] = self._source.read
        with self._reads.watch(self._protocol, self._timeout_s, whole=not size):
            return read(*size)

    def read_announced(self, length: int) -> t.Any:
        """Receive a body of this length; above `SPOOL_BYTES`, into a temporary file."""
        if length <= PIECE_BYTES:
            content = self.read(length) if length else b""
            return io.BytesIO(content) if len(content) == length else _broken_off()
        file: t.Any = io.BytesIO()
        left = length
        try:
            if length > SPOOL_BYTES:
                file = tempfile.TemporaryFile()  # noqa: SIM115  closed after its request
            while left:
                content = self.read(min(left, PIECE_BYTES))
                if not content:
                    file.close()
                    return _broken_off()
                left -= len(content)
                append(file, content)
            file.seek(0)
        except OSError as error:
            with suppress(OSError):
                file.close()
            return FailedBody(error)
        except BodyTimeout:
            file.close()
            raise
        return file

    def read_unannounced(self, *, may_be_empty: bool) -> t.Any:
        """Receive a body of unknown length, whole or not at all.

        COMPAT(Granian): read in pieces, a body that broke off ends like a complete one. Read as
        a whole, it is empty then, so it cannot be distinguished from an empty body. Over HTTP/2
        there may be no body.
        """
        content = self.read()
        return io.BytesIO(content) if content or may_be_empty else _broken_off()


def _refuse(protocol: t.Any, error: HTTPException) -> None:
    headers = [*error.get_headers(), ("Connection", "close")]
    protocol.response_bytes(error.code, headers, error.get_body().encode())


def _broken_off() -> FailedBody:
    return FailedBody(ClientDisconnected())


class LaterBody(io.RawIOBase):
    """A body that is not received until it is read, because it is longer than allowed."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        """Return true: it can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Fill a buffer, or only its beginning; return 0 at the end of the body."""
        size = min(len(buffer), self._left, PIECE_BYTES)
        content = self._stream.read(size) if size else b""
        if len(content) < size:
            raise ClientDisconnected
        self._left -= size
        buffer[:size] = content
        return size


class Reads:
    """The reads that wait for a client, each with a deadline; a thread ends late ones."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._start = threading.Lock()

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, protocol: t.Any, timeout_s: float | None, *, whole: bool) -> Watched:
        """Return a context manager for one read, which raises if the read was ended.

        `whole` is true for a body of unknown length.
        """
        if self._start.acquire(blocking=False):
            # Started here, because the process may have been forked after the import.
            threading.Thread(target=self._look_after, daemon=True, name="costrel-bodies").start()
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        return Watched(self._watched, protocol, deadline, whole=whole)

    def _look_after(self) -> None:
        before = resident_bytes()
        while True:
            time.sleep(LOOK_S)
            watched = list(self._watched.values())
            now = time.monotonic()
            for read in watched:
                if now > read.deadline:
                    read.end(BodyTimeout())
            wholes = [read for read in watched if read.whole]
            if not wholes:
                before = resident_bytes()
            elif resident_bytes() - before > HELD_BYTES:
                for read in wholes:
                    read.end(RequestEntityTooLarge())


def resident_bytes() -> int:
    """Return how much memory the process uses; 0 if unknown, as on systems other than Linux."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Watched:
    """One read that waits for a client."""

    __slots__ = ("_all", "_protocol", "deadline", "whole")

    def __init__(
        self, all_: dict[int, Watched], protocol: t.Any, deadline: float, *, whole: bool
    ) -> None:
        self._all = all_
        self._protocol = protocol
        self.deadline = deadline
        self.whole = whole

    def __enter__(self) -> None:
        self._all[id(self)] = self

    def __exit__(self, *_error: object) -> None:
        # Whoever removes the entry decides the outcome of the read.
        if self._all.pop(id(self), None) is None:
            raise BodyTimeout

    def end(self, error: HTTPException) -> None:
        """Answer the request with an error and end its connection, unless the read is done."""
        if self._all.pop(id(self), None) is not None:
            threading.Thread(target=_cut, args=(self._protocol, error), daemon=True).start()


def _cut(protocol: t.Any, error: HTTPException) -> None:
    # COMPAT(Granian): the reading thread is released only when the connection ends, and only a
    # response that is shorter than its Content-Length makes Granian end it.
    text = error.get_body().encode()
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(text) + 1)),
        ("connection", "close"),
    ]
    protocol.response_iter(error.code, headers, _Unfinished(text))


class _Unfinished:
    """Yield one piece of a body, then end once it has been sent."""

    def __init__(self, piece: bytes) -> None:
        self._pieces = [piece]

    def __next__(self) -> bytes:
        if not self._pieces:
            time.sleep(FLUSH_S)
            raise StopIteration
        return self._pieces.pop()

    def close(self) -> None:
        """Do nothing; Granian calls this."""
