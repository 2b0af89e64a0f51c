"""The lifecycle of a WebSocket under ASGI: match, hooks, view, close."""

from __future__ import annotations

import asyncio
import io
import typing as t
from contextlib import asynccontextmanager, suppress
from functools import partial, update_wrapper
from inspect import iscoroutinefunction

from werkzeug.exceptions import Forbidden, InternalServerError
from werkzeug.routing import Rule, WebsocketMismatch

from ..ctx import AppContext, call_all
from ..dispatch import coroutines
from ..dispatch.calls import call
from ..dispatch.coroutines import send_signal
from ..dispatch.guarding import GuardHook
from ..dispatch.hints import add_hints, view_of_request
from ..dispatch.hooks import (
    inside_out,
    needs_session,
    open_session,
    opens_in_thread,
    outside_in,
    save_session,
    saves_in_thread,
)
from ..dispatch.ignored import SOCKET, refuse_ignored
from ..dispatch.loop import start
from ..dispatch.threads import hop_for
from ..ground.current import context
from ..ground.markers import SOCKET_HOOK
from ..ground.origins import is_own, is_trusted, parse_origin
from ..ground.wrapped import coroutine_beneath
from ..sessions import SecureCookieSession, opens_lazily
from ..signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    got_request_exception,
)
from ..websockets import (
    BAD_DATA,
    GONE,
    MAX_REASON_BYTES,
    NORMAL,
    RESTART,
    SERVER_ERROR,
    WebSocket,
    WebSocketClosed,
    WebSocketDataError,
)
from .clientfaults import quiet_servers
from .inflight import in_flight
from .lazyenviron import LazyEnviron
from .lifespan import start_on_loop
from .loopcontext import LoopContext
from .proxies import behind
from .scope import ENVIRON, HANDSHAKE, Receive, Scope, Send, make_environ
from .sending import as_denial, send_response
from .socketwatch import Watched, look_after

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIEnvironment

    from ..dispatch.plan import Engine
    from ..registration.application import App

GOODBYE_S = 1.0
"""How long a cancelled WebSocket may take to send its close to the client (seconds)."""


quiet_servers()


class SocketContext(LoopContext):
    """The context of a WebSocket: current as ``websocket``, and as ``request`` (its handshake)."""

    request: WebSocket  # pyright: ignore[reportIncompatibleVariableOverride]

    error: BaseException | None = None
    """The error that is passed to teardown functions."""

    # PERF(sockets): an attribute of the instance, found without a call.
    websocket: t.Any = None

    def _check_kind(self, rule: Rule) -> None:
        """Raise 400 if the rule is not a WebSocket view's, as Werkzeug's matcher does."""
        if not rule.websocket:
            raise WebsocketMismatch

    def _tear_down(self, exc: BaseException | None) -> None:
        """Run the teardown functions for a copy of the context that a thread used."""
        functions = _teardown_functions(self.app, self)
        call_all(map(self.app.ensure_sync, functions), exc)


