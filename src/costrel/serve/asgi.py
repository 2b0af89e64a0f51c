"""How an HTTP request is handled under ASGI 3, step by step.

If a step of its plan is a coroutine function, a request runs on the server's event loop, and
its sync steps run in worker threads. Every other request runs in a single worker thread, from
`Flask.__call__` on, as it would under WSGI.
"""

from __future__ import annotations

import sys
import typing as t
from contextvars import Token

from werkzeug.exceptions import HTTPException

from ..dispatch.coerce import PlainAnswer, as_plain_answer
from ..ground.current import context
from ..registration.socketrules import LIBRARY
from ..signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from .body import TOO_LATE, BodyTimeout, announced_length, in_time
from .inthread import respond_in_thread
from .loopcontext import LoopContext
from .onloop import respond_on_loop
from .proxies import behind
from .scope import ENVIRON, Message, Receive, Scope, Send, split_path
from .sending import answer_plainly
from .trailers import ignore_trailers
from .watch import Steps, Suspended
from .wsgi import _forget_request

if t.TYPE_CHECKING:
    from ..dispatch.finishing import Finishing
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
        # Where uvicorn loads the application, it has loaded itself before.
        ignore_trailers()

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
            ignore_trailers()
            engine = t.cast("Engine", app._compile(send))
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
            or (plan.detours is not None and plan.detours(ctx.environ))
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
                if not hasattr(arriving, "send"):
                    # COMPAT(Granian): what its `receive` returns can only be stepped.
                    arriving = t.cast("t.Any", Steps(arriving))
                rest = Suspended(t.cast("t.Any", arriving), waiting_for)
                message = await _first_in_time(rest, app.config["BODY_TIMEOUT_S"])
            token = ctx._token = _set_current(ctx)
            if message["type"] == "http.request" and (
                not message.get("more_body")
                # COMPAT(Granian): it says that there is more, and then sends an empty message.
                or len(message.get("body", b"")) == announced_length(headers)
            ):
                # PERF(echo): a whole body. If it is too large, the request notices that.
                ctx.whole = message.get("body", b"")
                if ctx._has_environ:
                    t.cast("t.Any", ctx.environ)._body = ctx.whole
            else:
                await respond_on_loop(ctx, plan, engine, _first(message, receive), send, None)
                return
        plain = answer = None
        try:
            values: t.Any = ctx.view_args
            coroutine = plan.coroutine(**values) if values else plan.coroutine()
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
                    if plain is None and engine.coerce.html:
                        # PERF(typed_invalid): any other complete response.
                        answer = as_plain_answer(rv)
                        if answer is not None and plan.finish is not None:
                            answer = _finished_answer(answer, plan.finish, scope)
                except Exception:  # noqa: BLE001  raised again in `finish`
                    plain = answer = None
            if (plain is None and answer is None) or (ctx.touched and not _forget_request(ctx)):
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
        status = 200
        if plain is not None:
            body, kind = plain
            fields = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
            finishing = plan.finish
            if finishing is not None:
                is_secure = scope.get("scheme") == "https"
                fields += finishing.raw_secure if is_secure else finishing.raw_insecure
        else:
            status, fields, body, *_rest = answer_plainly(t.cast("t.Any", answer), head=False)
        try:
            await send({"type": "http.response.start", "status": status, "headers": fields})
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

            ignore_trailers()
            return live(self.app, receive, send)
        raise RuntimeError(f"{scope['type']!r} is no kind of ASGI connection that Costrel knows.")


CALLED = "costrel.called"
"""The key of a scope for the application that was called with it."""


def serve(app: App, scope: Scope, receive: Receive, send: Send) -> t.Awaitable[None]:
    """Handle an ASGI connection from a server that calls the application itself.

    Raises `RuntimeError` if ``app.asgi`` is middleware that calls the application again.
    """
    asgi = app.asgi
    if type(asgi) is not Application:
        if scope.get(CALLED) is app:
            raise RuntimeError(
                "The middleware in app.asgi calls the application, which calls app.asgi again."
                " Let it wrap app.asgi instead: app.asgi = Middleware(app.asgi)."
            )
        scope = {**scope, CALLED: app}
    return t.cast("t.Awaitable[None]", asgi(scope, receive, send))


def _finished_answer(answer: PlainAnswer, finishing: Finishing, scope: Scope) -> PlainAnswer | None:
    """Add header fields to an answer; None if that needs its response."""
    if finishing.varies or answer.status >= "5":
        return None
    is_secure = scope.get("scheme") == "https"
    answer.headers = finishing.merged(answer.headers, is_secure=is_secure)
    return answer


async def _begin_life(app: App) -> None:
    from .lifespan import start_on_loop

    await start_on_loop(app)


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
    return _match(ctx, engine, path, method)


def _match(ctx: LoopContext, engine: Engine, path: str, method: str) -> Plan | None:
    """Match a path that may have variables; None if a thread must answer the request."""
    try:
        # Inside the context: a converter may use the request.
        found = engine.match(ctx.app, path, method)
    except HTTPException as error:
        plan = engine.unmatched_on_loop(ctx.app)
        if plan.coroutine is None:
            return None
        ctx.request.routing_exception = error
        return plan
    except Exception:  # noqa: BLE001  raised again in the thread, which answers it
        return None
    if found is None:
        return None
    ctx.plan, ctx.view_args = plan, _values = found
    if ctx.touched:
        plan.attach(ctx.request, ctx.view_args)
    return plan
