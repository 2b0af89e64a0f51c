"""Reading responses while they are sent: `StreamedResponse` and `EventReader`."""

from __future__ import annotations

import codecs
import typing as t

from ...json.depth import read_plainly

if t.TYPE_CHECKING:
    from werkzeug.datastructures import Headers
    from werkzeug.wrappers import Request as BaseRequest

    from .exchange import Exchange


class StreamedResponse:
    """A response whose body can be read while it is sent; iterating over it yields chunks.

    Attributes:
        status_code: The status.
        headers: The headers.
        request: The request.
    """

    def __init__(self, exchange: Exchange, request: BaseRequest) -> None:
        self._exchange = exchange
        self.status_code: int = exchange.status
        self.headers: Headers = exchange.headers
        self.request = request

    def __aiter__(self) -> t.AsyncIterator[bytes]:
        return aiter(self._exchange)

    async def read(self) -> bytes:
        """Read the rest of the body."""
        return b"".join([piece async for piece in self._exchange])

    async def lines(self) -> t.AsyncIterator[str]:
        r"""Yield the body's lines without ``\n``, each as soon as it is complete."""
        decode = codecs.getincrementaldecoder("utf-8")().decode
        rest = ""
        async for piece in self._exchange:
            *whole, rest = (rest + decode(piece)).split("\n")
            for line in whole:
                yield line
        rest += decode(b"", final=True)
        if rest:
            yield rest


class ReceivedEvent(t.NamedTuple):
    """One server-sent event, as a browser dispatches it.

    Attributes:
        data: The data, as text.
        event: The name of the event.
        id: The last id in the stream; empty if there was none.
    """

    data: str
    event: str = "message"
    id: str = ""

    @property
    def json(self) -> t.Any:
        """The data, parsed as JSON."""
        return read_plainly(self.data)


class EventReader:
    """Iterates over the events of a response as they arrive (WHATWG HTML §9.2.6).

    Attributes:
        response: The response.
        retry_ms: Time that the client should wait before it reconnects, in
            milliseconds; None until the application sends it.
        last_event_id: The value that a client would send as ``Last-Event-ID``.
        comments: The comments received so far, such as keep-alive comments.
    """

    def __init__(self, response: StreamedResponse) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.status_code != 200 or kind != "text/event-stream":
            raise RuntimeError(
                f"The response is not an event stream, but {response.status_code} with"
                f" {kind or 'no content type'}. To stream other responses, use"
                " client.stream()."
            )
        self.response = response
        self.retry_ms: int | None = None
        self.last_event_id = ""
        self.comments: list[str] = []
        self._events = self._read()

    def __aiter__(self) -> t.AsyncIterator[ReceivedEvent]:
        return self._events

    async def receive(self) -> ReceivedEvent:
        """Wait for the next event; raises `EOFError` when the stream has ended."""
        async for event in self._events:
            return event
        raise EOFError("The event stream has ended.")

    async def _read(self) -> t.AsyncIterator[ReceivedEvent]:
        data: list[str] = []
        name = ""
        async for line in self.response.lines():
            field, _colon, value = line.rstrip("\r").partition(":")
            value = value.removeprefix(" ")
            if not line.rstrip("\r"):
                if data:
                    yield ReceivedEvent("\n".join(data), name or "message", self.last_event_id)
                data, name = [], ""
            elif not field:
                self.comments.append(value)
            elif field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif field == "id" and "\0" not in value:
                self.last_event_id = value
            elif field == "retry" and value.isascii() and value.isdigit():
                self.retry_ms = int(value)
