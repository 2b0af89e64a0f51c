"""Step 7, send, under ASGI: turn a response into the messages of one HTTP exchange."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from contextvars import Context, copy_context

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import FileWrapper

from ..dispatch.coerce import StreamedAnswer
from ..dispatch.streams import AsyncContextStream
from ..dispatch.threads import hop_for, workers_of
from ..ground.current import outside
from ..ground.shortways import SHORT_WAYS, is_open_for
from ..wrappers import Response
from ..wrappers.response import EncodedPieces
from .afterbody import FILE_PIECE_BYTES, AfterBody
from .checked import checked
from .clientfaults import note_refusal
from .scope import Send
from .wsgi import Body

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..dispatch.coerce import PlainAnswer
    from ..registration.application import App

Fields = list[tuple[bytes, bytes]]

SLICE_S = 0.005
"""How long a body that never pauses may hold the event loop at a time (seconds)."""


class ClientLeft(Exception):  # noqa: N818  not a fault
    """Raised if the server can't send because the client has disconnected."""


class Answer(t.NamedTuple):
    """A response: its head, the beginning of its body, and the source of the rest."""

    status: int
    fields: Fields
    beginning: bytes
    rest: t.Iterator[bytes] | AsyncIterator[t.Any] | None = None
    close: t.Callable[[], object] | None = None
    """What to call, once and in a worker thread, after the response was sent or could not be."""
    context: Context | None = None
    """The context that the rest is made in; None for the sender's own."""


def answer(app: t.Any, environ: WSGIEnvironment) -> Answer:
    """Call a WSGI application up to the first piece of its body; runs in a worker thread."""
    started: list[t.Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: t.Any, exc_info: t.Any = None) -> t.Any:
        if exc_info is not None:
            started.clear()
        started.append((status, headers))
        return written.append

    pieces, close = _left_open(app(environ, start_response))
    rest: t.Iterator[bytes] | AsyncContextStream | None = None
    try:
        if (stream := _async_stream(pieces, environ)) is not None:
            rest, beginning = stream, b""
        elif type(pieces) is list and started:
            beginning = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        else:
            if isinstance(pieces, FileWrapper):
                # Otherwise 8 KiB at a time, each with a trip to a thread and back.
                pieces.buffer_size = max(pieces.buffer_size, FILE_PIECE_BYTES)
            rest = iter(pieces)
            beginning = next(rest, b"")
            length = "Content-Length", str(len(beginning))
            if type(pieces) is FileWrapper and started and length in started[-1][1]:
                # A small file, complete already: no further hop to close it.
                pieces.close()
                rest = close = None
        if not started:
            raise RuntimeError("The WSGI application did not call start_response.")  # noqa: TRY301
    except BaseException:
        if close is not None:
            close()
        raise
    status, headers = started[-1]
    return Answer(int(status[:3]), _encode(headers), b"".join((*written, beginning)), rest, close)


def _left_open(pieces: t.Any) -> tuple[t.Any, t.Any]:
    """Return what a WSGI application has returned, and what to call at the end, if anything."""
    close = getattr(pieces, "close", None)
    return pieces.left_open() if type(pieces) is AfterBody else pieces, close


def _async_stream(pieces: t.Any, environ: WSGIEnvironment) -> AsyncContextStream | None:
    """Return a response's stream if it may be produced on the event loop, not in a thread.

    If middleware wrapped the body, the middleware has to see each piece, in a thread.
    """
    if type(pieces) is not Body:
        return None
    response = pieces.response
    if (
        _sends_by_parts(response)
        and not _has_no_body(response.status_code, environ)
        and type(response.response) is AsyncContextStream
        and is_open_for("_may_not_encode", response)
    ):
        return response.response
    return None


def _has_no_body(status: int, environ: WSGIEnvironment) -> bool:
    return environ["REQUEST_METHOD"] == "HEAD" or status in {204, 304} or 100 <= status < 200


async def answer_in_thread(app: App, environ: WSGIEnvironment) -> Answer:
    """Call an application as a WSGI server would, in one hop to a worker thread."""
    # Not with `hop`: context variables that the request sets must not leak out of it.
    context = copy_context()
    made: list[Answer] = []
    engine = app._engine
    wsgi = checked(app) if engine is None or engine.wrapped else app

    def make() -> None:
        made.append(answer(wsgi, environ))

    try:
        await workers_of(app).run(make, context=context)
    except asyncio.CancelledError:
        # The response was made, but will not be sent.
        for abandoned in made:
            if abandoned.close is not None:
                await workers_of(app).run(abandoned.close, context=context)
        raise
    return rest_in(app, made.pop(), context)


def rest_in(app: App, finished: Answer, context: Context) -> Answer:
    """Let the rest of an answer be made, and closed, in the context of its beginning."""
    rest: t.Any = finished.rest
    if isinstance(rest, AsyncContextStream):
        rest = rest.on_loop(app, context)
    return finished._replace(rest=rest, context=context)


