"""How a request is handled under WSGI (PEP 3333), step by step.

Steps: receive, match, enter, run, coerce, finish, send, leave.
"""

from __future__ import annotations

import sys
import typing as t
from contextvars import Context, Token, copy_context
from functools import partial

from werkzeug.exceptions import HTTPException

from ..ctx import RequestContext, call_all
from ..dispatch.coerce import as_plain
from ..dispatch.hooks import (
    no_response,
    resume_before,
    run_this_request_hooks,
    save_session,
)
from ..dispatch.plainly import answer_plainly
from ..dispatch.sendable import make_sendable
from ..ground.current import PRESERVE, context
from ..signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from ..wrappers.response import EncodedPieces
from .callers import lender

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..dispatch.plan import Engine, Plan
    from ..registration.application import App

_new_context = RequestContext.__new__
_set_current = context.set
_reset_current = context.reset
_NOTHING = Token.MISSING

_pushed, _started, _finished = (
    signal.receivers for signal in (appcontext_pushed, request_started, request_finished)
)
_tearing_down, _app_tearing_down, _popped = (
    signal.receivers
    for signal in (request_tearing_down, appcontext_tearing_down, appcontext_popped)
)


def respond_planned(  # noqa: C901, PLR0912, PLR0915  unrolled
    app: App, engine: Engine, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    """Answer a request with the plan of its endpoint.

    PERF(hello): the steps of `respond_by_steps` in one function, for a request whose
    plan runs only the view, and whose view returns a plain value. Less common cases
    continue in the functions below, inside the context that was entered here.
    """
    ctx = _new_context(RequestContext)
    ctx.app = app
    ctx.environ = environ
    ctx.touched = False
    token = ctx._token = _set_current(ctx)
    error: BaseException | None = None
    plan: Plan | None = None
    plain: tuple[bytes, str] | None = None
    response: t.Any = None
    try:
        try:
            plan = enter(ctx, engine, start_response)
            if plan is None:
                response = app.full_dispatch_request()
            elif (
                not plan.quiet
                or _started
                or _finished
                or (plan.detours is not None and plan.detours(environ))
            ):
                response = run(app, ctx, plan, engine)
            else:
                values = ctx.view_args
                rv: t.Any
                try:
                    rv = plan.view(**values) if values else plan.view()
                except Exception as raised:  # noqa: BLE001  handed to the error handlers
                    rv = app.handle_user_exception(raised)
                if (
                    not ctx.wants_response
                    and "HTTP_COOKIE" not in environ
                    and environ["REQUEST_METHOD"] != "HEAD"
                    and engine.epoch == app._epoch.value
                ):
                    coerce = engine.coerce
                    if type(rv) is str and coerce.html:
                        plain = rv.encode(), coerce.html
                    else:
                        plain = coerce.body(rv)
                if plain is None:
                    response = finish(app, ctx, plan, engine, rv)
        except Exception as raised:  # noqa: BLE001  the border: everything is answered
            error = raised
            response = app.handle_exception(raised)
        except BaseException:
            error = sys.exc_info()[1]
            raise
        if plain is None:
            pieces: t.Iterable[bytes] = response(environ, start_response)
            if ctx.opened is not None:
                return _until_sent(pieces, response, ctx)
            return pieces if type(pieces) is list else keep_apart(pieces, response)
        # Outside the `try` above: what the server raises is not an error of the application.
        body, kind = plain
        fields = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        finishing = t.cast("Plan", plan).finish
        if finishing is not None:
            is_secure = environ["wsgi.url_scheme"] == "https"
            fields += finishing.secure if is_secure else finishing.insecure
        start_response("200 OK", fields)
        # A list, which Granian sends faster than other iterables.
        return [body]
    finally:
        if (
            plan is None
            or (ctx.touched and not _forget_request(ctx))
            or _tearing_down
            or _app_tearing_down
            or _popped
            or PRESERVE in environ
            or engine.epoch != app._epoch.value
            or (plan.teardown and not _tear_down(ctx, plan, error, response))
        ):
            leave(ctx, environ, error, response)
        else:
            _reset_current(token)
            ctx._token = None
        error = None  # Its traceback holds this frame.


def _tear_down(
    ctx: RequestContext, plan: Plan, error: BaseException | None, response: t.Any
) -> bool:
    """Run the plan's teardown functions; False if `leave` has to run them."""
    if ctx._borrowed is not None:
        return False
    token: t.Any = ctx._token
    try:
        call_all(plan.teardown, error)
    except BaseException:
        _reset_current(token)
        ctx._token = None
        _close_unsent(response)
        raise
    if ctx.touched:
        # One of them may have created the request, which the environ then refers to.
        ctx.environ["werkzeug.request"] = None
    return True


def _close_unsent(response: t.Any) -> None:
    """Close a response that the server does not get because a teardown function failed."""
    close = getattr(response, "close", None)
    if close is not None:
        close()


def _forget_request(ctx: RequestContext) -> bool:
    """Drop a request that has nothing to tear down or close; False if it has something."""
    parts = ctx.__dict__
    if "_cv_tokens" in parts or ctx._holds:
        return False
    request = parts.get("request")
    if request is not None:
        own = request.__dict__
        if own.get("files") or "close" in own or not request._may_forget:
            return False
        # Break the reference cycle between the environ and the request.
        ctx.environ["werkzeug.request"] = None
    return True


def respond_by_steps(
    app: App, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    """Answer a request on the general path, which calls every step by its name."""
    ctx = app.request_context(environ)
    ctx._lender = lender(context.get(None), environ, start_response)
    error: BaseException | None = None
    response: t.Any = None
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
        pieces = response(environ, start_response)
        if ctx.opened is not None:
            return _until_sent(pieces, response, ctx)
        return keep_apart(pieces, response)
    finally:
        leave(ctx, environ, error, response)
        error = None  # Its traceback holds this frame.


def enter(ctx: RequestContext, engine: Engine, start_response: StartResponse) -> Plan | None:
    """Match the current request and return its plan; None if it has none.

    A request without a plan was matched by the URL adapter, which has set its rule or
    its routing error.
    """
    app, environ = ctx.app, ctx.environ
    token: t.Any = ctx._token
    outer = token.old_value
    if outer is not _NOTHING and outer is not None:
        ctx._borrow(lender(outer, environ, start_response))
    if _pushed and ctx._borrowed is None:
        appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    if not engine.lazy_session:
        ctx._session  # noqa: B018  the access opens it

    # COMPAT(Flask-Session): its open_session() may have matched the request.
    if (
        not ctx.touched
        and "HTTP_UPGRADE" not in environ
        and engine.plain_host(environ.get("HTTP_HOST", "")) is not None
    ):
        by_method = engine.fixed.get(environ.get("PATH_INFO", ""))
        if by_method is not None:
            plan = by_method.get(environ["REQUEST_METHOD"])
            if plan is not None:
                ctx.plan = plan
                ctx.view_args = plan.values.copy()
                return plan
        return _match(ctx, engine)
    ctx.match_request()
    return None


def _match(ctx: RequestContext, engine: Engine) -> Plan | None:
    """Match a path that may have variables; None if the URL adapter had to match it."""
    environ = ctx.environ
    path = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1").decode(errors="replace")
    found = None
    if path[:1] == "/" and path[:2] != "//":
        try:
            # Inside the context: a converter may use the request.
            found = engine.match(ctx.app, path, environ["REQUEST_METHOD"])
        except HTTPException as error:
            # A converter refused the value: a routing error, as with the adapter.
            ctx.request.routing_exception = error
            return engine.unmatched(ctx.app)
    if found is None:
        ctx.match_request()
        return _plan_of_adapter(ctx, engine)
    ctx.plan, ctx.view_args = found
    if ctx.touched:
        ctx.plan.attach(ctx.request, ctx.view_args)
    return found[0]


def _plan_of_adapter(ctx: RequestContext, engine: Engine) -> Plan | None:
    """Return the plan for what the URL adapter found; None if that has none."""
    request = ctx.request
    if request.routing_exception is not None:
        return engine.unmatched(ctx.app)
    rule = request.url_rule
    plan = None if rule is None else engine.plan_of(ctx.app, rule, request.method)
    if plan is not None:
        ctx.plan, ctx.view_args = plan, request.view_args
    return plan


def run(app: App, ctx: RequestContext, plan: Plan, engine: Engine) -> WSGIApplication:
    """Run the hooks and the view of a plan, and finish what they return."""
    try:
        if _started:
            request_started.send(app, _async_wrapper=app.ensure_sync)
        rv = None if plan.quiet and plan.guard is None else _run_before(app, ctx, plan, engine)
        if rv is None:
            values: t.Any = ctx.view_args
            if (not plan.quiet or _started or plan.guard is not None) and (
                engine.epoch != app._epoch.value or (ctx.touched and _rerouted(ctx, plan))
            ):
                rv = app.dispatch_request()
            else:
                rv = plan.view(**values) if values else plan.view()
    except Exception as error:  # noqa: BLE001  handed to the error handlers
        rv = app.handle_user_exception(error)
    return finish(app, ctx, plan, engine, rv)


def _run_before(app: App, ctx: RequestContext, plan: Plan, engine: Engine) -> t.Any:
    """Run the value preprocessors, the checks and the before-hooks, until one returns a value."""
    for preprocess in plan.preprocess:
        preprocess(plan.endpoint, ctx.request.view_args)
    lifted = plan.lifted
    if lifted:
        if engine.epoch != app._epoch.value:
            return resume_before(app, plan.endpoint, 0)
        guard = plan.guard
        rv = None if guard is None else guard.run(ctx, ctx.environ["REQUEST_METHOD"])
        if rv is not None:
            return rv
    for done, hook in enumerate(plan.before, lifted):
        if engine.epoch != app._epoch.value:
            # An earlier function has changed the hooks.
            return resume_before(app, plan.endpoint, done)
        rv = hook()
        if rv is not None:
            return rv
    if engine.epoch != app._epoch.value:
        return resume_before(app, plan.endpoint, len(plan.before) + lifted)
    return None


def _rerouted(ctx: RequestContext, plan: Plan) -> bool:
    """Whether a hook changed what the request matched."""
    request = ctx.__dict__.get("request")
    return request is not None and (
        request.url_rule is not plan.rule
        or request.view_args is not ctx.view_args
        or request.routing_exception is not None
    )


def finish(app: App, ctx: RequestContext, plan: Plan, engine: Engine, rv: t.Any) -> WSGIApplication:
    """Make the response, run the after-hooks, add header fields, and save the session."""
    if engine.epoch != app._epoch.value:
        # COMPAT(Flask-Caching): a view may register a hook for its own response.
        return app.finalize_request(rv)
    finishing = plan.finish
    if not plan.after and not _finished:
        plain = answer_plainly(ctx, engine, finishing, rv)
        if plain is not None:
            return plain
    response: t.Any = engine.coerce.response(rv) or app.make_response(rv)
    if ctx.touched:
        response = run_this_request_hooks(app, ctx, response)
    for hook in plan.after:
        response = hook(response)
        if response is None:
            raise no_response(hook)
    if finishing is not None:
        finishing.apply(ctx, response)
    if ctx.touched or "HTTP_COOKIE" in ctx.environ:
        save_session(app, ctx, response)
    if _finished:
        make_sendable(response)
        request_finished.send(app, _async_wrapper=app.ensure_sync, response=response)
        return t.cast("WSGIApplication", response)
    plain_head = as_plain(response)
    if plain_head is None:
        make_sendable(response)
    return plain_head or t.cast("WSGIApplication", response)


def _until_sent(
    pieces: t.Iterable[bytes], response: t.Any, ctx: RequestContext
) -> t.Iterable[bytes]:
    """Return a body after which the dependencies of its view are closed."""
    # Imported here, because most applications have none.
    from .afterbody import AfterBody

    return AfterBody(keep_apart(pieces, response), ctx)


def keep_apart(pieces: t.Iterable[bytes], response: t.Any) -> t.Iterable[bytes]:
    """Return a response's body for the server, run in a separate context if it needs one."""
    if type(pieces) is list or getattr(response, "direct_passthrough", False):
        # The server knows the best way to send a file.
        return pieces
    return (StreamedBody if type(pieces) is EncodedPieces else Body)(pieces, response)


class Body:
    """Iterate over a response's body in a separate `contextvars.Context`.

    INVARIANT: whatever a generator has entered when it yields must not be current for what
    the server does between two pieces, on the same thread or another.
    """

    __slots__ = ("_context", "_pieces", "_step", "response")

    def __init__(self, pieces: t.Iterable[bytes], response: t.Any) -> None:
        self._pieces = pieces
        self.response = response
        self._step: t.Callable[[], bytes] | None = None
        self._context: Context | None = None

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        step = self._step
        if step is None:
            following = self._run(iter, self._pieces).__next__
            context: t.Any = self._context
            step = self._step = partial(context.run, following)
        return step()

    def close(self) -> None:
        """Close the iterable, if it has a ``close``."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            self._run(close)

    def _run(self, function: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        if self._context is None:
            # Created only now: before, the request was current.
            self._context = copy_context()
        return self._context.run(function, *args)


class StreamedBody(Body):
    """A `Body` that also does what its `EncodedPieces` do.

    PERF(template_streamed): each piece passes through a chain of generators and calls, and
    each one less saves 0.2 us.
    """

    __slots__ = ()

    def __next__(self) -> bytes:
        step, context = self._step, self._context
        if step is None or context is None:
            pieces: t.Any = self._pieces
            context = self._context = copy_context()
            step = self._step = pieces.generator.__next__
        piece: t.Any = context.run(step)
        return piece.encode() if isinstance(piece, str) else piece


def leave(
    ctx: RequestContext, environ: WSGIEnvironment, error: BaseException | None, response: t.Any
) -> None:
    """Leave the request: its teardown functions run, whatever happened."""
    preserve = environ.get(PRESERVE)
    if preserve is not None:
        if ctx._borrowed is not None:
            preserve(ctx._borrowed)
        ctx.preserved = True
        preserve(ctx)
    if error is not None and ctx.app.should_ignore_error(error):
        error = None
    try:
        ctx.pop(error)
    except BaseException:
        _close_unsent(response)
        raise
