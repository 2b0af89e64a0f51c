"""The body of an ASGI request: received before the view runs, or while it reads."""

from __future__ import annotations

import asyncio
import io
import tempfile
import typing as t

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from ..dispatch.loop import run_on, serving_loop
from .scope import Receive

SPOOL_BYTES = 500_000
"""A longer body goes to a temporary file."""

_PIECE_BYTES = 65_536

_ON_LOOP = (
    "The rest of the request's body was not received yet, and reading it here would block the"
    " event loop. Iterate over it: async for chunk in request.stream. (It is read before the view"
    " runs as far as MAX_CONTENT_LENGTH allows, unless the view is marked with @stream_body.)"
)


class RequestBody(io.RawIOBase):
    """Be the ``wsgi.input`` of an ASGI request.

    Async code iterates over it; sync code, in a worker thread, reads it as a file.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._file: t.IO[bytes] = io.BytesIO()
        self._on_disk = False
        #: Bytes received until now.
        self.received = 0
        #: Whether all of it was received.
        self.complete = False
        #: Whether the client went away before that.
        self.gone = False
        #: What iterating over it may yield in all, in bytes; None for no limit.
        self.limit: int | None = None

    # Receiving

    async def receive_whole(self, limit: int | None) -> None:
        """Receive all of it, or until it has more than `limit` bytes.

        Raises `ClientDisconnected` if the client goes away before.
        """
        while not self.complete and (limit is None or self.received <= limit):
            piece = await self._next_piece()
            if self.complete and not self.received - len(piece):
                # The usual body, in one piece.
                self._file = io.BytesIO(piece)
                return
            await self._keep(piece)
        self._file.seek(0)

    async def _next_piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone = True
            raise ClientDisconnected
        piece: bytes = message.get("body", b"")
        self.received += len(piece)
        self.complete = not message.get("more_body", False)
        return piece

    async def _keep(self, piece: bytes) -> None:
        if self._on_disk:
            await asyncio.to_thread(self._file.write, piece)
            return
        self._file.write(piece)
        if self.received > SPOOL_BYTES:
            memory = t.cast(io.BytesIO, self._file)
            self._file = await asyncio.to_thread(_to_disk, memory.getvalue())
            self._on_disk = True

    # Reading in async code

    async def __aiter__(self) -> t.AsyncIterator[bytes]:
        """Yield the body in pieces as they are received.

        Raises `RequestEntityTooLarge` (413) as soon as there is more than `limit`,
        and `ClientDisconnected` (400) when the client goes away.
        """
        while True:
            if self._on_disk:
                piece = await asyncio.to_thread(self._file.read, _PIECE_BYTES)
            else:
                piece = self._file.read(_PIECE_BYTES)
            if not piece:
                if self.complete:
                    return
                piece = await self._next_piece()
            if self.limit is not None and self.received > self.limit:
                raise RequestEntityTooLarge
            if piece:
                yield piece

    # Reading in sync code

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Fill a buffer as far as the next piece goes; 0 at the end."""
        data = self._file.read(len(buffer))
        while not data and not self.complete:
            if serving_loop() is not self._loop:
                raise RuntimeError(_ON_LOOP)
            data = run_on(self._loop, self._next_piece)
            if len(data) > len(buffer):
                self._file = io.BytesIO(data)
                data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Delete the temporary file, if there is one."""
        self._file.close()
        super().close()


def _to_disk(content: bytes) -> t.IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the body
    file.write(content)
    return t.cast("t.IO[bytes]", file)