async def converse(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one WebSocket, from its handshake to its end.

    PERF(sockets): no other coroutine lies between this one and the view. Each coroutine in
    between would cost every open socket a frame, and be resumed for each message.
    """
    if app._has_life():
        await start_on_loop(app)
    if (await receive())["type"] != "websocket.connect":
        return
    engine: Engine | None = app._engine
    if engine is None or engine.epoch != app._epoch.value:
        engine = t.cast("Engine", app._compile(send))
    if engine.proxies:
        scope = behind(engine.proxies, scope)
    ctx = _enter(app, scope, receive, send)
    token = ctx._token = context.set(ctx)
    watched = look_after(ctx.request)
    in_flight.add(watched.task)
    try:
        try:
            rv = await _run_before(app, ctx)
            if rv is None:
                rv = await _view(app, ctx.request)
        except BaseException as raised:  # noqa: BLE001  the border: everything is answered
            rv = await _handle(app, ctx, watched, raised)
        watched.stop()
        await _finish(app, ctx, rv)
    except BaseException as raised:
        ctx.error = raised
        raise
    finally:
        try:
            await _leave(app, ctx)
        finally:
            context.reset(token)
            ctx._token = None
            in_flight.discard(watched.task)


def _enter(app: App, scope: Scope, receive: Receive, send: Send) -> SocketContext:
    ctx = SocketContext.__new__(SocketContext)
    ctx.app = app
    ctx.scope = scope
    ctx.environ = _make_environ(scope)
    socket = ctx.request = ctx.websocket = (app.websocket_class or WebSocket)(ctx.environ)
    # The socket may be used without a context, for example in a broadcast.
    socket.json_module = app.json
    socket._receive, socket._send = receive, send
    # PERF(sockets): found on the instance, without looking through its classes.
    socket.close_code, socket._receiving = None, 0
    socket._max_message_bytes = app.config["WEBSOCKET_MAX_MESSAGE_SIZE"]
    socket._idle_s = app.config["WEBSOCKET_IDLE_S"]
    socket._own_fields = partial(_end_set_up, app, ctx)
    socket._open_scope = partial(_scope, app, ctx)
    return ctx


def _make_environ(scope: Scope) -> WSGIEnvironment:
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or ENVIRON in (scope.get("extensions") or ()):
        return make_environ(scope, io.BytesIO())
    environ = LazyEnviron()
    environ._look_at(scope, headers, None)
    environ.update(HANDSHAKE)
    return environ


async def _say_goodbye(socket: WebSocket) -> None:
    """Close a WebSocket because the server stops; 1012 lets the client reconnect."""
    with suppress(asyncio.CancelledError, Exception):
        async with asyncio.timeout(GOODBYE_S):
            await socket.close(RESTART, "the server stops")


async def _match(app: App, ctx: SocketContext) -> None:
    """Find the view for the handshake's URL; raises the HTTP error if there is none."""
    engine = app._engine
    if engine is None or engine.epoch != app._epoch.value:
        engine = app._compile(ctx.request._send)
    if engine.matches_on_loop:
        ctx.match_request()
    else:
        await hop_for(app, _match_by_steps, ctx)
    socket = ctx.request
    if socket.routing_exception is not None:
        raise socket.routing_exception
    _check_origin(app, socket)


def _match_by_steps(ctx: SocketContext) -> None:
    """Match in a worker thread, as `RequestContext.push` does."""
    if not opens_lazily(ctx.app.session_interface):
        ctx._session  # noqa: B018  the access opens it
    ctx.match_request()


async def _run_before(app: App, ctx: SocketContext) -> t.Any:
    """Match the handshake and run the before-hooks; a value that one returns rejects it."""
    await send_signal(app, appcontext_pushed)
    await _match(app, ctx)
    socket = ctx.request
    names = outside_in(socket.blueprint)
    preprocessors = [
        partial(app.ensure_sync(function), socket.endpoint, socket.view_args)
        for name in names
        for function in app.url_value_preprocessors.get(name, ())
    ]
    if preprocessors:
        await hop_for(app, lambda: [function() for function in preprocessors])
    for name in names:
        hooks = app.before_websocket_funcs.get(name, ())
        refuse_ignored(hooks, SOCKET_HOOK)
        for hook in hooks:
            # What the checks refuse costs the store of sessions nothing.
            if opens_in_thread(ctx) and not isinstance(getattr(hook, "__self__", None), GuardHook):
                await hop_for(app, open_session, ctx)
            rv = await call(app, hook)
            if rv is not None:
                return rv
    if opens_in_thread(ctx):
        await hop_for(app, open_session, ctx)
    return None


def _view(app: App, socket: WebSocket) -> t.Awaitable[t.Any]:
    """Start the view and return its awaitable; it is async, unless it was replaced."""
    view = app.view_functions[t.cast(str, socket.endpoint)]
    refuse_ignored([view], SOCKET)
    values = t.cast("dict[str, t.Any]", socket.view_args)
    if iscoroutinefunction(view):
        return t.cast("t.Awaitable[t.Any]", view(**values))
    beneath = coroutine_beneath(view)
    if beneath is None:
        return call(app, view, **values)
    return call(app, update_wrapper(partial(start, view, beneath), view), **values)


def _check_origin(app: App, socket: WebSocket) -> None:
    """Refuse connections from pages of other sites, with 403.

    SECURITY(CSWSH): a browser opens WebSockets to any host, sends that host's cookies, and
    names the page's origin. Other clients may send any origin, or none. (RFC 6455 §10.2)
    """
    origin = socket.environ.get("HTTP_ORIGIN")
    if origin is None:
        return
    allowed: Iterable[str] | None = app.config["WEBSOCKET_ORIGINS"]
    if allowed is None:
        if _is_ours(app, origin, socket):
            return
    else:
        # A value from an environment variable is a string.
        names = allowed.replace(",", " ").split() if isinstance(allowed, str) else allowed
        if any(name == "*" or name.rstrip("/").lower() == origin.lower() for name in names):
            return
    app.logger.warning(
        "Refused a WebSocket from the origin %a; WEBSOCKET_ORIGINS can allow it", origin
    )
    raise Forbidden("This origin may not open WebSockets here.")


def _is_ours(app: App, origin: str, socket: WebSocket) -> bool:
    """Whether a page comes from the host that it connects to, or from one that settings trust."""
    found, secure = parse_origin(origin), socket.is_secure
    return found is not None and (
        is_own(found, socket.host, secure=secure) or is_trusted(found, app.config, secure=secure)
    )


async def _handle(app: App, ctx: SocketContext, watched: Watched, error: BaseException) -> t.Any:
    """Handle an error of a hook or the view; return what rejects the handshake, if anything."""
    watched.stop()
    socket = ctx.request
    if isinstance(error, asyncio.CancelledError):
        ctx.error = error
        if watched.client_left():
            return None
        await _say_goodbye(socket)
        raise error
    if not isinstance(error, Exception):
        raise error
    if _is_only(error, WebSocketClosed):
        return None
    if _is_only(error, (WebSocketClosed, WebSocketDataError)):
        ctx.error = error
        await socket.close(BAD_DATA, _reason(error))
        return None
    if not socket.accepted:
        try:
            return await coroutines.handle_user_exception(app, error)
        except Exception as raised:  # noqa: BLE001  it has no handler, or the handler failed
            error = raised
    return await _fail(app, ctx, error)


def _is_only(error: BaseException, kinds: t.Any) -> bool:
    """Whether an error is of some kind, or an exception group of only such errors."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_only(part, kinds) for part in error.exceptions)
    return isinstance(error, kinds)


def _reason(error: BaseException) -> str:
    """Return what was wrong with a message, cut to what fits into a close frame."""
    while isinstance(error, BaseExceptionGroup):
        error = next(e for e in error.exceptions if _is_only(e, WebSocketDataError))
    detail = getattr(error, "detail", "")
    return detail.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")


async def _fail(app: App, ctx: SocketContext, error: Exception) -> t.Any:
    """Close with 1011, or answer with 500, after an unhandled error.

    In testing and debug mode the error is raised instead of logged, as Flask does.
    """
    socket = ctx.request
    ctx.error = error
    add_hints(app, error)
    await send_signal(app, got_request_exception, exception=error)
    if socket.accepted:
        await socket.close(SERVER_ERROR)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if app.testing or app.debug if propagate is None else propagate:
        raise error
    await hop_for(app, app.log_exception, (type(error), error, error.__traceback__))
    if socket.accepted:
        return None
    server_error: t.Any = InternalServerError(original_exception=error)
    handler = app._find_error_handler(server_error, socket.blueprints)
    return server_error if handler is None else await call(app, handler, server_error)


async def _finish(app: App, ctx: SocketContext, rv: t.Any) -> None:
    """Run the after-hooks, and close the WebSocket if it is still open."""
    socket = ctx.request
    response: t.Any = None
    try:
        if not socket.accepted and socket.close_code is None:
            response = await coroutines._make_response(app, Forbidden() if rv is None else rv)
        response = await _run_after(app, ctx, response)
    except Exception as error:  # noqa: BLE001  the border, as in `_run`
        if not _is_only(error, WebSocketClosed):
            rv = await _fail(app, ctx, error)
            response = None if rv is None else app.make_response(rv)
    if socket.accepted:
        _check_session(app, ctx)
    if socket.close_code is not None:
        return
    if socket.accepted:
        await socket.close(NORMAL)
        return
    await _reject(app, ctx, response)


def _check_session(app: App, ctx: SocketContext) -> None:
    """Warn about a session in a cookie that was changed too late to be saved."""
    session = ctx.__dict__.get("_opened_session")
    if isinstance(session, SecureCookieSession) and session.modified:
        app.logger.warning(
            "The session was changed after the WebSocket %r was accepted, so the change is lost:"
            " its cookie is sent with the handshake. Change the session before accept(). View: %s",
            getattr(ctx.request.url_rule, "rule", ctx.request.path),
            view_of_request(app),
        )


async def _run_after(app: App, ctx: SocketContext, response: t.Any) -> t.Any:
    for name in inside_out(ctx.request.blueprint):
        for hook in reversed(app.after_websocket_funcs.get(name, ())):
            returned = await call(app, hook, response)
            if response is not None and returned is not None:
                response = returned
    if response is not None:
        await _save_session(app, ctx, response)
    return response


async def _save_session(app: App, ctx: SocketContext, response: t.Any) -> None:
    if opens_lazily(app.session_interface) and not saves_in_thread(ctx):
        save_session(app, ctx, response)
    else:
        await hop_for(app, save_session, app, ctx, response)


async def _end_set_up(app: App, ctx: SocketContext) -> list[tuple[str, str]]:
    """Return the fields of the handshake's response, and release what the hooks have opened.

    A connection that lives for hours must not hold a database connection for as long.
    """
    token = context.set(ctx)  # whoever accepts may have no context, or another one
    try:
        fields = await _session_cookies(app, ctx)
        await _run_teardown(app, [*reversed(app.teardown_appcontext_funcs)], None)
    finally:
        context.reset(token)
    return fields


@asynccontextmanager
async def _scope(app: App, ctx: SocketContext) -> t.AsyncIterator[None]:
    """Run a block in an application context of its own; see `WebSocket.scope`."""
    inner = AppContext(app)
    inner._outer_requests.append(ctx)
    inner._cv_tokens.append(context.set(inner))
    error: BaseException | None = None
    try:
        await send_signal(app, appcontext_pushed)
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            await _run_teardown(app, [*reversed(app.teardown_appcontext_funcs)], error)
            await send_signal(app, appcontext_tearing_down, exc=error)
        finally:
            error = None  # break the reference cycle
            context.reset(inner._cv_tokens.pop())
            inner._outer_requests.pop()
            await send_signal(app, appcontext_popped)


async def _session_cookies(app: App, ctx: SocketContext) -> list[tuple[str, str]]:
    """Save the session if it was opened; return its cookies for the handshake's response."""
    if "_opened_session" not in ctx.__dict__ and not needs_session(ctx):
        return []
    response = app.response_class()
    await _save_session(app, ctx, response)
    session = ctx.__dict__.get("_opened_session")
    if isinstance(session, SecureCookieSession):
        # What changes from here on is not saved.
        session.modified = False
    return [("Set-Cookie", value) for value in response.headers.getlist("Set-Cookie")]


async def _reject(app: App, ctx: SocketContext, response: t.Any) -> None:
    """Reject the handshake: with a response if the server can send one, otherwise with 403."""
    socket = ctx.request
    send = socket._send
    if "websocket.http.response" not in (ctx.scope.get("extensions") or {}):
        await socket.close()
        response.close()
        return
    socket.close_code = NORMAL

    with suppress(OSError):  # the client has disconnected
        await send_response(app, response, ctx.environ, as_denial(send))


async def _leave(app: App, ctx: SocketContext) -> None:
    """Run every teardown function of the WebSocket and of the application."""
    socket = ctx.request
    error, ctx.error = ctx.error, None
    if error is not None and app.should_ignore_error(error):
        error = None
    try:
        try:
            await _run_teardown(app, _teardown_functions(app, ctx), error)
        finally:
            await send_signal(app, appcontext_tearing_down, exc=error)
    finally:
        if socket.close_code is None:
            socket.close_code = GONE
        # Break the reference cycles, so that the socket is freed with its last user.
        vars(socket).pop("_own_fields", None)
        vars(socket).pop("_open_scope", None)
        ctx.environ["werkzeug.request"] = None
        error = None
        await send_signal(app, appcontext_popped)


async def _run_teardown(
    app: App, functions: t.Iterable[t.Callable[..., t.Any]], error: BaseException | None
) -> None:
    """Run every function, even if one fails; raises the first error."""
    failure: BaseException | None = None
    for function in functions:
        try:
            await call(app, function, error)
        except BaseException as raised:  # noqa: BLE001  raised below
            if failure is None:
                failure = raised
            else:
                failure.add_note(f"A later teardown function failed as well: {raised!r}")
    if failure is not None:
        try:
            raise failure
        finally:
            failure = error = None  # break the reference cycle


def _teardown_functions(app: App, ctx: SocketContext) -> list[t.Callable[..., t.Any]]:
    functions = [
        function
        for name in inside_out(ctx.request.blueprint)
        for function in reversed(app.teardown_websocket_funcs.get(name, ()))
    ]
    return [*functions, *reversed(app.teardown_appcontext_funcs)]
