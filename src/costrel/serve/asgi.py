"""How an HTTP request is handled under ASGI 3, step by step.

If a step of its plan is a coroutine function, a request runs on the server's event loop, and
its sync steps run in worker threads. Every other request runs in a single worker thread, from
`Flask.__call__` on, as it would under WSGI.
"""

from __future__ import annotations

import asyncio
import io
import sys
import typing as t
from collections.abc import AsyncIterator
from contextvars import Token
from functools import partial

from werkzeug.exceptions import ClientDisconnected

from ..dispatch import coroutines
from ..dispatch.coerce import PlainAnswer
from ..dispatch.coroutines import send_signal
from ..dispatch.threads import hop_for
from ..ground.current import PRESERVE, context, outside
from ..registration.socketrules import LIBRARY
from ..signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from .body import TOO_LATE, BodyTimeout, RequestBody, announced_length, in_time
from .callers import lender
from .inflight import in_flight
from .loopcontext import LoopContext
from .proxies import behind
from .scope import ENVIRON, Message, Receive, Scope, Send, make_environ, split_path
from .sending import (
    Answer,
    ClientLeft,
    answer_in_thread,
    answer_plainly,
    close_answer,
    make_answer,
    refuse,
    send_answer,
)
from .watch import Suspended, Watch
from .wsgi import _forget_request

if t.TYPE_CHECKING:
    from ..dispatch.plan import Engine, Plan
    from ..registration.application import App

_set_current = context.set
_reset_current = context.reset
_NOTHING = Token.MISSING
_started, _finished, _pushed, _popped, _tearing_down, _app_tearing_down = (
    signal.receivers
    for signal in (
        request_started,
        request_finished,
        appcontext_pushed,
        appcontext_popped,
        request_tearing_down,
        appcontext_tearing_down,
    )
)


_new_context = LoopContext.__new__


