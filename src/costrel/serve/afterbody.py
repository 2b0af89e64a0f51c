"""A body after which the dependencies of its view are closed."""

from __future__ import annotations

import typing as t

from werkzeug.wsgi import FileWrapper

if t.TYPE_CHECKING:
    from ..ctx import RequestContext

FILE_PIECE_BYTES = 65_536
"""How much of a file is read at a time; Werkzeug's 8 KiB would take a thread each under ASGI."""


class AfterBody:
    """Iterate over a body; at its end, or when it is closed, close its view's dependencies.

    An error in making the body is raised in them. That a client has left is no error: the view
    has done its work. INVARIANT: they are closed once, also if the server drops the body.
    """

    def __init__(self, pieces: t.Iterable[bytes], ctx: RequestContext) -> None:
        if isinstance(pieces, FileWrapper):
            pieces.buffer_size = max(pieces.buffer_size, FILE_PIECE_BYTES)
        self._pieces = pieces
        self._opened = ctx.opened
        self._opened.is_sending = True
        self._following: t.Iterator[bytes] | None = None
        self._error: BaseException | None = None
        self._until_close = False
        self._closed = False

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        if self._following is None:
            self._following = iter(self._pieces)
        try:
            return next(self._following)
        except StopIteration:
            if not self._until_close:
                # The server has taken all of it. COMPAT(werkzeug.test): closes it much later.
                self.close()
            raise
        except BaseException as error:
            self._error = error
            if not self._until_close:
                self.close()
            raise

    def left_open(self) -> t.Iterable[bytes]:
        """Return the body for a caller that calls `close` once it has sent all of it."""
        self._until_close = True
        return self._pieces if type(self._pieces) is list else self

    def taken(self) -> t.Iterable[bytes]:
        """Return the body for a caller that has sent it when it has it, if it is complete."""
        if type(self._pieces) is not list:
            return self
        self.close()
        return self._pieces

    def close(self) -> None:
        """Close the body, then the dependencies."""
        if self._closed:
            return
        self._closed = True
        error, self._error = self._error, None
        try:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._opened.close(error)

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()
