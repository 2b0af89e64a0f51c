"""Logging in and out."""

from __future__ import annotations

import typing as t
from functools import partial

from ..dispatch.threads import hop_for
from . import attempts
from .current import keep, known_user, may_do, renew_session
from .record import LoginRecord
from .remembering import forget, keep_remembering
from .remembering import remember as begin_to_remember
from .setup import current_context, is_socket, login_of
from .signals import user_logged_in, user_logged_out
from .users import ANONYMOUS, fingerprint_of, id_of, is_active, itself

if t.TYPE_CHECKING:
    from ..ctx import RequestContext


def login_user(user: t.Any, *, remember: bool = False, fresh: bool = True) -> bool:
    """Log a user in to this browser, after their password has been verified.

    The session gets a new identity. What an anonymous visitor had in it stays, but nothing of
    another user. The attempts that were counted for the user are forgotten.

    Args:
        user: An object with an ``id`` or a ``get_id()``.
        remember: Whether to log the user in again when the session has ended, for
            ``LOGIN_REMEMBER_LIFETIME``, 30 days. Let the user choose, and not on shared computers.
            Without it, a browser that is remembered for another user is forgotten. One that is
            remembered for this user stays so, until the day it was to be forgotten, also if this
            request, whose user was loaded before, has changed the password.
        fresh: Whether the user has just proved who they are; see `fresh_login_required`.

    Returns False, and does nothing, if the user's ``is_active`` is false. Raises `TypeError` for
    a user without an id, and `RuntimeError` after a WebSocket was accepted. In an async view,
    await `login_user_async` if the session or `remember` uses a database.
    """
    ctx = _open_context("login_user")
    app = ctx.app
    setup = login_of(app)
    user = itself(user)
    user_id = id_of(user)
    if not is_active(user):
        return False
    bound = fingerprint_of(user)
    session: t.Any = ctx.session
    before = LoginRecord.of_session(session)
    # First, because its store may be out of order: then nothing has changed.
    if remember:
        begin_to_remember(setup, ctx, user_id, bound)
    elif before is None or before.user_id != user_id:
        forget(setup, ctx)
    elif before.fingerprint != bound and _is_known(ctx, user_id):
        keep_remembering(setup, ctx, before, bound)
    if before is not None and before.user_id != user_id:
        session.clear()
    renew_session(app, session)
    LoginRecord(user_id, fresh, int(setup.clock()), bound).write(session)
    keep(ctx, user)
    attempts.forget_attempts(setup, ctx)
    user_logged_in.send(app, _async_wrapper=app.ensure_sync, user=user)
    return True


def _is_known(ctx: RequestContext, user_id: str) -> bool:
    """Return whether this request was found to be from a user, before it logged them in again.

    SECURITY(stale login): so the session was bound to the password that the user has had until now,
    and not to one that was changed elsewhere.
    """
    user = known_user(ctx)
    return user is not None and id_of(user) == user_id


def logout_user() -> None:
    """Log the user of this browser out: end the session, with everything in it.

    A remembered browser is forgotten. Nothing happens if nobody is logged in, but the session is
    ended all the same. Raises `RuntimeError` after a WebSocket was accepted. In an async view,
    await `logout_user_async` if sessions or remembered browsers are in a database.
    """
    ctx = _open_context("logout_user")
    app = ctx.app
    setup = login_of(app)
    user = known_user(ctx)
    session: t.Any = ctx.session
    if may_do(session, "destroy"):
        session.destroy()
    else:
        session.clear()
    forget(setup, ctx)
    keep(ctx, ANONYMOUS)
    user_logged_out.send(app, _async_wrapper=app.ensure_sync, user=user)


async def login_user_async(user: t.Any, *, remember: bool = False, fresh: bool = True) -> bool:
    """Do what `login_user` does, in a thread, while the event loop goes on."""
    function = partial(login_user, user, remember=remember, fresh=fresh)
    return await hop_for(current_context().app, function)


async def logout_user_async() -> None:
    """Do what `logout_user` does, in a thread, while the event loop goes on."""
    await hop_for(current_context().app, logout_user)


def _open_context(name: str) -> RequestContext:
    """Return the current context; `RuntimeError` if its session can't be saved any more."""
    ctx = current_context()
    if is_socket(ctx) and ctx.websocket.accepted:
        raise RuntimeError(
            f"{name}() was called after the WebSocket was accepted. Its session is sent with the"
            " handshake, so call it before accept() and before the first message, or in a view that"
            " handles a request."
        )
    return ctx
