"""Step 7, send, under ASGI: a response to the messages of one HTTP exchange."""

from __future__ import annotations

import typing as t
from collections.abc import AsyncIterable

from werkzeug.wrappers import Response as BaseResponse

from ..dispatch.asynchronous import hop_for
from .scope import Send

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..application import App

Fields = list[tuple[bytes, bytes]]


class Answer(t.NamedTuple):
    """What a WSGI application answered: all of it, or its beginning and the rest."""

    status: int
    fields: Fields
    beginning: bytes
    rest: t.Iterator[bytes] | None
    close: t.Callable[[], object] | None


def answer(app: t.Any, environ: WSGIEnvironment) -> Answer:
    """Call a WSGI application, in a worker thread, as far as its first piece of the body."""
    started: list[t.Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: t.Any, exc_info: t.Any = None) -> t.Any:
        if exc_info is not None:
            started.clear()
        started.append((status, headers))
        return written.append

    pieces = app(environ, start_response)
    rest: t.Iterator[bytes] | None = None
    close = getattr(pieces, "close", None)
    try:
        if type(pieces) is list:
            beginning = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        else:
            rest = iter(pieces)
            beginning = next(rest, b"")
            while not started:
                beginning += next(rest)
    except BaseException:
        if close is not None:
            close()
        raise
    status, headers = started[-1]
    return Answer(int(status[:3]), _encode(headers), b"".join((*written, beginning)), rest, close)


def _encode(headers: t.Iterable[tuple[str, str]]) -> Fields:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def send_answer(app: App, answer: Answer, send: Send) -> None:
    """Send what a WSGI application answered, each further piece from a worker thread.

    The next piece is asked for when the server has taken the one before, so a slow
    client makes the application wait, and not the memory grow.
    """
    status, fields, piece, rest, close = answer
    try:
        await _start(send, status, fields)
        if rest is None:
            await _body(send, piece, more=False)
            return
        while True:
            if piece:
                await _body(send, piece, more=True)
            following = await hop_for(app, next, rest, _END)
            if following is _END:
                break
            piece = t.cast(bytes, following)
        await _body(send, b"", more=False)
    finally:
        if close is not None:
            await hop_for(app, close)


_END: t.Any = object()


async def send_plain(send: Send, content: bytes, content_type: str, *, head: bool) -> None:
    """Send a body of the common kind: 200, its type and its length."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", content_type.encode("latin-1")),
                (b"content-length", b"%d" % len(content)),
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else content})


async def send_response(app: App, response: t.Any, environ: WSGIEnvironment, send: Send) -> None:
    """Send a response of the application's class, or anything else that WSGI can call."""
    if (
        not isinstance(response, BaseResponse)
        or getattr(type(response).__call__, "__module__", "") not in _OWN_CALLS
    ):
        # COMPAT(flask-sock): a response class that answers in its own way.
        await send_answer(app, await hop_for(app, answer, response, environ), send)
        return
    body: t.Any = response.response
    fields = _encode(response.get_wsgi_headers(environ))
    status = response.status_code
    if environ["REQUEST_METHOD"] == "HEAD" or status in {204, 304} or 100 <= status < 200:
        await _send_pieces(app, response, (), status, fields, send)
    elif isinstance(body, AsyncIterable):
        await _send_async(response, body, status, fields, send)
    elif type(body) in (list, tuple):
        await _send_pieces(app, response, response.iter_encoded(), status, fields, send)
    else:
        pieces = response.get_app_iter(environ)
        close = getattr(pieces, "close", None)
        await send_answer(app, Answer(status, fields, b"", iter(pieces), close), send)


_OWN_CALLS = {"costrel.wrappers", "werkzeug.wrappers.response"}


async def _send_pieces(
    app: App,
    response: BaseResponse,
    pieces: t.Iterable[bytes],
    status: int,
    fields: Fields,
    send: Send,
) -> None:
    """Send a body that is in memory, at once."""
    try:
        await _start(send, status, fields)
        await _body(send, b"".join(pieces), more=False)
    finally:
        if response._on_close or hasattr(response.response, "close"):
            await hop_for(app, response.close)


async def _send_async(
    response: BaseResponse, body: AsyncIterable[t.Any], status: int, fields: Fields, send: Send
) -> None:
    """Send what an async generator yields, each piece when the server took the one before."""
    iterator = aiter(body)
    try:
        await _start(send, status, fields)
        async for piece in iterator:
            data = piece.encode() if isinstance(piece, str) else piece
            if data:
                await _body(send, data, more=True)
        await _body(send, b"", more=False)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
        for function in response._on_close:
            function()


async def _start(send: Send, status: int, fields: Fields) -> None:
    await send({"type": "http.response.start", "status": status, "headers": fields})


async def _body(send: Send, piece: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": more})
