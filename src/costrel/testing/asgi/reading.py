"""What a client reads while it is sent: `StreamedResponse`, `EventReader`."""

from __future__ import annotations

import codecs
import typing as t

from ...json.depth import read_plainly

if t.TYPE_CHECKING:
    from werkzeug.datastructures import Headers
    from werkzeug.wrappers import Request as BaseRequest

    from .exchange import Exchange


class StreamedResponse:
    """A response whose body is read while it is sent, by iterating over its pieces.

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
        """Read what is left of the body."""
        return b"".join([piece async for piece in self._exchange])

    async def lines(self) -> t.AsyncIterator[str]:
        r"""Yield the body's lines, without ``\n``, as soon as each is whole."""
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
        data: Its text.
        event: Its name.
        id: The last id that the stream gave, empty if none.
    """

    data: str
    event: str = "message"
    id: str = ""

    @property
    def json(self) -> t.Any:
        """Read the data as JSON."""
        return read_plainly(self.data)


class EventReader:
    """Iterate over the events of a response as they come (WHATWG HTML §9.2.6).

    Attributes:
        response: The response.
        retry_ms: How long the application wants the client to wait before it comes
            again, in milliseconds; None until it says so.
        last_event_id: What the client would send as ``Last-Event-ID``.
        comments: The comments until now, such as those that keep the connection open.
    """

    def __init__(self, response: StreamedResponse) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.status_code != 200 or kind != "text/event-stream":
            raise RuntimeError(
                f"The response is no stream of events, but {response.status_code} with"
                f" {kind or 'no content type'}. To read another response as it comes, use"
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
        """Wait for the next event; raises `EOFError` at the end of the stream."""
        async for event in self._events:
            return event
        raise EOFError("The stream of events ended.")

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
