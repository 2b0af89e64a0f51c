"""The body of an ASGI request, received before the view runs or while the view reads it."""

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
from .scope import Receive, Scope

R = t.TypeVar("R")

SPOOL_BYTES = 500_000
"""A longer body goes to a temporary file (bytes)."""

AHEAD_BYTES = 65_536
"""How much of an unread body is received ahead, to notice a disconnect (bytes)."""

PIECE_BYTES = 65_536
"""How many bytes of a body, or all that are left, must arrive within each ``BODY_TIMEOUT_S``."""

TOO_LATE = "costrel.too_late"
"""The type of the message that stands for a body whose first message came too late."""

_ON_LOOP = (
    "The rest of the request's body has not been received yet, and waiting for it here would block"
    " the event loop. Iterate over it instead: async for chunk in request.stream. (A body of up to"
    " MAX_CONTENT_LENGTH bytes is received before the view runs, unless the view is marked with"
    " @stream_body.)"
)


def announced_length(headers: dict[bytes, bytes]) -> int | None:
    """Return the body's length as announced in the headers; None if they announce none."""
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or len(length) > 18 or b"transfer-encoding" in headers:
        return None
    return int(length)


class BodyTimeout(RequestTimeout):
    """Answer 408 and close the connection, since the rest of the body might still arrive on it."""

    def get_headers(self, *args: t.Any, **kwargs: t.Any) -> list[tuple[str, str]]:
        """Return the headers, including the one that closes the connection (RFC 9110 §15.5.9)."""
        return [*super().get_headers(*args, **kwargs), ("Connection", "close")]


class FailedBody(io.RawIOBase):
    """The ``wsgi.input`` for a body that could not be received or stored.

    Reading it raises the error, so that the application's error handlers see it.
    """

    def __init__(self, failure: Exception) -> None:
        #: The error. Because it is kept here, it is not mistaken for a client disconnect.
        self.failure = failure

    def readable(self) -> bool:
        """Return True: reading may be tried."""
        return True

    def readinto(self, _buffer: t.Any) -> t.NoReturn:
        """Raise the error."""
        raise self.failure


_files = WorkerThreads(4, "costrel-files")


async def _in_file_thread(function: t.Callable[..., R], *args: t.Any) -> R:
    """Call a function that reads or writes a file, in a thread that is used only for files.

    INVARIANT: not in the loop's own executor, since its threads may be waiting for this body.
    """
    return await _files.run(function, *args, context=Context())


class RequestBody(io.RawIOBase):
    """The ``wsgi.input`` of an ASGI request whose body has not been received completely.

    Sync code, in a worker thread, reads it as a file. Async code must await `prepare`
    before it reads; ``async for chunk in request.stream`` does so.
    """

    def __init__(
        self, receive: Receive, timeout_s: float | None = None, announced: int | None = None
    ) -> None:
        self._receive = receive
        #: How many bytes there will be; None if the headers do not say.
        self._announced = announced
        self._timeout_s = timeout_s
        self._patience_s = timeout_s
        self._due = PIECE_BYTES
        self._loop = asyncio.get_running_loop()
        self._receiving = asyncio.Lock()
        self._has_room = asyncio.Event()
        # The unread data, in this order: a piece, a file, and what was received since.
        self._head = b""
        self._file: t.IO[bytes] | None = None
        self._ahead: deque[bytes] = deque()
        self._ahead_bytes = 0
        #: Number of bytes received so far.
        self.received = 0
        #: Whether the whole body was received.
        self.complete = False
        #: Whether the client disconnected.
        self.gone = False
        #: Whether unread data may be thrown away.
        self.unwanted = False

    # Receiving

    async def receive_whole(self, limit: int | None) -> t.Any:
        """Receive the whole body, but stop once it is longer than `limit` bytes.

        Returns the object to read it from: a plain file if the body is complete, a
        `FailedBody` if it came too slowly or could not be stored, otherwise this object.
        Raises `ClientDisconnected` if the client disconnects first.
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
            # From here on the caller closes the file.
            file, self._file = self._file, None
            return file
        return io.BytesIO(self._take_all()) if self.complete else self

    async def _receive_in_time(self) -> None:
        """Receive a piece; raises `RequestTimeout` (408) if the client is too slow."""
        if self._patience_s is None:
            await self._receive_piece()
            return
        began = self._loop.time()
        await self._receive_piece(self._patience_s)
        self._count_wait(began)

    def _count_wait(self, began: float) -> None:
        """Take the time since then from what the client has left for its next 64 KiB."""
        if self._patience_s is None:
            return
        if self.received < self._due:
            # Otherwise a client could send a byte now and then forever.
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
            # COMPAT(Granian): it says that there is more, and then sends an empty message.
            self.complete = not message.get("more_body") or self.received == self._announced

    def _take_all(self) -> bytes:
        ahead = self._ahead
        content = ahead[0] if len(ahead) == 1 else b"".join(ahead)
        ahead.clear()
        self._ahead_bytes = 0
        return content

    async def until_gone(self) -> None:
        """Wait until the client disconnects; receives a little of the body ahead."""
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
        """Wait until there is data to read, or the body has ended.

        Raises `ClientDisconnected` (400) if the client disconnects.
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
                await self._receive_next()

    async def _receive_next(self) -> None:
        """Receive a piece, or wait until `until_gone` has received one; in time, either way."""
        began = self._loop.time()
        # INVARIANT: outside, because asyncio keeps a timer that was cancelled, with its context,
        # until it would have been due.
        await outside(in_time, self._receiving.acquire, self._patience_s)
        try:
            self._count_wait(began)
            if not (self._ahead or self.complete or self.gone):
                await self._receive_in_time()
        finally:
            self._receiving.release()

    def _next_head(self) -> None:
        self._head = self._ahead.popleft()
        self._ahead_bytes -= len(self._head)
        self._has_room.set()

    def _drop_file(self) -> None:
        if self._file is not None:
            # On a full disk, closing fails to write what is still buffered.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Read into a buffer, and return the number of bytes read.

        In a worker thread this waits until the buffer is full or the body ends. On the event
        loop it reads what has been received already: 0 at the end of the body, and
        `RuntimeError` if more is to come but nothing is there yet.
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
    """Write to a file and flush it, so that a full disk raises here and not on reading."""
    file.write(content)
    file.flush()


async def in_time(step: t.Callable[[], t.Awaitable[R]], timeout_s: float | None) -> R:
    """Await one step of receiving; raises `BodyTimeout` if it takes longer."""
    if timeout_s is None:
        return await step()
    try:
        async with asyncio.timeout(timeout_s):
            return await step()
    except TimeoutError:
        raise BodyTimeout from None


async def receive_body(body: RequestBody, limit: int | None, headers: dict[bytes, bytes]) -> t.Any:
    """Receive a body, up to the limit; returns the object to read it from."""
    announced = announced_length(headers)
    if limit is not None and announced is not None and announced > limit:
        # Refused when the view reads it, and not received at all.
        return body
    return await body.receive_whole(limit)


def announces_body(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether there may be a body: only in HTTP/1 do the headers always say so."""
    return (
        b"content-length" in headers
        or b"transfer-encoding" in headers
        or scope.get("http_version", "1.1") not in {"1.1", "1.0"}
    )