class Application:
    """The ASGI interface of an application: ``app.asgi``."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(  # noqa: C901, PLR0911, PLR0912, PLR0915  unrolled
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Handle an ASGI connection: a request, a WebSocket, or the server's lifespan.

        PERF(hello): the steps of `respond_on_loop` in one function, for a request whose
        plan runs only the view, and whose view returns a plain value without pausing.
        Less common cases continue in `respond_on_loop`.
        """
        if scope["type"] != "http":
            await self._attend(scope, receive, send)
            return
        app = self.app
        engine: Engine | None = app._engine
        if engine is None or engine.epoch != app._epoch.value:
            if app._has_life():
                await _begin_life(app)
            engine = t.cast("Engine", app._compile())
        if not engine.matches_on_loop:
            await respond_in_thread(app, scope, receive, send)
            return
        given = scope
        if engine.proxies:
            scope = behind(engine.proxies, scope)
        headers = dict(scope["headers"])
        ctx = _new_context(LoopContext)
        ctx.app = app
        ctx.scope = scope
        ctx.headers = headers
        ctx.touched = False
        token = ctx._token = _set_current(ctx)
        found = token.old_value
        plan = enter(ctx, engine, headers)
        if plan is None or plan.steps is None:
            _reset_current(token)
            streams = plan is not None and plan.streams_body
            await respond_in_thread(app, given, receive, send, streams_body=streams)
            return
        if (
            plan.coroutine is None
            or scope["http_version"] != "1.1"
            or (found is not _NOTHING and found is not None)
            or _started
            or _finished
            or _pushed
        ):
            await respond_on_loop(ctx, plan, engine, receive, send, None)
            return

        if b"content-length" in headers or b"transfer-encoding" in headers:
            # As in `outside`, but without its coroutine.
            _reset_current(token)
            arriving = receive().__await__()
            try:
                waiting_for = next(arriving)
            except StopIteration as stop:
                message = stop.value
            else:
                rest = Suspended(t.cast("t.Any", arriving), waiting_for)
                message = await _first_in_time(rest, app.config["BODY_TIMEOUT_S"])
            token = ctx._token = _set_current(ctx)
            if message["type"] == "http.request" and not message.get("more_body"):
                # PERF(echo): a whole body. If it is too large, the request notices that.
                ctx.whole = message.get("body", b"")
            else:
                await respond_on_loop(ctx, plan, engine, _first(message, receive), send, None)
                return
        plain = None
        try:
            values: t.Any = ctx.view_args
            coroutine = plan.coroutine(**values)
            paused_for = coroutine.send(None)
        except StopIteration as stop:
            rv = stop.value
            if (
                not ctx.wants_response
                and b"cookie" not in headers
                and scope["method"] != "HEAD"
                and engine.epoch == app._epoch.value
                and not (_tearing_down or _app_tearing_down or _popped)
            ):
                try:
                    plain = engine.coerce.body(rv)
                except Exception:  # noqa: BLE001  raised again in `finish`
                    plain = None
            if plain is None or (ctx.touched and not _forget_request(ctx)):
                await respond_on_loop(ctx, plan, engine, receive, send, _return(rv))
                return
        except BaseException as error:  # noqa: BLE001  passed on
            await respond_on_loop(ctx, plan, engine, receive, send, _raise(error))
            return
        else:
            rest = Suspended(coroutine, paused_for)
            await respond_on_loop(ctx, plan, engine, receive, send, rest)
            return
        _reset_current(token)
        ctx._token = None
        body, kind = plain
        fields = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": body})
        except OSError:
            # The client has disconnected.
            return

    def _attend(self, scope: Scope, receive: Receive, send: Send) -> t.Awaitable[None]:
        """Handle a WebSocket or the server's lifespan."""
        if scope["type"] == "websocket":
            if LIBRARY in sys.modules:
                from .lending import converse_or_lend

                return converse_or_lend(self.app, scope, receive, send)
            from .sockets import converse

            return converse(self.app, scope, receive, send)
        if scope["type"] == "lifespan":
            from .lifespan import live

            return live(self.app, receive, send)
        raise RuntimeError(f"{scope['type']!r} is no kind of ASGI connection that Costrel knows.")


async def _begin_life(app: App) -> None:
    from .lifespan import start_on_loop

    await start_on_loop(app)


async def respond_in_thread(  # noqa: C901  one border around all of it
    app: App, scope: Scope, receive: Receive, send: Send, *, streams_body: bool = False
) -> None:
    """Answer a request with the WSGI application, in one hop to a worker thread."""
    headers = dict(scope["headers"])
    watch = Watch(receive)
    task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
    source: t.Any = io.BytesIO()
    answered: Answer | None = None
    in_flight.add(task)
    try:
        if _announces_body(scope, headers):
            source = body = RequestBody(receive, app.config["BODY_TIMEOUT_S"])
            if not streams_body:
                source = await _receive(body, app.config["MAX_CONTENT_LENGTH"], headers)
            if not body.complete:
                watch.body = body
        answered = await answer_in_thread(app, make_environ(scope, source))
        if answered.rest is not None:
            _watch_response(watch, streams_body=streams_body)
        await send_answer(app, answered, send)
    except ClientDisconnected as error:
        if answered is None:
            await refuse(send, error)
    except ClientLeft:
        # In the middle of the response: there is nothing more to send.
        pass
    except asyncio.CancelledError:
        if not watch.client_left():
            raise
    finally:
        watch.stop()
        in_flight.discard(task)
        if not _is_kept(scope):
            source.close()


def _is_kept(scope: Scope) -> bool:
    """Whether a test or a debugger looks at the request after its end."""
    return PRESERVE in ((scope.get("extensions") or {}).get(ENVIRON) or ())


