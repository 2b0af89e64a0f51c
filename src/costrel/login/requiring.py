"""Views for users who are logged in."""

from __future__ import annotations

import typing as t
from functools import update_wrapper
from inspect import iscoroutinefunction
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, Unauthorized

from ..dispatch.calls import call
from ..ground.wrapped import is_async
from ..registration.misplaced import note_decorator
from .current import record_of, user_later, user_now
from .returning import path_of
from .setup import current_context, is_socket, login_of, seconds_of
from .users import ANONYMOUS

if t.TYPE_CHECKING:
    from ..ctx import RequestContext

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

CHALLENGE = 'Cookie realm="login"'
"""SPEC(RFC 9110 §15.5.2): each 401 has a challenge; browsers ignore the schemes they don't know."""


class LoginRequired(Unauthorized):
    """Nobody is logged in, or not recently: 401. Register an error handler to answer otherwise.

    Attributes:
        fresh: Whether somebody is logged in, but has to prove again who they are.
    """

    def __init__(self, *, fresh: bool = False) -> None:
        super().__init__(
            "Log in again, please: this needs a recent login." if fresh else "Log in, please.",
            www_authenticate=t.cast("t.Any", (CHALLENGE,)),
        )
        self.fresh = fresh


def login_required(view: F) -> F:
    """Let only users who are logged in use a view, a hook or a method of a class-based view.

    Put it below the decorator that registers the view; above it, it guards nothing, which stops the
    start. It takes sync, async, typed and WebSocket views. For a whole class, list it in
    ``decorators``; for a blueprint, decorate a function of ``before_request``.

    Others are sent to ``LOGIN_VIEW`` if they are browsers that ask for a page with GET, with a
    parameter ``next`` to come back: see `next_url`. Everybody else gets a 401 (`LoginRequired`),
    also without ``LOGIN_VIEW``. A WebSocket is refused with 401, or 403 if the server can't.
    """
    return _guarded(view, fresh=False)


def fresh_login_required(view: F) -> F:
    """Do what `login_required` does, and ask users again who have not logged in recently.

    Recently is in the last ``LOGIN_FRESH_LIFETIME``, one hour, and with their password, rather
    than by a remembered browser. For what does harm: changing the password, deleting the account.
    """
    return _guarded(view, fresh=True)


def required_now(*, fresh: bool = False) -> t.Any:
    """Return the user of the current request; otherwise raise what refuses it."""
    user = user_now()
    _demand(user, fresh=fresh)
    return user


async def required_later(*, fresh: bool = False) -> t.Any:
    """Do what `required_now` does, on an event loop."""
    user = await user_later()
    _demand(user, fresh=fresh)
    return user


def _guarded(view: F, *, fresh: bool) -> F:
    function: t.Any = view
    if isinstance(function, type):
        raise TypeError(
            f"The class {function.__name__} is not a view itself. Write `decorators ="
            " [login_required]` in it."
        )
    if not callable(function):
        raise TypeError(f"login_required decorates a function, not {function!r}.")
    awaited: t.Any = function

    async def guard_coroutine(*args: t.Any, **kwargs: t.Any) -> t.Any:
        await required_later(fresh=fresh)
        return await awaited(*args, **kwargs)

    async def guard_decorated(*args: t.Any, **kwargs: t.Any) -> t.Any:
        await required_later(fresh=fresh)
        return await call(current_context().app, function, *args, **kwargs)

    def guard_function(*args: t.Any, **kwargs: t.Any) -> t.Any:
        required_now(fresh=fresh)
        return function(*args, **kwargs)

    guard: t.Any = guard_function
    if iscoroutinefunction(function):
        guard = guard_coroutine
    elif is_async(function):
        guard = guard_decorated
    guarded: t.Any = update_wrapper(guard, function)
    #: For whoever lists what views demand.
    guarded.demands_login = "fresh" if fresh else "any"
    note_decorator("fresh_login_required" if fresh else "login_required", guarded)
    return t.cast("F", guarded)


def _demand(user: t.Any, *, fresh: bool) -> None:
    """Refuse a request whose user does not suffice."""
    ctx = current_context()
    if user is not ANONYMOUS:
        if not fresh:
            return
        lifetime_s = seconds_of(ctx.app, "LOGIN_FRESH_LIFETIME")
        record = record_of(ctx)
        if record is not None and record.is_fresh(login_of(ctx.app).clock(), lifetime_s):
            return
    target = _login_page(ctx)
    if target is not None:
        # Raised, because a typed view or a hook can't return it.
        raise HTTPException(response=ctx.app.redirect(target))
    raise LoginRequired(fresh=user is not ANONYMOUS)


def _login_page(ctx: RequestContext) -> str | None:
    """Return where to send a browser that asks for a page; None for other clients."""
    app, request = ctx.app, ctx.request
    view: str | None = app.config.get("LOGIN_VIEW")
    if view is None or is_socket(ctx) or request.method not in {"GET", "HEAD"}:
        return None
    if "text/html" not in request.headers.get("Accept", ""):
        return None
    if view in {request.endpoint, request.path}:
        # The login page itself demands a login: a redirect to it would never end.
        return None
    here = path_of(request)
    if not view.startswith("/"):
        values = {} if here is None else {"next": here}
        return t.cast("str", t.cast("t.Any", app).url_for(view, **values))
    return view if here is None else f"{view}?next={quote(here, safe='/')}"
