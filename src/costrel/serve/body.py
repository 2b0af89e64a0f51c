"""The body of an ASGI request: received before the view runs, or while it reads."""

from __future__ import annotations

import asyncio
import io
import tempfile
import typing as t
from collections import deque
from contextlib import suppress
from contextvars import Context

from werkzeug.exceptions import ClientDisconnected, RequestTimeout

from ..dispatch.loop import run_on
from ..dispatch.threads import WorkerThreads
from ..ground.current import outside
from .scope import Message, Receive, Scope

R = t.TypeVar("R")

SPOOL_BYTES = 500_000
"""A longer body goes to a temporary file."""

AHEAD_BYTES = 65_536
"""What is received of a body that nobody reads, to notice that the client went away."""

PIECE_BYTES = 65_536
"""So much of a body must arrive within each ``BODY_TIMEOUT_S``, or what is left of it."""

TOO_LATE = "costrel.too_late"
"""The type of a message in place of the first one of a body that did not come in time."""

_ON_LOOP = (
    "The rest of the request's body was not received yet, and waiting for it here would block the"
    " event loop. Iterate over it: async for chunk in request.stream. (It is received before the"
    " view runs as far as MAX_CONTENT_LENGTH allows, unless the view is marked with @stream_body.)"
)


def announced_length(headers: dict[bytes, bytes]) -> int | None:
    """Return the length of the body that a request's headers announce, if they do."""
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or len(length) > 18 or b"transfer-encoding" in headers:
        return None
    return int(length)


class BodyTimeout(RequestTimeout):
    """Answer 408, and end the connection, on which the rest of the body might still come."""

    def get_headers(self, *args: t.Any, **kwargs: t.Any) -> list[tuple[str, str]]:
        """Return the headers, with the one that ends the connection (RFC 9110 §15.5.9)."""
        return [*super().get_headers(*args, **kwargs), ("Connection", "close")]


class FailedBody(io.RawIOBase):
    """Be the ``wsgi.input`` of a body that could not be received, or not be stored.

    Whoever reads it gets the error, so that the application's error handlers do.
    """

    def __init__(self, failure: Exception) -> None:
        #: The error, which for that reason is not taken for the client's going away.
        self.failure = failure

    def readable(self) -> bool:
        """Tell that it can be tried."""
        return True

    def readinto(self, _buffer: t.Any) -> t.NoReturn:
        """Raise the error."""
        raise self.failure


_files = WorkerThreads(4, "costrel-files")


async def _in_file_thread(function: t.Callable[..., R], *args: t.Any) -> R:
    """Call what reads or writes a file, in a thread that nothing but files can keep busy.

    INVARIANT: not in one of the loop's own executor, whose threads may wait for this body.
    """
    return await _files.run(function, *args, context=Context())


