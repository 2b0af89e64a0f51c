"""The way of a WebSocket under ASGI: match, hooks, view, close."""

from __future__ import annotations

import asyncio
import io
import typing as t
from contextlib import suppress
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden

from ..current import context
from ..dispatch import asynchronous
from ..dispatch.asynchronous import call, hop_for, send_signal
from ..dispatch.hooks import inside_out, outside_in, save_session
from ..signals import got_request_exception
from ..websocket import (
    BAD_DATA,
    NORMAL,
    SERVER_ERROR,
    WebSocket,
    WebSocketClosed,
    WebSocketDataError,
)
from .loopcontext import LoopContext
from .scope import Receive, Scope, Send, make_environ
from .sending import send_response
from .unwatched import look_after

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ..application import App


class SocketContext(LoopContext):
    """Make a WebSocket current: as ``websocket``, and as the request of its handshake."""

    request: WebSocket

    @property
    def websocket(self) -> WebSocket:
        """Give the WebSocket."""
        return self.request


async def converse(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one WebSocket, from its handshake to its end."""
    if (await receive())["type"] != "websocket.connect":
        return
    ctx = _enter(app, scope, receive, send)
    socket = ctx.request
    token = context.set(ctx)
    error: BaseException | None = None
    left = look_after(socket)
    try:
        try:
            response = await _run(app, ctx)
        except WebSocketClosed:
            response = None
        except WebSocketDataError as raised:
            error = raised
            await socket.close(BAD_DATA, "unexpected message")
            response = None
        except Exception as raised:
            error = raised
            await send_signal(app, got_request_exception, exception=raised)
            if not socket.accepted:
                response = await asynchronous.handle_exception(app, raised)
            else:
                app.log_exception((type(raised), raised, raised.__traceback__))
                await socket.close(SERVER_ERROR)
                response = None
        if socket.accepted:
            await socket.close(NORMAL)
        elif socket.close_code is None:
            await _reject(app, ctx, response, send)
    except asyncio.CancelledError as raised:
        error = raised
        if not left.client_left():
            with suppress(asyncio.CancelledError):
                await socket.close(1012, "the server stops")
            raise
    except BaseException as raised:
        error = raised
        raise
    finally:
        left.stop()
        try:
            await _tear_down(app, ctx, error)
        finally:
            context.reset(token)


def _enter(app: App, scope: Scope, receive: Receive, send: Send) -> SocketContext:
    ctx = SocketContext.__new__(SocketContext)
    ctx.app = app
    ctx.scope = scope
    ctx.environ = make_environ(scope, io.BytesIO())
    socket = ctx.request = (app.websocket_class or WebSocket)(ctx.environ)
    socket._receive, socket._send = receive, send
    socket._max_message_bytes = app.config["WEBSOCKET_MAX_MESSAGE_SIZE"]
    socket._idle_s = app.config["WEBSOCKET_IDLE_S"]
    socket._accept_headers = lambda: _session_cookies(app, ctx)
    return ctx


async def _run(app: App, ctx: SocketContext) -> t.Any:
    """Run hooks and view; returns the response that rejects the handshake, if any."""
    socket = ctx.request
    try:
        await hop_for(app, ctx.match_request)
        if socket.routing_exception is not None:
            raise socket.routing_exception
        _check_origin(app, socket)
        rv = await _run_before(app, socket)
        if rv is None:
            view = app.view_functions[t.cast(str, socket.endpoint)]
            rv = await call(app, view, **t.cast("dict[str, t.Any]", socket.view_args))
    except (WebSocketClosed, WebSocketDataError):
        raise
    except Exception as error:
        if socket.accepted:
            raise
        rv = await asynchronous.handle_user_exception(app, error)
    response = None
    if not socket.accepted:
        response = app.make_response(Forbidden() if rv is None else rv)
    for name in inside_out(socket.blueprint):
        for hook in reversed(app.after_websocket_funcs.get(name, ())):
            returned = await call(app, hook, response)
            response = response if returned is None else returned
    return response


async def _run_before(app: App, socket: WebSocket) -> t.Any:
    names = outside_in(socket.blueprint)
    for name in names:
        for preprocess in app.url_value_preprocessors.get(name, ()):
            await hop_for(app, preprocess, socket.endpoint, socket.view_args)
    for name in names:
        for hook in app.before_websocket_funcs.get(name, ()):
            rv = await call(app, hook)
            if rv is not None:
                return rv
    return None


def _check_origin(app: App, socket: WebSocket) -> None:
    """Refuse browsers that come from another site: 403.

    SECURITY(CSWSH): a browser opens WebSockets to any host, with its cookies, and tells
    the page's origin. Other clients send none, or any. (RFC 6455 §10.2)
    """
    origin = socket.headers.get("Origin")
    if origin is None:
        return
    allowed: Iterable[str] | None = app.config["WEBSOCKET_ORIGINS"]
    if allowed is None:
        if urlsplit(origin).netloc.lower() == socket.host.lower():
            return
    elif "*" in allowed or origin.lower() in {name.lower() for name in allowed}:
        return
    app.logger.warning("Refused a WebSocket from the origin %r: see WEBSOCKET_ORIGINS", origin)
    raise Forbidden("This origin may not open WebSockets here.")


def _session_cookies(app: App, ctx: SocketContext) -> list[tuple[str, str]]:
    """Save the session, if it was opened: its cookie goes with the handshake's response."""
    if "_opened_session" not in ctx.__dict__:
        return []
    response = app.response_class()
    save_session(app, ctx, response)
    return [("Set-Cookie", value) for value in response.headers.getlist("Set-Cookie")]


async def _reject(app: App, ctx: SocketContext, response: t.Any, send: Send) -> None:
    """Reject the handshake: with a response where the server can send one, else with 403."""
    ctx.request.close_code = NORMAL
    if "websocket.http.response" not in (ctx.scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": NORMAL, "reason": ""})
        return

    async def send_denial(message: t.MutableMapping[str, t.Any]) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    await send_response(app, response, ctx.environ, send_denial)


async def _tear_down(app: App, ctx: SocketContext, error: BaseException | None) -> None:
    """Run every teardown function of the WebSocket and the application."""
    failure: BaseException | None = None
    functions = [
        function
        for name in inside_out(ctx.request.blueprint)
        for function in reversed(app.teardown_websocket_funcs.get(name, ()))
    ]
    functions += reversed(app.teardown_appcontext_funcs)
    for function in functions:
        try:
            await call(app, function, error)
        except BaseException as raised:  # noqa: BLE001  raised below
            failure = failure or raised
    ctx.environ["werkzeug.request"] = None
    if failure is not None:
        raise failure
