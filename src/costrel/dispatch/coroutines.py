"""Run a matched request on an event loop, as `costrel.serve.wsgi` does in a thread.

Coroutine functions are awaited on the loop; each run of sync steps between them takes one hop
to a worker thread. If something changed while the request ran, the steps are called by name
in a thread, as on the general path.
"""

from __future__ import annotations

import typing as t
from inspect import iscoroutinefunction

from werkzeug.exceptions import HTTPException

from ..ctx import RequestContext, call_all
from ..ground.current import request_view
from ..ground.wrapped import is_async
from ..signals import request_finished, request_started
from . import errors
from .calls import call, settle
from .coerce import answers_itself, as_plain
from .hooks import (
    no_response,
    open_session,
    opens_in_thread,
    resume_before,
    save_session,
    saves_in_thread,
)
from .loop import while_handling
from .plainly import answer_plainly
from .problems import is_mapped
from .sendable import make_sendable
from .threads import hop_for

if t.TYPE_CHECKING:
    from blinker import Signal

    from ..registration.application import App
    from .plan import Engine, Group, Inwards, Plan


async def send_signal(app: App, signal: Signal, **arguments: t.Any) -> None:
    """Send a signal to sync and async receivers."""
    if signal.receivers:

        def wrap(receiver: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            async def hopping(*args: t.Any, **kwargs: t.Any) -> t.Any:
                return await hop_for(app, lambda: receiver(*args, **kwargs))

            return hopping

        await signal.send_async(app, _sync_wrapper=wrap, **arguments)


async def run(app: App, ctx: RequestContext, plan: Plan, engine: Engine) -> t.Any:
    """Run the hooks and the view of a plan, and finish what they return."""
    try:
        await send_signal(app, request_started)
        rv = await _run_to_view(app, ctx, plan, engine)
    except Exception as error:  # noqa: BLE001  handed to the error handlers
        rv = await handle_user_exception(app, error)
    return await finish(app, ctx, plan, engine, rv)


async def _run_to_view(app: App, ctx: RequestContext, plan: Plan, engine: Engine) -> t.Any:
    """Run what comes before the view and, unless that returns a value, the view."""
    rv: t.Any = _GO_ON
    for group in t.cast("t.Any", plan.steps).inwards:
        if not group.is_async:
            rv = await hop_for(app, _run_sync, app, ctx, plan, engine, group)
        elif group.preprocess:
            await _open_session(app, ctx)
            await group.preprocess[0](plan.endpoint, ctx.request.view_args)
        elif engine.epoch != app._epoch.value:
            # An earlier function has changed the hooks.
            return await hop_for(app, _run_by_name, app, plan, group.done)
        elif group.guards and (refused := await _guard(app, ctx, plan)) is not None:
            return refused
        elif group.before:
            value = await group.before[0]()
            rv = _GO_ON if value is None else value
        elif _rerouted(ctx, plan):
            return await hop_for(app, app.dispatch_request)
        else:
            return await group.view(**(ctx.view_args or {}))
        if rv is not _GO_ON:
            break
    return rv


_GO_ON: t.Any = object()


async def _open_session(app: App, ctx: RequestContext) -> None:
    """Open the session before a coroutine function that may access it, unless it is open."""
    if opens_in_thread(ctx):
        await hop_for(app, open_session, ctx)


async def _guard(app: App, ctx: RequestContext, plan: Plan) -> t.Any:
    """Run the checks of the rule, which may return a response; then open the session.

    SECURITY(store): in this order, so that a request which they refuse costs the store nothing.
    """
    if plan.guard is not None:
        rv = await plan.guard.run_on_loop(app, ctx, ctx.environ["REQUEST_METHOD"])
        if rv is not None:
            return rv
    if opens_in_thread(ctx):
        await hop_for(app, open_session, ctx)
    return None


def _run_sync(  # noqa: C901, PLR0911  one step after the other
    app: App, ctx: RequestContext, plan: Plan, engine: Engine, group: Inwards
) -> t.Any:
    """Run sync steps until one returns a value; runs in a worker thread."""
    for preprocess in group.preprocess:
        preprocess(plan.endpoint, ctx.request.view_args)
    done = group.done
    if group.guards:
        if engine.epoch != app._epoch.value:
            return _run_by_name(app, plan, done)
        rv = None if plan.guard is None else plan.guard.run(ctx, ctx.environ["REQUEST_METHOD"])
        if rv is not None:
            return rv
        done += plan.lifted
    for hook in group.before:
        if engine.epoch != app._epoch.value:
            return _run_by_name(app, plan, done)
        rv = hook()
        if rv is not None:
            return rv
        done += 1
    if group.view is None:
        if (group.guards or done > group.done) and opens_in_thread(ctx):
            # For the coroutine functions that follow.
            open_session(ctx)
        return _GO_ON
    if engine.epoch != app._epoch.value:
        return _run_by_name(app, plan, done)
    if _rerouted(ctx, plan):
        return app.dispatch_request()
    return group.view(**(ctx.view_args or {}))


def _run_by_name(app: App, plan: Plan, done: int) -> t.Any:
    """Run the remaining before-hooks and the view, as currently registered."""
    rv = resume_before(app, plan.endpoint, done)
    return app.dispatch_request() if rv is None else rv


def _rerouted(ctx: RequestContext, plan: Plan) -> bool:
    """Whether a hook changed what the request matched."""
    request = ctx.__dict__.get("request")
    return request is not None and (
        request.url_rule is not plan.rule
        or request.view_args is not ctx.view_args
        or request.routing_exception is not None
    )


async def handle_user_exception(app: App, error: Exception) -> t.Any:
    """Pass an error of a hook or view to its handler; raise it if there is none."""
    by_name = not all(map(app.is_original, ("handle_user_exception", "handle_http_exception")))
    # What describes a mapped exception is a sync function.
    if by_name or is_mapped(app, error):
        return await hop_for(app, while_handling, error, app.handle_user_exception, error)
    handler = errors.find_handler(app, error)
    if handler is None:
        return errors.as_response(error)
    if iscoroutinefunction(handler):
        ctx = request_view.get(None)
        if ctx is not None:
            await _open_session(app, ctx)
        return errors.let_go(error, await handler(error))
    rv = await hop_for(app, while_handling, error, errors.call_handler, handler, error)
    return errors.let_go(error, await settle(handler, rv))


async def handle_exception(app: App, error: Exception) -> t.Any:
    """Answer an unhandled error with 500, or raise it if errors are propagated."""
    return await hop_for(app, while_handling, error, app.handle_exception, error)


async def finish(app: App, ctx: RequestContext, plan: Plan, engine: Engine, rv: t.Any) -> t.Any:
    """Make the response, run the after-hooks, add header fields, and save the session."""
    if engine.epoch != app._epoch.value:
        return await hop_for(app, app.finalize_request, rv)
    steps = t.cast("t.Any", plan.steps)
    if not steps.after and not request_finished.receivers:
        answer = answer_plainly(ctx, engine, plan.finish, rv)
        if answer is not None:
            return answer
    response: t.Any = engine.coerce.response(rv)
    if response is None:
        response = await _make_response(app, rv)
    response = await _run_after_hooks(app, ctx, steps.after, response)
    if plan.finish is not None:
        plan.finish.apply(ctx, response)
    if saves_in_thread(ctx):
        await hop_for(app, save_session, app, ctx, response)
    else:
        save_session(app, ctx, response)
    if request_finished.receivers:
        make_sendable(response)
        await send_signal(app, request_finished, response=response)
        return response
    plain = as_plain(response)
    if plain is None:
        make_sendable(response)
    return plain or response


async def _run_after_hooks(app: App, ctx: RequestContext, groups: t.Any, response: t.Any) -> t.Any:
    """Run this request's own after-hooks, then the plan's."""
    registered = ctx.__dict__.get("_after_request_functions", ())
    done = 0
    while done < len(registered):
        hook = registered[done]
        if is_async(hook):
            await _open_session(app, ctx)
            response = _required(await call(app, hook, response), hook)
            done += 1
            continue
        following = groups[0] if groups and not groups[0].is_async else None
        done, response = await hop_for(app, _run_registered, registered, done, following, response)
        if done > len(registered) and following is not None:
            groups = groups[1:]
    for group in groups:
        if group.is_async:
            hook = group.functions[0]
            await _open_session(app, ctx)
            response = _required(await hook(response), hook)
        else:
            response = await hop_for(app, _run_after, group, response)
    return response


def _run_registered(
    hooks: list[t.Callable[..., t.Any]], done: int, following: Group | None, response: t.Any
) -> tuple[int, t.Any]:
    """Run the sync hooks that `after_this_request` registered, up to a coroutine function.

    If there is none, the following group runs as well; the returned number is then greater
    than the number of hooks. Runs in a worker thread.
    """
    while done < len(hooks):
        hook = hooks[done]
        if is_async(hook):
            return done, response
        response = _required(hook(response), hook)
        done += 1
    return done + 1, response if following is None else _run_after(following, response)


async def _make_response(app: App, rv: t.Any) -> t.Any:
    body = rv[0] if isinstance(rv, tuple) and rv else rv
    if (
        callable(body)
        and not isinstance(body, app.response_class)
        and not (isinstance(body, HTTPException) and answers_itself(body))
    ):
        # A WSGI application, which has to be run to get its response.
        return await hop_for(app, app.make_response, rv)
    return app.make_response(rv)


def _run_after(group: Group, response: t.Any) -> t.Any:
    for hook in group.functions:
        response = _required(hook(response), hook)
    return response


def _required(response: t.Any, hook: t.Callable[..., t.Any]) -> t.Any:
    if response is None:
        raise no_response(hook)
    return response


async def tear_down(app: App, plan: Plan, error: BaseException | None) -> None:
    """Run every teardown function of a plan, then raise the first error, if any."""
    failure: BaseException | None = None
    for group in t.cast("t.Any", plan.steps).teardown:
        try:
            if group.is_async:
                await group.functions[0](error)
            else:
                await hop_for(app, call_all, group.functions, error)
        except BaseException as raised:  # noqa: BLE001  raised below
            if failure is None:
                failure = raised
            else:
                failure.add_note(f"A later teardown function failed as well: {raised!r}")
    if failure is not None:
        raise failure