class RequestBody(io.RawIOBase):
    """Be the ``wsgi.input`` of an ASGI request whose body was not received as a whole.

    Sync code, in a worker thread, reads it as a file. Async code awaits `prepare`
    before it reads; ``async for chunk in request.stream`` does.
    """

    def __init__(self, receive: Receive, timeout_s: float | None = None) -> None:
        self._receive = receive
        self._timeout_s = timeout_s
        self._patience_s = timeout_s
        self._due = PIECE_BYTES
        self._loop = asyncio.get_running_loop()
        self._receiving = asyncio.Lock()
        self._has_room = asyncio.Event()
        # What is unread, in this order: a piece, a file, what was received since.
        self._head = b""
        self._file: t.IO[bytes] | None = None
        self._ahead: deque[bytes] = deque()
        self._ahead_bytes = 0
        #: Bytes received until now.
        self.received = 0
        #: Whether all of it was received.
        self.complete = False
        #: Whether the client went away.
        self.gone = False
        #: Whether what nobody has read until now may be thrown away.
        self.unwanted = False

    # Receiving

    async def receive_whole(self, limit: int | None) -> t.Any:
        """Receive all of it, or until it has more than `limit` bytes.

        Returns what to read it from: itself, or a plain file if it is complete; a
        `FailedBody` if it came too slowly or could not be stored. Raises
        `ClientDisconnected` if the client goes away before.
        """
        try:
            while not self.complete and (limit is None or self.received <= limit):
                await self._receive_in_time()
                if self._ahead_bytes > SPOOL_BYTES or (self._file is not None and self._ahead):
                    content = self._take_all()
                    await _in_file_thread(self._append_to_file, content)
        except (OSError, RequestTimeout) as error:
            self._take_all()
            self._drop_file()
            return FailedBody(error)
        if self._file is not None:
            self._file.seek(0)
            if not self.complete:
                return self
            # No longer this one's to close.
            file, self._file = self._file, None
            return file
        return io.BytesIO(self._take_all()) if self.complete else self

    async def _receive_in_time(self) -> None:
        """Receive a piece; `RequestTimeout` (408) where the client is too slow for that."""
        if self._patience_s is None:
            await self._receive_piece()
            return
        began = self._loop.time()
        await self._receive_piece(self._patience_s)
        if self.received < self._due:
            # Or a byte now and then would be enough.
            self._patience_s -= self._loop.time() - began
        else:
            self._patience_s = self._timeout_s
            self._due = self.received + PIECE_BYTES

    def _append_to_file(self, content: bytes) -> None:
        if self._file is None:
            self._file = t.cast("t.IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115  kept
        append(self._file, content)

    async def _receive_piece(self, timeout_s: float | None = None) -> None:
        message = await outside(in_time, self._receive, timeout_s)
        if message["type"] == TOO_LATE:
            raise BodyTimeout
        if message["type"] == "http.disconnect":
            self.gone = True
            if not self.complete:
                raise ClientDisconnected
        elif not self.complete:
            piece: bytes = message.get("body", b"")
            if piece:
                self.received += len(piece)
                self._ahead_bytes += len(piece)
                self._ahead.append(piece)
            self.complete = not message.get("more_body", False)

    def _take_all(self) -> bytes:
        ahead = self._ahead
        content = ahead[0] if len(ahead) == 1 else b"".join(ahead)
        ahead.clear()
        self._ahead_bytes = 0
        return content

    async def until_gone(self) -> None:
        """Wait until the client went away; receives a little of the body ahead."""
        while not self.gone:
            if self.unwanted:
                self._take_all()
            if not self.complete and self._ahead_bytes >= AHEAD_BYTES:
                self._has_room.clear()
                await self._has_room.wait()
                continue
            async with self._receiving:
                try:
                    await self._receive_piece()
                except ClientDisconnected:
                    return

    # Reading

    async def prepare(self) -> None:
        """Have something to read without waiting, unless the body is at its end.

        Raises `ClientDisconnected` (400) when the client goes away.
        """
        while not self._head:
            if self._file is not None:
                self._head = await _in_file_thread(self._file.read, PIECE_BYTES)
                if not self._head:
                    self._drop_file()
            elif self._ahead:
                self._next_head()
            elif self.complete:
                return
            elif self.gone:
                raise ClientDisconnected
            else:
                async with self._receiving:
                    # What looks after the client may have received it meanwhile.
                    if not (self._ahead or self.complete or self.gone):
                        await self._receive_in_time()

    def _next_head(self) -> None:
        self._head = self._ahead.popleft()
        self._ahead_bytes -= len(self._head)
        self._has_room.set()

    def _drop_file(self) -> None:
        if self._file is not None:
            # On a full disk what was not written yet is not written now.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Fill a buffer, and wait for it in a worker thread; less only at the end.

        On the event loop, with as much as is there: 0 at the end, and `RuntimeError`
        where nothing is.
        """
        on_loop = asyncio._get_running_loop() is self._loop
        filled = 0
        while filled < len(buffer):
            if not self._head:
                if not on_loop:
                    run_on(self._loop, self.prepare)
                else:
                    self._prepare_at_once(must=not filled)
                if not self._head:
                    break
            piece = self._head[: len(buffer) - filled]
            self._head = self._head[len(piece) :]
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled

    def _prepare_at_once(self, *, must: bool) -> None:
        if self._file is not None:
            self._head = self._file.read(PIECE_BYTES)
            if not self._head:
                self._drop_file()
        if not self._head and self._ahead:
            self._next_head()
        if must and not self._head and not self.complete:
            raise RuntimeError(_ON_LOOP)

    def close(self) -> None:
        """Delete the temporary file, if there is one."""
        self._drop_file()
        super().close()


def append(file: t.IO[bytes], content: bytes) -> None:
    """Write to a file; a full disk is noticed here, and not where it is read."""
    file.write(content)
    file.flush()


async def in_time(receive: Receive, timeout_s: float | None) -> Message:
    """Receive a message; `BodyTimeout` where none comes in time."""
    if timeout_s is None:
        return await receive()
    try:
        async with asyncio.timeout(timeout_s):
            return await receive()
    except TimeoutError:
        raise BodyTimeout from None


async def receive_body(body: RequestBody, limit: int | None, headers: dict[bytes, bytes]) -> t.Any:
    """Receive a body as far as it may be long; returns what to read it from."""
    announced = announced_length(headers)
    if limit is not None and announced is not None and announced > limit:
        # Refused where the view asks for it, and not received at all.
        return body
    return await body.receive_whole(limit)


def announces_body(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Tell whether there may be a body: only HTTP/1 always says so."""
    return (
        b"content-length" in headers
        or b"transfer-encoding" in headers
        or scope.get("http_version", "1.1") not in {"1.1", "1.0"}
    )
