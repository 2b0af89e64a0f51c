"""The cookie of a remembered browser: read, sent, replaced and deleted."""

from __future__ import annotations

import typing as t

from ..sessions.automatic import LOCAL, transport_of
from ..sessions.stores import SessionStore, user_text
from .series import Finding, Series, split_cookie
from .setup import LoginSetup, is_socket, seconds_of
from .signals import remember_theft_detected

if t.TYPE_CHECKING:
    from ..ctx import RequestContext

Change = t.Callable[[t.Any], None]
"""Sets or deletes the cookie on a response."""

_CHANGE = "_remember_change"


def remember(setup: LoginSetup, ctx: RequestContext, user_id: str, bound: str | None) -> None:
    """Begin to remember this browser, in place of what it was remembered for.

    Raises `RuntimeError` in a WebSocket view.
    """
    if is_socket(ctx):
        raise RuntimeError(
            "A WebSocket can't set the cookie of a remembered browser. Call"
            " login_user(..., remember=True) in a view that handles a request."
        )
    lifetime_s = seconds_of(ctx.app, "LOGIN_REMEMBER_LIFETIME")
    if lifetime_s is None:
        # Nobody should be remembered for ever.
        raise ValueError("LOGIN_REMEMBER_LIFETIME is None. Set it to a timedelta or to seconds.")
    forget(setup, ctx)
    series, cookie = Series.start(user_id, bound, setup.clock(), lifetime_s)
    setup.store_of(ctx.app).add(series)
    _at_end(ctx, lambda response: _set(ctx, response, cookie, lifetime_s))


def recognise(setup: LoginSetup, ctx: RequestContext) -> Series | None:
    """Return the series of the request's cookie if that logs in; None otherwise.

    The response will have the next cookie of the series. A stolen cookie ends all series of the
    user; one that somebody has made up is only deleted. Asks the store, which may wait.
    """
    found = _find(setup, ctx)
    if found is None:
        return None
    series, finding, mark = found
    if finding is Finding.VALID:
        _replace_at_end(setup, ctx, series, mark)
    elif finding is Finding.UNKNOWN:
        _delete(ctx)
        return None
    elif finding is Finding.EXPIRED:
        setup.store_of(ctx.app).delete(series.selector)
        _delete(ctx)
        return None
    elif finding is Finding.STOLEN:
        _tell_theft(setup, ctx, series)
        return None
    return series


def forget(setup: LoginSetup, ctx: RequestContext) -> None:
    """End the series of the request's cookie, if it has one, and delete the cookie.

    SECURITY(cookie theft): a cookie that was used before tells of a thief here too, who would
    otherwise stay remembered. One that never was of the series ends nothing.
    """
    found = _find(setup, ctx)
    if found is None:
        return
    series, finding, _mark = found
    _delete(ctx)
    if finding is Finding.STOLEN:
        _tell_theft(setup, ctx, series)
    elif finding is not Finding.UNKNOWN:
        setup.store_of(ctx.app).delete(series.selector)


def _find(setup: LoginSetup, ctx: RequestContext) -> tuple[Series, Finding, str] | None:
    """Return the series of the request's cookie, what the cookie is worth, and its mark.

    A cookie of no series is deleted.
    """
    value = ctx.request.cookies.get(_name(ctx))
    if value is None:
        return None
    parts = split_cookie(value)
    series = None if parts is None else setup.store_of(ctx.app).get(parts.selector)
    if parts is None or series is None:
        _delete(ctx)
        return None
    return series, series.judge(parts, setup.clock()), parts.mark


def has_cookie(ctx: RequestContext) -> bool:
    """Return whether the request comes from a remembered browser, or claims to."""
    return _name(ctx) in ctx.request.cookies


def _tell_theft(setup: LoginSetup, ctx: RequestContext, series: Series) -> None:
    """SECURITY(cookie theft): whoever came first may be the thief, so nobody stays remembered."""
    app = ctx.app
    setup.store_of(app).delete_of_user(series.user_id)
    interface: t.Any = app.session_interface
    if isinstance(getattr(interface, "store", None), SessionStore):
        interface.call(app, interface.store.delete_of_user, user_text(series.user_id))
    _delete(ctx)
    app.logger.warning(
        "A cookie of a remembered browser of the user %r was used twice, now by %s. It was"
        " probably stolen, so all remembered browsers of this user were forgotten",
        series.user_id,
        ctx.request.remote_addr,
    )
    remember_theft_detected.send(app, _async_wrapper=app.ensure_sync, user_id=series.user_id)


def _replace_at_end(setup: LoginSetup, ctx: RequestContext, series: Series, mark: str) -> None:
    """Replace the cookie when the response is sent.

    INVARIANT: a validator is used up only by a response that has the next one. If the headers
    have left already, or this is a WebSocket, the browser would otherwise look like a thief.
    """

    def replace(response: t.Any) -> None:
        now = setup.clock()
        rotated, cookie = series.rotate(mark, now)
        # False if another request of this browser was faster, or if it was forgotten meanwhile.
        if setup.store_of(ctx.app).replace(rotated, series.validator_hash):
            _set(ctx, response, cookie, series.expires_at - now)

    _at_end(ctx, replace)


def _delete(ctx: RequestContext) -> None:
    _at_end(ctx, lambda response: response.delete_cookie(_name(ctx), **_attributes(ctx)))


def _at_end(ctx: RequestContext, change: Change) -> None:
    """Change the cookie on the response; of several changes in a request, the last one counts.

    SPEC(RFC 6265 §4.1.1): a response sets each cookie at most once.
    """
    if is_socket(ctx):
        return
    is_first = _CHANGE not in vars(ctx)
    vars(ctx)[_CHANGE] = change
    if is_first:

        def change_cookie(response: t.Any) -> t.Any:
            vars(ctx)[_CHANGE](response)
            return response

        ctx._after_request_functions.append(change_cookie)


def _set(ctx: RequestContext, response: t.Any, cookie: str, lifetime_s: float) -> None:
    response.set_cookie(_name(ctx), cookie, max_age=int(lifetime_s), **_attributes(ctx))


def _name(ctx: RequestContext) -> str:
    """SECURITY(cookie tossing): with this prefix, no other host and no plain HTTP can set it.

    COMPAT(Chrome): over plain HTTP, it takes no cookie with the prefix from localhost.
    """
    is_local = transport_of(ctx.environ) == LOCAL
    return "remember" if is_local or not _is_secure(ctx) else "__Host-remember"


def _attributes(ctx: RequestContext) -> dict[str, t.Any]:
    return {"path": "/", "secure": _is_secure(ctx), "httponly": True, "samesite": "Lax"}


def _is_secure(ctx: RequestContext) -> bool:
    """Only in debug mode does the cookie work over plain HTTP, except on localhost."""
    return not ctx.app.debug or ctx.request.is_secure
