"""Debug an application over ASGI: show its errors in the browser and in the terminal."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import traceback
import typing as t
from contextvars import ContextVar

from werkzeug.exceptions import InternalServerError
from werkzeug.wrappers import Response

from ..ground.current import context
from ..serve.clientfaults import note_refusal
from ..serve.lifespan import ERROR
from ..serve.scope import Message, Receive, Scope, Send, make_environ
from ..signals import got_request_exception
from ..websockets import MAX_REASON_BYTES, SERVER_ERROR
from .debugger import Debugger, Within, first_error, fold, print_error

if t.TYPE_CHECKING:
    from ..ctx import AppContext

_failures: ContextVar[list[tuple[BaseException, AppContext]]] = ContextVar("costrel.failures")
"""The errors of the current request or WebSocket, with the context that each occurred in."""


class BrokenOffError(Exception):
    """Raised in the middle of a response, so that the server ends the connection."""


def _is_unknown(record: logging.LogRecord) -> bool:
    """Return whether a server logs something that the terminal does not show already."""
    error = record.exc_info[1] if record.exc_info else None
    # Granian's message has the traceback in it.
    return not isinstance(error, BrokenOffError) and "BrokenOffError" not in record.getMessage()


class DebuggedASGI:
    """ASGI middleware: a page for the error of a request, a reason for that of a WebSocket.

    Without a debugger, the page says nothing about the error. If `defers` is true, an error
    at startup does not end the server but is shown by every request.
    """

    def __init__(self, asgi: t.Any, debugger: Debugger | None, *, defers: bool) -> None:
        self.asgi = asgi
        self._debugger = debugger
        self._defers = defers
        got_request_exception.connect(_note_failure)
        for server in ("uvicorn.error", "_granian.utils"):
            logging.getLogger(server).addFilter(_is_unknown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        _failures.set([])
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        elif self._debugger is not None and _is_for_debugger(scope):
            environ = make_environ(scope, io.BytesIO())
            # In a thread: it evaluates the user's code, and makes wrong PINs wait.
            response = await asyncio.to_thread(Response.from_app, self._debugger, environ, True)
            await _send(send, response)
        else:
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.asgi(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001  shown instead
            fold(error)
            if started:
                print_error(error, f" * The response to {scope['path']!r} broke off:\n")
                raise BrokenOffError from None
            environ = make_environ(scope, io.BytesIO())
            if self._debugger is None:
                response = InternalServerError().get_response(environ)
            else:
                contexts = [Within(ctx) for failed, ctx in _failures.get() if failed is error]
                response = self._debugger.show(error, environ, contexts)
            print_error(error)
            await _send(send, response)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = scope.get("extensions") or {}
        accepted = ended = False

        async def send_explaining(message: Message) -> None:
            nonlocal accepted, ended
            kind = message["type"]
            accepted = accepted or kind == "websocket.accept"
            ended = ended or kind not in {"websocket.accept", "websocket.send"}
            failures = _failures.get()
            if kind == "websocket.close" and message.get("code") == SERVER_ERROR and failures:
                message = {**message, "reason": message.get("reason") or _brief(failures[-1][0])}
            await send(message)

        try:
            await self.asgi(scope, receive, send_explaining)
        except Exception as error:  # noqa: BLE001  shown instead of raised
            outcome = "closed with 1011" if accepted else "refused with 500"
            print_error(error, f" * The WebSocket {scope['path']!r} was {outcome}:\n")
            if ended:
                return
            if accepted or "websocket.http.response" not in extensions:
                reason = _brief(error)
                await send({"type": "websocket.close", "code": SERVER_ERROR, "reason": reason})
                return

            async def send_denial(message: Message) -> None:
                await send({**message, "type": f"websocket.{message['type']}"})

            note_refusal()
            text = f"{_brief(error)}\n"
            await _send(send_denial, Response(text, status=500, mimetype="text/plain"))

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: Exception | None = None

        async def send_deferring(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed" and self._defers:
                failure = message.get(ERROR) or RuntimeError(message.get("message"))
                message = {"type": "lifespan.startup.complete"}
            await send(message)

        await self.asgi(scope, receive, send_deferring)
        if failure is not None:
            self.asgi = Failing(failure)
            await self.asgi(scope, receive, send)


class Failing:
    """An ASGI and WSGI application that fails with the same error every time."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._traceback = error.__traceback__

    def __call__(self, scope: t.Any, receive: t.Any, send: t.Any = None) -> t.Any:
        """Raise the error; over ASGI, start and stop without one."""
        if send is None:
            raise self._error.with_traceback(self._traceback)
        return self._fail(scope, receive, send)

    async def _fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            raise self._error.with_traceback(self._traceback)
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


def _note_failure(_app: t.Any, exception: BaseException, **_extra: t.Any) -> None:
    failures = _failures.get(None)
    ctx = context.get(None)
    if failures is not None and ctx is not None:
        failures.append((exception, ctx))


def _is_for_debugger(scope: Scope) -> bool:
    return b"__debugger__=yes" in scope["query_string"] or scope["path"] == "/console"


def _brief(error: BaseException) -> str:
    """Return what went wrong and where, cut to what fits into a close frame."""
    error = first_error(error)
    where = ""
    frames = traceback.extract_tb(fold(error).__traceback__)
    if frames:
        where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})"
    where = f"{where}, see the terminal"
    what = f"{type(error).__name__}: {error}".encode(errors="replace")
    limit = MAX_REASON_BYTES - len(where.encode())
    return what[:limit].decode(errors="ignore") + where


async def _send(send: Send, response: Response) -> None:
    fields = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in response.headers]
    status = response.status_code
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": response.get_data()})