def _encode(headers: t.Iterable[tuple[str, str]]) -> Fields:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def send_answer(app: App, answer: Answer, send: Send) -> None:
    """Send an answer, producing its body piece by piece.

    The next piece is requested once the server has taken the one before. So a slow client
    makes the application wait, and memory use does not grow. Raises `ClientLeft` if the
    server says that the client has disconnected.
    """
    status, fields, piece, rest, _close, context = answer
    try:
        await _send(send, {"type": "http.response.start", "status": status, "headers": fields})
        if rest is None:
            await _send(send, {"type": "http.response.body", "body": piece})
            return
        if piece:
            await _send(send, _more(piece))
        if isinstance(rest, AsyncIterator):
            now = asyncio.get_running_loop().time
            due = now() + SLICE_S
            async for item in rest:
                data = item.encode() if isinstance(item, str) else item
                if data:
                    await _send(send, _more(data))
                if now() > due:
                    # It may be that neither the generator nor `send` ever pauses: `send` does not
                    # once the client has left. Let other tasks run, one of which notices that.
                    await asyncio.sleep(0)
                    due = now() + SLICE_S
        else:
            while True:
                following: t.Any = (
                    await hop_for(app, next, rest, _END)
                    if context is None
                    else await workers_of(app).run(next, rest, _END, context=context)
                )
                if following is _END:
                    break
                if following:
                    await _send(send, _more(following))
        await _send(send, {"type": "http.response.body", "body": b""})
    finally:
        await close_answer(app, answer)


async def close_answer(app: App, answer: Answer) -> None:
    """Close the source of the body, whether it was sent or not."""
    _status, _fields, _beginning, rest, close, context = answer
    try:
        aclose = getattr(rest, "aclose", None)
        if aclose is not None:
            await aclose()
    finally:
        if close is not None:
            if context is None:
                await hop_for(app, close)
            else:
                await workers_of(app).run(close, context=context)


_END: t.Any = object()


async def _send(send: Send, message: dict[str, t.Any]) -> None:
    try:
        await send(message)
    except OSError as error:
        # SPEC(ASGI HTTP): how a server reports a disconnect. Converted, since a body's
        # generator may raise an OSError of its own.
        raise ClientLeft from error


def _more(piece: bytes) -> dict[str, t.Any]:
    return {"type": "http.response.body", "body": piece, "more_body": True}


def as_denial(send: Send) -> Send:
    """Return a `send` that turns a response into the rejection of a WebSocket's handshake."""

    async def send_denial(message: t.MutableMapping[str, t.Any]) -> None:
        await outside(send, {**message, "type": f"websocket.{message['type']}"})
        note_refusal()

    return send_denial


def answer_plainly(plain: PlainAnswer, *, head: bool) -> Answer:
    """Make an answer from a complete body and its head."""
    return Answer(int(plain.status[:3]), _encode(plain.headers), b"" if head else plain.content)


async def refuse(send: Send, error: HTTPException) -> None:
    """Answer a request whose body ended early.

    Most servers report a disconnect and send nothing more. Granian also reports one for a
    malformed body, and sends 500 if it gets no answer.
    """
    fields = _encode([*error.get_headers(), ("Connection", "close")])
    content = error.get_body().encode()
    with suppress(OSError):
        await send(
            {"type": "http.response.start", "status": error.code, "headers": fields},
        )
        await send({"type": "http.response.body", "body": content})


async def make_answer(app: App, response: t.Any, environ: WSGIEnvironment) -> Answer:
    """Make an answer from a response of the application's class, or any WSGI application."""
    if type(response) is StreamedAnswer:
        return _answer_in_pieces(response, head=environ["REQUEST_METHOD"] == "HEAD")
    if not _sends_by_parts(response):
        # COMPAT(flask-sock): its response class overrides how it is sent.
        return await hop_for(app, answer, checked(response), environ)
    body: t.Any = response.response
    closes = not is_open_for("_may_not_close", response)
    fields = _encode(response.get_wsgi_headers(environ))
    status = response.status_code
    close: t.Any = (
        response.close if response._on_close or hasattr(body, "close") or closes else None
    )
    if _has_no_body(status, environ):
        return Answer(status, fields, b"", None, close)
    if type(body) in (list, tuple) and not response.direct_passthrough:
        return Answer(status, fields, b"".join(response.iter_encoded()), None, close)
    if isinstance(body, AsyncIterable) and is_open_for("_may_not_encode", response):
        if close is not None and not response._on_close and not closes:
            close = None  # it would close the generator, which is closed on the loop
        return Answer(status, fields, b"", aiter(body), close)
    pieces: t.Any = response.get_app_iter(environ)
    if isinstance(pieces, FileWrapper):
        pieces.buffer_size = max(pieces.buffer_size, FILE_PIECE_BYTES)
    return Answer(status, fields, b"", iter(pieces), getattr(pieces, "close", None))


def _answer_in_pieces(streamed: StreamedAnswer, *, head: bool) -> Answer:
    rest = None if head else iter(EncodedPieces(streamed.response))
    fields = _encode(streamed.headers)
    return Answer(int(streamed.status[:3]), fields, b"", rest, streamed.close)


def _sends_by_parts(response: t.Any) -> bool:
    """Whether a response is sent the way Werkzeug's own are."""
    if isinstance(response, Response):
        return response._may_send_parts and _PARTS.isdisjoint(response._attributes_so_far)
    return isinstance(response, BaseResponse) and is_open_for("_may_send_others", response)


_PARTS = frozenset(SHORT_WAYS["_may_send_parts"][1].split())


async def send_response(app: App, response: t.Any, environ: WSGIEnvironment, send: Send) -> None:
    """Send a response of the application's class, or any other WSGI application."""
    await send_answer(app, await make_answer(app, response, environ), send)
