"""The way of a request under WSGI (PEP 3333), step by step.

Steps: receive, match, enter, run, coerce, finish, send, leave.
"""

from __future__ import annotations

import re
import sys
import typing as t

from ..ctx import RequestContext
from ..current import PRESERVE, context
from ..dispatch.hooks import needs_session, process_response, save_session
from ..sessions import opens_lazily
from ..signals import appcontext_pushed, request_finished, request_started

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..application import App
    from ..dispatch.plan import Engine, Plan
    from ..wrappers import Response

# Hosts that need no more than to be plain: what else is valid, is trusted or is
# an error is for the URL adapter to say.
_plain_host = re.compile(
    r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}(?::[1-9][0-9]{0,3})?"
).fullmatch


def respond_planned(
    app: App, engine: Engine, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    """Answer a request by the plan of its endpoint.

    Everything that is not the common case goes on by the steps' names, as
    `respond_by_steps` has it, inside the context that is already entered.
    """
    ctx = RequestContext(app, environ)
    error: BaseException | None = None
    try:
        try:
            plan = enter(ctx, engine)
            response = app.full_dispatch_request() if plan is None else run(app, ctx, plan, engine)
        except Exception as raised:  # noqa: BLE001  the border: everything is answered
            error = raised
            response = app.handle_exception(raised)
        except BaseException:
            error = sys.exc_info()[1]
            raise
        return response(environ, start_response)
    finally:
        leave(ctx, environ, error)


def respond_by_steps(
    app: App, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    """Answer a request by calling every step by its name: the general path."""
    ctx = app.request_context(environ)
    error: BaseException | None = None
    try:
        try:
            ctx.push()
            response = app.full_dispatch_request()
        except Exception as raised:  # noqa: BLE001  the border: everything is answered
            error = raised
            response = app.handle_exception(raised)
        except BaseException:
            error = sys.exc_info()[1]
            raise
        return response(environ, start_response)
    finally:
        leave(ctx, environ, error)


def enter(ctx: RequestContext, engine: Engine) -> Plan | None:
    """Make the request current and match it; None if it has no plan.

    Without a plan the request was matched by the URL adapter, which has set its
    rule or its routing error.
    """
    app, environ = ctx.app, ctx.environ
    outer = context.get(None)
    if outer is not None:
        ctx._borrow(outer)
    ctx._cv_tokens.append(context.set(ctx))
    if appcontext_pushed.receivers and ctx._borrowed is None:
        appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    if not opens_lazily(app.session_interface):
        ctx._session  # noqa: B018  touching it opens it

    # COMPAT(Flask-Session): its open_session() may have matched the request.
    if "url_adapter" not in ctx.__dict__ and _is_plain(app, environ):
        path = environ.get("PATH_INFO", "")
        if not path.isascii():
            path = path.encode("latin-1").decode(errors="replace")
        if path.startswith("/") and not path.startswith("//"):
            # Inside the context: a converter may use the request.
            found = engine.plan(path, environ["REQUEST_METHOD"])
            if found is not None:
                plan, ctx.view_args = found
                ctx.url_rule = plan.rule
                request = ctx.__dict__.get("request")
                if request is not None:
                    request.url_rule, request.view_args = ctx.url_rule, ctx.view_args
                return plan
    ctx.match_request()
    return None


def _is_plain(app: App, environ: WSGIEnvironment) -> bool:
    """Tell whether neither the host nor the protocol can change what matches."""
    return (
        "HTTP_UPGRADE" not in environ
        and app.config["TRUSTED_HOSTS"] is None
        and not app.subdomain_matching
        and _plain_host(environ.get("HTTP_HOST", "")) is not None
    )


def run(app: App, ctx: RequestContext, plan: Plan, engine: Engine) -> WSGIApplication:
    """Run the hooks and the view of a plan, and finish what they return."""
    if not app._got_first_request:
        app._got_first_request = True
    try:
        if request_started.receivers:
            request_started.send(app, _async_wrapper=app.ensure_sync)
        rv = None
        for preprocess in plan.preprocess:
            preprocess(plan.endpoint, ctx.request.view_args)
        for hook in plan.before:
            rv = hook()
            if rv is not None:
                break
        if rv is None:
            values = t.cast("dict[str, t.Any]", ctx.view_args)
            if engine.epoch != app._epoch.value or _rerouted(ctx):
                rv = app.dispatch_request()
            else:
                rv = plan.view(**values)
    except Exception as error:  # noqa: BLE001  handed to the error handlers
        rv = app.handle_user_exception(error)
    return finish(app, ctx, plan, engine, rv)


def _rerouted(ctx: RequestContext) -> bool:
    """Tell whether a hook changed what the request matched."""
    request = ctx.__dict__.get("request")
    return request is not None and (
        request.url_rule is not ctx.url_rule
        or request.view_args is not ctx.view_args
        or request.routing_exception is not None
    )


def finish(app: App, ctx: RequestContext, plan: Plan, engine: Engine, rv: t.Any) -> WSGIApplication:
    """Make the response, run the after-hooks and save the session."""
    touched = ctx.__dict__
    if (
        not plan.after
        and "_session" not in touched
        and "_after_request_functions" not in touched
        and not request_finished.receivers
        and engine.epoch == app._epoch.value
        and engine.coerce.usable
        and not needs_session(ctx)
    ):
        body = engine.coerce(rv)
        if body is not None:
            return body
    response = app.make_response(rv)
    if engine.epoch != app._epoch.value:
        # COMPAT(Flask-Caching): the view registered a hook for this response.
        response = process_response(app, response)
    else:
        for hook in touched.get("_after_request_functions", ()):
            response = app.ensure_sync(hook)(response)
        for hook in plan.after:
            response = hook(response)
        save_session(app, ctx, response)
    if request_finished.receivers:
        request_finished.send(app, _async_wrapper=app.ensure_sync, response=response)
    return response


def leave(ctx: RequestContext, environ: WSGIEnvironment, error: BaseException | None) -> None:
    """Leave the request: its teardowns run, whatever happened."""
    preserve = environ.get(PRESERVE)
    if preserve is not None:
        if ctx._borrowed is not None:
            preserve(ctx._borrowed)
        ctx.preserved = True
        preserve(ctx)
    if error is not None and ctx.app.should_ignore_error(error):
        error = None
    ctx.pop(error)
