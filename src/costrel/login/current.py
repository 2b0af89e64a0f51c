"""The user of the current request: found once, when somebody first asks."""

from __future__ import annotations

import typing as t

from werkzeug.local import LocalProxy

from ..dispatch.calls import call
from ..dispatch.loop import _blocks_serving_loop
from ..dispatch.threads import hop_for
from ..ground.current import request_view
from ..sessions import SessionMixin, opens_lazily
from .record import LoginRecord, erase
from .remembering import Remembered, can_save, forget, has_cookie, recognise, settle
from .setup import LoginSetup, current_context, is_socket, login_of
from .signals import user_remembered
from .users import ANONYMOUS, fingerprint_of, id_of, is_active, is_bound, or_none

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..registration.application import App

_USER = "_login_user"

_AWAIT_FIRST = (
    "The user of this request is not loaded yet, and {name}() is async, so `current_user` can't"
    " wait for it on the event loop. Write `await load_current_user()` first, or decorate the view"
    " with @login_required, which does that."
)


def user_now() -> t.Any:
    """Return the user of the current request, or `ANONYMOUS`; loads it at the first call."""
    ctx = current_context()
    known = vars(ctx).get(_USER)
    if known is not None:
        return known
    app = ctx.app
    setup = login_of(app)
    found = _logged_in(setup, ctx)
    if found is None:
        return keep(ctx, ANONYMOUS)
    load = setup.loader
    if setup.loads_later:
        if _blocks_serving_loop():
            raise RuntimeError(_AWAIT_FIRST.format(name=getattr(load, "__name__", repr(load))))
        load = app.ensure_sync(load)
    return keep(ctx, _admit(setup, ctx, found, load(found.user_id)))


async def user_later() -> t.Any:
    """Do what `user_now` does, on an event loop: sync steps that may wait run in threads."""
    ctx = current_context()
    known = vars(ctx).get(_USER)
    if known is not None:
        return known
    app = ctx.app
    setup = login_of(app)
    found: LoginRecord | Remembered | None = None
    opens_at_once = "_opened_session" in vars(ctx) or opens_lazily(app.session_interface)
    if opens_at_once:
        found = LoginRecord.of_session(ctx.session)
    waits = not opens_at_once or has_cookie(ctx) if found is None else found.receipt is not None
    if waits:
        found = await hop_for(app, _logged_in, setup, ctx)
    if found is None:
        return keep(ctx, ANONYMOUS)
    user = await call(app, setup.loader, found.user_id)
    if isinstance(found, Remembered):
        return keep(ctx, await hop_for(app, _admit, setup, ctx, found, user))
    return keep(ctx, _admit(setup, ctx, found, user))


async def load_current_user() -> t.Any:
    """Load the user of the current request, and return it; None if nobody is logged in.

    Use it in async views that are not decorated with ``@login_required``. It awaits an async
    ``load_user``, and calls a sync one in a thread. From then on, ``current_user`` is at hand.
    """
    return or_none(await user_later())


def known_user(ctx: RequestContext) -> t.Any:
    """Return the user of a request if it has been loaded, and somebody is logged in; else None."""
    return or_none(vars(ctx).get(_USER))


def keep(ctx: RequestContext, user: t.Any) -> t.Any:
    """Let a user be the one of a request from here on."""
    vars(ctx)[_USER] = user
    return user


def record_of(ctx: RequestContext) -> LoginRecord | None:
    """Return what the session of a request holds of its login."""
    return LoginRecord.of_session(ctx.session)


def renew_session(app: App, session: t.Any) -> None:
    """Give a session a new identity, so that nobody who knew the old one has the new one.

    SECURITY(session fixation): at each login, whoever the session belonged to.
    """
    if may_do(session, "regenerate"):
        session.regenerate()
        return
    # COMPAT(Flask-Session): its interface does it.
    regenerate = getattr(app.session_interface, "regenerate", None)
    if regenerate is not None:
        regenerate(session)


def may_do(session: t.Any, name: str) -> bool:
    """Return whether a session has a method that Flask's sessions lack, of its own."""
    method = getattr(type(session), name, None)
    return method is not None and method is not getattr(SessionMixin, name, None)


def _logged_in(setup: LoginSetup, ctx: RequestContext) -> LoginRecord | Remembered | None:
    """Return what says who is logged in: the session or, if it does not, a remembered browser."""
    record = LoginRecord.of_session(ctx.session)
    if record is not None and record.receipt is not None:
        record = settle(setup, ctx, record)
    return record or recognise(setup, ctx)


def _admit(
    setup: LoginSetup, ctx: RequestContext, found: LoginRecord | Remembered, user: t.Any
) -> t.Any:
    """Return a loaded user if the login is still good; otherwise end it, and return `ANONYMOUS`.

    It is not if the user was deleted, is no longer active, or has changed the password.
    """
    is_good = user is not None and is_active(user) and is_bound(user, found.fingerprint)
    if not is_good:
        if isinstance(found, Remembered):
            forget(setup, ctx)
        elif can_save(ctx):
            erase(ctx.session)
        return ANONYMOUS
    if isinstance(found, Remembered):
        app = ctx.app
        # SECURITY(cookie theft): a handshake does not use the cookie up, so that a stolen one would
        # be worth any number of sessions. It lets in that WebSocket, and nothing else.
        if not is_socket(ctx):
            session = ctx.session
            renew_session(app, session)
            bound = fingerprint_of(user)
            LoginRecord(id_of(user), False, None, bound, found.receipt).write(session)
        user_remembered.send(app, _async_wrapper=app.ensure_sync, user=user)
    return user


class CurrentUser(LocalProxy[t.Any]):
    """The class of `current_user`."""

    __slots__ = ()

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody is logged in; also for users without this attribute."""
        return user_now() is not ANONYMOUS

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is logged in."""
        return user_now() is ANONYMOUS

    def __bool__(self) -> bool:
        """Whether somebody is logged in; false outside a request, like the other proxies."""
        return request_view.get(None) is not None and user_now() is not ANONYMOUS


current_user: t.Any = CurrentUser(user_now)
"""The user of the current request; false, and an `AnonymousUser`, if nobody is logged in.

The user is loaded when this is first used. In an async view, that calls a sync ``load_user`` on the
event loop, and raises `RuntimeError` if it is async: await `load_current_user` first, or use
`login_required`. Outside a request, using it raises `RuntimeError`.
"""
