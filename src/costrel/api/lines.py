"""JSON lines: what an iterator yields, each on a line of its own."""

from __future__ import annotations

import typing as t
from collections.abc import AsyncIterator, Iterator

from ..ground.convertible import Convertible
from ..ground.current import current_app
from .negotiation import JSON

if t.TYPE_CHECKING:
    from .negotiation import Format

LINES_TYPE = "application/jsonl"


class Encoder(t.Protocol):
    """What encodes the items, with what is declared of them."""

    def encode(self, value: t.Any, format_: Format) -> tuple[t.Any, bytes]:
        """Return a copy of an item, and the copy encoded; raises `TypeError` for a misfit."""
        ...


class Responder(t.Protocol):
    """What answers with values that are no iterators."""

    def respond(self, value: t.Any, status: t.Any, headers: t.Any = None) -> t.Any:
        """Return the response for a value."""


class Lines:
    """Make the responses of iterators, sync or async.

    Each item is encoded when the server asks for it. One that does not fit ends the response, and
    the server logs the error.

    Args:
        items: Encodes an item.
        otherwise: What answers with another value; None if there may be none.
        view: What error messages call the view.
    """

    __slots__ = ("_encode", "_otherwise", "_view")

    def __init__(self, items: Encoder, otherwise: Responder | None, view: str) -> None:
        self._encode = items.encode
        self._otherwise = otherwise
        self._view = view

    def respond(self, value: t.Any, status: t.Any, headers: t.Any = None) -> t.Any:
        """Return what Flask streams, with status and headers.

        Raises `TypeError` (500) for a value that is no iterator.
        """
        body: t.Any = value
        if isinstance(value, Convertible):
            # Of `stream_with_context`: it knows where an async iterator has to run.
            value.convert(self._later)
        elif isinstance(value, AsyncIterator):
            body = self._later(value)
        elif isinstance(value, Iterator):
            # The view's code runs while it is sent, and has the request as any view has.
            body = current_app._stream_in_context(self._now(value))
        elif self._otherwise is not None:
            return self._otherwise.respond(value, status, headers)
        else:
            raise TypeError(
                f"{self._view} returned {type(value).__name__}, but its return annotation says an"
                " iterator."
            )
        fields = _pairs(headers)
        if all(name.lower() != "content-type" for name, _value in fields):
            fields.append(("Content-Type", LINES_TYPE))
        return body, status, fields

    def _line(self, item: t.Any) -> bytes:
        return self._encode(item, JSON)[1] + b"\n"

    def _now(self, items: Iterator[t.Any]) -> Iterator[bytes]:
        try:
            for item in items:
                yield self._line(item)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    async def _later(self, items: AsyncIterator[t.Any]) -> AsyncIterator[bytes]:
        try:
            async for item in items:
                yield self._line(item)
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()


def _pairs(headers: t.Any) -> list[tuple[str, t.Any]]:
    """Return header fields as pairs."""
    if headers is None:
        return []
    return list(headers.items() if hasattr(headers, "items") else headers)
