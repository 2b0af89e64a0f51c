"""Pass errors of hooks and views to their handlers, to the log, and to the client."""

from __future__ import annotations

import sys
import typing as t

from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import RequestRedirect, RoutingException

from ..ground.current import request_view
from ..ground.debughints import FormDataRoutingRedirect
from ..signals import got_request_exception
from .clientdata import bad_request_for
from .errorpages import drop_page, keep_page
from .hints import add_hints
from .problems import as_problem, mapped_error, mark_occurrence, quote_id

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..wrappers import Request, Response

E = t.TypeVar("E", bound=Exception)


def handle_http_exception(app: App, e: HTTPException) -> t.Any:
    """Pass an HTTP error to its handler; without a handler, the error itself is the response."""
    handler = None
    # A response passed to abort() is sent unchanged, and routing redirects are not errors.
    if e.code is not None and not isinstance(e, RoutingException):
        handler = app._find_error_handler(e, request_view.get().request.blueprints)
    return as_response(e) if handler is None else call_handler(app.ensure_sync(handler), e)


def call_handler(handler: t.Callable[[t.Any], t.Any], e: Exception) -> t.Any:
    """Call the handler of an error, and return what it returns."""
    if keep_page(e, handler):
        try:
            rv = handler(e)
        finally:
            drop_page(e)
    else:
        rv = handler(e)
    return let_go(e, rv)


def let_go(e: Exception, rv: t.Any) -> t.Any:
    """Return what a handler returned; an error that the request would hold is let go.

    A handler that returns an HTTP error has left its answer open, as if there were no handler.
    """
    if rv is e or e is request_view.get().request.routing_exception:
        without_tracebacks(e)
    return (as_problem(rv) or quote_id(rv)) if isinstance(rv, HTTPException) else rv


def as_response(e: t.Any) -> t.Any:
    """Return an error that is its own response, without tracebacks, or its problem."""
    return as_problem(without_tracebacks(e)) or quote_id(e)


def without_tracebacks(e: E) -> E:
    """Take the tracebacks from an error that was answered, and from those before it.

    Their frames hold the error. This cycle would keep alive everything else that they hold,
    such as a stream and its request, until the next garbage collection.
    """
    e.__context__ = e.__cause__ = None
    return e.with_traceback(None)


def handle_user_exception(app: App, e: Exception) -> t.Any:
    """Pass any error of a hook or view to its handler; raise it if there is none.

    Without a handler, an exception that `app.problem` maps becomes that HTTP error.
    """
    if isinstance(e, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        # Name the missing key, which is otherwise not shown to the client.
        e.show_exception = True
    if isinstance(e, HTTPException) and not app.trap_http_exception(e):
        return app.handle_http_exception(e)
    handler = app._find_error_handler(e, request_view.get().request.blueprints)
    if handler is not None:
        return call_handler(app.ensure_sync(handler), e)
    mapped = mapped_error(app, e)
    if mapped is None:
        try:
            raise e
        finally:
            del e  # Its traceback holds this frame.
    return app.handle_http_exception(mapped)


def find_handler(app: App, e: Exception) -> t.Callable[[Exception], t.Any] | None:
    """Find the handler that the two functions above would call.

    Returns None for an error that is its own response. Raises any other error if it has no
    handler.
    """
    if isinstance(e, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        e.show_exception = True
    answers_itself = isinstance(e, HTTPException) and not app.trap_http_exception(e)
    if answers_itself and (
        t.cast(HTTPException, e).code is None or isinstance(e, RoutingException)
    ):
        return None
    handler = app._find_error_handler(e, request_view.get().request.blueprints)
    if handler is None and not answers_itself:
        raise e
    return handler


def handle_exception(app: App, e: Exception) -> Response:
    """Answer an unhandled error with 500, or raise it for a debugger.

    It is raised if ``PROPAGATE_EXCEPTIONS`` is true, or if that is unset in testing or debug
    mode. Otherwise it is logged, and the handler for 500 (or `InternalServerError`) gets an
    `InternalServerError` with ``original_exception``.

    An error that was caused by the content of the client's JSON is answered with 400.
    """
    ctx = request_view.get(None)
    if ctx is not None:
        ctx.drop_streams(e)
        bad_request = bad_request_for(e, ctx.request)
        if bad_request is not None:
            if app.debug:
                bad_request.description = str(e)
            rv = app.handle_http_exception(bad_request)
            return app.finalize_request(t.cast("t.Any", rv), from_error_handler=True)
    add_hints(app, e)
    got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=e)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate is None:
        propagate = app.testing or app.debug
    if propagate:
        # If it is being handled, use a bare raise, which leaves its traceback unchanged.
        if sys.exc_info()[1] is e:
            raise  # noqa: PLE0704  the caller is handling it
        raise e

    server_error: t.Any = InternalServerError(original_exception=e)
    mark_occurrence(server_error)
    app.log_exception(t.cast("t.Any", (type(e), e, e.__traceback__)))
    handler = app._find_error_handler(server_error, request_view.get().request.blueprints)
    if handler is not None:
        server_error = app.ensure_sync(handler)(server_error)
    if isinstance(server_error, HTTPException):
        server_error = as_problem(server_error) or quote_id(server_error)
    return app.finalize_request(server_error, from_error_handler=True)


def describe_request() -> str:
    """Describe the current request for the log: its path and method, never its body.

    A WebSocket is described as such.
    """
    # Imported here, because only an error needs it.
    from ..websockets import WebSocket

    ctx = request_view.get()
    request = ctx.request
    path = request.path
    if not path.isprintable():
        # SECURITY: a line break in the path must not forge a log line.
        path = path.encode("unicode_escape").decode("ascii")
    method = "WebSocket" if isinstance(request, WebSocket) else request.method
    described = f"{path} [{method}]"
    return described if ctx.error_id is None else f"{described} ({ctx.error_id})"


def raise_routing_exception(app: App, request: Request) -> t.NoReturn:
    """Raise the routing error; in debug mode, explain a redirect that would lose form data."""
    error = t.cast(HTTPException, request.routing_exception)
    loses_body = (
        app.debug
        and isinstance(error, RequestRedirect)
        # After 307 and 308 the client sends the body again.
        and error.code not in {307, 308}
        and request.method not in {"GET", "HEAD", "OPTIONS"}
    )
    if loses_body:
        raise FormDataRoutingRedirect(request)
    raise error
