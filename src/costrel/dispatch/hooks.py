"""Run the hooks around a view that an application and its blueprints registered.

These functions read the registries on each call, so they always see changes.
`costrel.dispatch.plan` holds what they would find, for each endpoint.
"""

from __future__ import annotations

import typing as t
from inspect import unwrap

from ..ctx import call_all
from ..ground.current import request_view
from ..sessions import is_not_sent_again
from ..signals import appcontext_tearing_down, request_tearing_down
from ..wrappers import blueprint_path
from .ignored import refuse_ignored

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..registration.application import App
    from ..wrappers import Request, Response
    from ..wrappers.fields import Fields

Names = tuple[str | None, ...]


def outside_in(blueprint: str | None) -> Names:
    """Return the keys of a blueprint's hooks in order, the application's first."""
    if blueprint is None:
        return (None,)
    return (None, *reversed(blueprint_path(blueprint)))


def blueprints_in(request: Request) -> Names:
    """Return the keys of a request's hooks in order, the application's first."""
    return (None, *reversed(request.blueprints))


def blueprints_out(request: Request) -> Names:
    """Return the keys of a request's hooks in order, the application's last."""
    return (*request.blueprints, None)


def inside_out(blueprint: str | None) -> Names:
    """Return the keys of a blueprint's hooks in order, the application's last."""
    if blueprint is None:
        return (None,)
    return (*blueprint_path(blueprint), None)


def preprocess_request(app: App) -> t.Any:
    """Run the value preprocessors, then the before-hooks until one returns a value."""
    request = request_view.get().request
    names = blueprints_in(request)
    for name in names:
        for preprocess in app.url_value_preprocessors.get(name, ()):
            app.ensure_sync(preprocess)(request.endpoint, request.view_args)
    for name in names:
        hooks = app.before_request_funcs.get(name, ())
        refuse_ignored(hooks)
        for hook in hooks:
            rv = app.ensure_sync(hook)()
            if rv is not None:
                return rv
    return None


def resume_before(app: App, endpoint: str | None, done: int) -> t.Any:
    """Continue with the before-hooks after one of them changed the hooks.

    The first `done` hooks have run. Like a loop over the lists themselves, this sees hooks
    that were added at the end, and misses those that were inserted at the front.
    """
    names = outside_in((endpoint or "").rpartition(".")[0] or None)
    while True:
        chain = [hook for name in names for hook in app.before_request_funcs.get(name, ())]
        if done >= len(chain):
            return None
        rv = app.ensure_sync(chain[done])()
        if rv is not None:
            return rv
        done += 1


def process_response(app: App, response: Response) -> Response:
    """Run the after-hooks with a response, in reverse order, and save the session."""
    ctx: RequestContext = request_view.get()
    response = run_this_request_hooks(app, ctx, response)
    for name in blueprints_out(ctx.request):
        # Read here, after the view: COMPAT(Flask-Caching) adds a hook during the view.
        for hook in reversed(app.after_request_funcs.get(name, ())):
            response = app.ensure_sync(hook)(response)
            if response is None:
                raise no_response(hook)
    save_session(app, ctx, response)
    return response


class AddedFields:
    """A function of `after_this_request` that adds header fields, and looks at nothing."""

    def fields(self) -> Fields:
        """Return the fields, for a response that has none of them yet."""
        raise NotImplementedError

    def __call__(self, response: t.Any) -> t.Any:
        """Add the fields that a response does not have, and return it."""
        raise NotImplementedError


def run_this_request_hooks(app: App, ctx: RequestContext, response: Response) -> Response:
    """Run the hooks that `after_this_request` registered, with the response."""
    for hook in ctx.__dict__.get("_after_request_functions", ()):
        response = app.ensure_sync(hook)(response)
        if response is None:
            raise no_response(hook)
    return response


def no_response(hook: t.Callable[..., t.Any]) -> TypeError:
    """Make the error for an after-hook that returned None."""
    code = getattr(unwrap(hook), "__code__", None)  # not that of `async_to_sync`
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return TypeError(
        f"The after-hook {getattr(hook, '__qualname__', hook)!s}{place} returned None. It must"
        " return the response that was passed to it, or another one."
    )


def save_session(app: App, ctx: RequestContext, response: Response) -> None:
    """Save the session if it was opened, or may have to be sent again."""
    if "_opened_session" not in ctx.__dict__ and not needs_session(ctx):
        return
    session = ctx._session
    engine = app._engine
    if (
        engine is not None
        and engine.cookie is not None
        and engine.epoch == app._epoch.value
        and engine.cookie.save(session, response)
    ):
        return
    interface = app.session_interface
    if not interface.is_null_session(session):
        interface.save_session(app, session, response)


def opens_in_thread(ctx: RequestContext) -> bool:
    """Whether a session must be opened in a thread before a coroutine runs, which may access it.

    It is if the client sent its cookie, and opening it waits for a store.
    """
    app = ctx.app
    interface = app.session_interface
    if not getattr(interface, "waits_for_store", False) or "_opened_session" in ctx.__dict__:
        return False
    cookies = ctx.environ.get("HTTP_COOKIE")
    return bool(cookies and interface.needs_store_to_open(app, cookies))


def saves_in_thread(ctx: RequestContext) -> bool:
    """Whether saving the session would block an event loop: it waits for a store."""
    interface = ctx.app.session_interface
    session = ctx.__dict__.get("_opened_session")
    return bool(
        session is not None
        and getattr(interface, "waits_for_store", False)
        and interface.needs_store(ctx.app, session)
    )


def open_session(ctx: RequestContext) -> None:
    """Open the session now; this does not mark it as accessed."""
    ctx._session  # noqa: B018  the access opens it


def needs_session(ctx: RequestContext) -> bool:
    """Whether a session that was not accessed must still be opened and saved.

    A permanent session is sent again with each response, to extend its lifetime. Without a
    cookie in the request, the session is empty and is not sent.
    """
    cookies = ctx.environ.get("HTTP_COOKIE")
    return bool(cookies and not is_not_sent_again(ctx.app, cookies))


def do_teardown_request(app: App, exc: BaseException | None) -> None:
    """Run all of the request's teardown functions, in reverse order."""
    registered = app.teardown_request_funcs
    if registered:
        ctx: RequestContext = request_view.get()
        functions: list[t.Callable[[BaseException | None], t.Any]] = []
        for name in blueprints_out(ctx.request):
            functions += reversed(registered.get(name, ()))
        call_all(map(app.ensure_sync, functions), exc)
    if request_tearing_down.receivers:
        request_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def do_teardown_appcontext(app: App, exc: BaseException | None) -> None:
    """Run all of the application context's teardown functions, in reverse order."""
    functions = app.teardown_appcontext_funcs
    if functions:
        call_all(map(app.ensure_sync, [*reversed(functions)]), exc)
    if appcontext_tearing_down.receivers:
        appcontext_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)
