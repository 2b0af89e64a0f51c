"""Answer a request under ASGI on the event loop, its sync steps in worker threads."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncIterator
from contextvars import Token, copy_context
from functools import partial

from werkzeug.exceptions import ClientDisconnected

from ..dispatch import coroutines
from ..dispatch.coerce import PlainAnswer
from ..dispatch.coroutines import send_signal
from ..dispatch.threads import hop_for
from ..ground.current import context, outside
from ..signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_tearing_down,
)
from .body import RequestBody, announced_length, announces_body, receive_body
from .callers import lender
from .inflight import in_flight
from .loopcontext import LoopContext
from .scope import Receive, Send
from .sending import (
    Answer,
    ClientLeft,
    answer_plainly,
    close_answer,
    make_answer,
    refuse,
    send_answer,
)
from .watch import Suspended, Watch, watch_response
from .wsgi import _forget_request

if t.TYPE_CHECKING:
    from ..dispatch.plan import Engine, Plan
    from ..registration.application import App

_reset_current = context.reset
_NOTHING = Token.MISSING
_pushed, _popped, _tearing_down, _app_tearing_down = (
    signal.receivers
    for signal in (
        appcontext_pushed,
        appcontext_popped,
        request_tearing_down,
        appcontext_tearing_down,
    )
)


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
            if error is not None:
                ctx._error = error  # for a stream that gives back what the view has used
        else:
            # A client that disconnects must not cancel the teardown halfway.
            watch.stop()
            entered = False
            await leave(app, ctx, plan, engine, error)
            if answer.rest is not None:
                # As under WSGI: what a generator enters stays there until the next piece.
                answer = answer._replace(context=copy_context())
        if answer.rest is not None:
            watch_response(watch, streams_body=streams)
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
                    if ctx._error is not None:
                        ctx._error = None
                    await leave(app, ctx, plan, engine, error)
            finally:
                try:
                    if close is not None:
                        await hop_for(app, close)
                finally:
                    try:
                        if ctx.opened is not None:
                            await ctx.opened.close_later(error)
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
    if announces_body(ctx.scope, headers):
        ctx.body = body = RequestBody(
            receive, app.config["BODY_TIMEOUT_S"], announced_length(headers)
        )
        if not plan.streams_body:
            ctx.body = await receive_body(body, _body_limit(ctx, plan), headers)
        if not body.complete:
            watch.body = body
        if "environ" in ctx.__dict__:
            # Created before, by a signal receiver or to find out the limit.
            ctx.environ["wsgi.input"] = ctx.body
            ctx.environ["wsgi.input_terminated"] = True


def _body_limit(ctx: LoopContext, plan: Plan) -> int | None:
    if getattr(ctx.app.request_class, "_may_limit_body", False):
        return plan.body_limit
    limit: int | None = ctx.request.max_content_length
    return limit


async def leave(
    app: App, ctx: LoopContext, plan: Plan, engine: Engine, error: BaseException | None
) -> None:
    """Leave the request: its teardown functions run, whatever happened."""
    if ctx.opened is not None:
        # By `respond_on_loop`, once the response has been sent.
        ctx.opened.is_sending = True
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