async def _receive(body: RequestBody, limit: int | None, headers: dict[bytes, bytes]) -> t.Any:
    """Receive a body, up to the limit; returns the object to read it from."""
    announced = announced_length(headers)
    if limit is not None and announced is not None and announced > limit:
        # Refused when the view reads it, and not received at all.
        return body
    return await body.receive_whole(limit)


def _watch_response(watch: Watch, *, streams_body: bool) -> None:
    """Watch the client while its response is sent."""
    if watch.body is not None and not streams_body:
        # It was too large for a view that reads bodies as a whole.
        watch.body.unwanted = True
    watch.start()


def _announces_body(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether there may be a body: only in HTTP/1 do the headers always say so."""
    return (
        b"content-length" in headers
        or b"transfer-encoding" in headers
        or scope.get("http_version", "1.1") not in {"1.1", "1.0"}
    )


def _first(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that first returns a message that was received already."""
    messages = [message]

    async def receive_next() -> Message:
        return messages.pop() if messages else await receive()

    return receive_next


async def _first_in_time(arriving: Suspended, timeout_s: float | None) -> Message:
    """Receive the first message of a body, or one that says that none came in time."""

    async def receive() -> Message:
        return t.cast("Message", await arriving)

    try:
        return await in_time(receive, timeout_s)
    except BodyTimeout:
        return {"type": TOO_LATE}


async def _return(value: t.Any) -> t.Any:
    return value


async def _raise(error: BaseException) -> t.NoReturn:
    raise error


async def respond_on_loop(  # noqa: C901, PLR0912, PLR0915  one border around all of it
    ctx: LoopContext,
    plan: Plan,
    engine: Engine,
    receive: Receive,
    send: Send,
    view: t.Awaitable[t.Any] | None,
) -> None:
    """Answer a matched request on the loop; its context is current already.

    `view` is the rest of the view, if the view has started. As under WSGI, the request is left
    before its response is sent, unless an async generator produces the response.
    """
    app, streams = ctx.app, plan.streams_body
    error: BaseException | None = None
    entered = True
    answer: Answer | None = None
    sent: Answer | None = None
    close: t.Callable[[], object] | None = None
    watch = Watch(receive)
    task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
    in_flight.add(task)
    try:
        if view is None:
            await _begin(ctx, plan, receive, watch)
        elif type(view) is Suspended:
            watch.start()
        try:
            if view is None:
                response = await watch.over(coroutines.run(app, ctx, plan, engine))
            else:
                try:
                    rv = await view
                except Exception as raised:  # noqa: BLE001  handed to the error handlers
                    rv = await coroutines.handle_user_exception(app, raised)
                response = await coroutines.finish(app, ctx, plan, engine, rv)
        except Exception as raised:  # noqa: BLE001  the border: everything is answered
            error = raised
            response = await coroutines.handle_exception(app, raised)
        if type(response) is PlainAnswer:
            answer = answer_plainly(response, head=ctx.scope["method"] == "HEAD")
        else:
            answer = await make_answer(app, response, ctx.environ)
        if isinstance(answer.rest, AsyncIterator):
            # Closed when the request is left, as under WSGI.
            close, answer = answer.close, answer._replace(close=None)
            send = partial(outside, send)
        else:
            # A client that disconnects must not cancel the teardown halfway.
            watch.stop()
            entered = False
            await leave(app, ctx, plan, engine, error)
        if answer.rest is not None:
            _watch_response(watch, streams_body=streams)
        sent, answer = answer, None
        await send_answer(app, sent, send)
    except ClientLeft:
        # In the middle of the response: as under WSGI, this is not an error of the request.
        pass
    except ClientDisconnected as raised:
        error = raised if error is None else error
        if sent is None:
            await outside(refuse, send, raised)
    except asyncio.CancelledError as raised:
        if sent is None and error is None:
            error = raised
        if not watch.client_left():
            raise
    except BaseException as raised:
        error = raised if error is None else error
        raise
    finally:
        watch.stop()
        try:
            if answer is not None:
                await close_answer(app, answer)
        finally:
            try:
                if entered:
                    await leave(app, ctx, plan, engine, error)
            finally:
                try:
                    if close is not None:
                        await hop_for(app, close)
                finally:
                    in_flight.discard(task)
                if ctx.body is not None:
                    ctx.body.close()


async def _begin(ctx: LoopContext, plan: Plan, receive: Receive, watch: Watch) -> None:
    """Borrow the outer context or announce a new one, and receive a body that is not streamed."""
    app = ctx.app
    outer = t.cast("Token[t.Any]", ctx._token).old_value
    if outer is not _NOTHING and outer is not None:
        ctx._borrow(lender(outer, ctx.scope, receive))
    if _pushed and ctx._borrowed is None:
        await send_signal(app, appcontext_pushed)
    headers = dict(ctx.scope["headers"])
    if _announces_body(ctx.scope, headers):
        ctx.body = body = RequestBody(receive, app.config["BODY_TIMEOUT_S"])
        if not plan.streams_body:
            ctx.body = await _receive(body, _body_limit(ctx), headers)
        if not body.complete:
            watch.body = body
        if "environ" in ctx.__dict__:
            # Created before, by a signal receiver or to find out the limit.
            ctx.environ["wsgi.input"] = ctx.body
            ctx.environ["wsgi.input_terminated"] = True


def _body_limit(ctx: LoopContext) -> int | None:
    app = ctx.app
    if getattr(app.request_class, "_may_limit_body", False):
        return t.cast("int | None", app.config["MAX_CONTENT_LENGTH"])
    limit: int | None = ctx.request.max_content_length
    return limit


def enter(ctx: LoopContext, engine: Engine, headers: dict[bytes, bytes]) -> Plan | None:
    """Match the current request and return its plan; None if the URL adapter must match."""
    scope = ctx.scope
    if (
        # Neither repeated header fields, nor anything that the URL adapter has to see.
        len(headers) != len(scope["headers"])
        or b"upgrade" in headers
        or ("extensions" in scope and ENVIRON in scope["extensions"])
        or engine.plain_host_raw(headers.get(b"host", b"")) is None
    ):
        return None
    path, method = scope["path"], scope["method"]
    if scope.get("root_path"):
        _root, path = split_path(scope)
    by_method = engine.fixed.get(path)
    plan: Plan | None
    if by_method is not None and (plan := by_method.get(method)) is not None:
        ctx.plan = plan
        ctx.view_args = plan.values.copy()
        return plan
    if path[:1] != "/" or path[:2] == "//":
        return None
    try:
        # Inside the context: a converter may use the request.
        found = engine.match(ctx.app, path, method)
    except Exception:  # noqa: BLE001  raised again in the thread, which answers it
        return None
    if found is None:
        return None
    ctx.plan, ctx.view_args = plan, _values = found
    if ctx.touched:
        plan.attach(ctx.request, ctx.view_args)
    return plan


async def leave(
    app: App, ctx: LoopContext, plan: Plan, engine: Engine, error: BaseException | None
) -> None:
    """Leave the request: its teardown functions run, whatever happened."""
    if error is not None and app.should_ignore_error(error):
        error = None
    try:
        if (
            _tearing_down
            or _app_tearing_down
            or ctx._borrowed is not None
            or "_cv_tokens" in ctx.__dict__
            or ctx._holds
            or engine.epoch != app._epoch.value
        ):
            await hop_for(app, ctx._end, error)
        else:
            try:
                if plan.teardown:
                    await coroutines.tear_down(app, plan, error)
            finally:
                if ctx.touched and not _forget_request(ctx):
                    await hop_for(app, ctx._close_request)
    finally:
        _reset_current(t.cast("Token[t.Any]", ctx._token))
        ctx._token = None
        vars(ctx).pop("_cv_tokens", None)
    if _popped and ctx._borrowed is None and not ctx._holds:
        await send_signal(app, appcontext_popped)
