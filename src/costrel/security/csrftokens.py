"""Tokens that prove that a form, or a script, comes from this site's own pages.

They are for browsers that say nothing of where a request comes from. A token is made anew for
each page, so a compressed response does not give it away (SECURITY(BREACH)). It is signed with
``SECRET_KEY`` together with a random value that the visitor's session holds or, where there is no
session yet, a cookie that no other host can set: a token is worth nothing to anybody else.
SPEC(OWASP CSRF Prevention: synchronizer token, signed double submit)
"""

from __future__ import annotations

import hashlib
import re
import secrets
import typing as t
from functools import partial

from itsdangerous import Signer
from markupsafe import Markup

from ..ground.current import _request_context
from ..sessions.keyfiles import about_unread_file

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..wrappers import Request, Response

FIELD = "csrf_token"
"""The name of the form field."""

HEADER = "X-CSRF-Token"
"""The name of the header, for scripts."""

SESSION_KEY = "_csrf"
"""The key of the session's random value. A new session identity must not keep it."""

_USER_KEY = "_user_id"

_SALT = b"costrel.csrf."

_FIELD = Markup('<input type="hidden" name="{}" value="{}">')

_is_value = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII).fullmatch

_MADE = "_csrf_token"


def csrf_token() -> str:
    """Return the token of the current page, for a form field or a script's header.

    In a template, ``{{ csrf_token() }}``. A script sends it as ``X-CSRF-Token``. Where there is no
    session yet, the response gets a cookie; so call it before the response is sent, not in the
    middle of a stream. The response varies by cookie. All calls in a request return the same.

    Raises `RuntimeError` outside a request, and without a ``SECRET_KEY``.
    """
    ctx = _request_context()
    own = vars(ctx)
    made: str | None = own.get(_MADE)
    if made is None:
        made = own[_MADE] = _make(ctx)
    return made


def csrf_field() -> Markup:
    """Return the hidden input with the token, for a form in a template.

    There it is ``{{ csrf_field() }}``. Raises `RuntimeError`, as `csrf_token` does.
    """
    return _FIELD.format(FIELD, csrf_token())


def _make(ctx: t.Any) -> str:
    app, session = ctx.app, ctx.session
    if not app.secret_key:
        raise RuntimeError(
            "csrf_token() signs with SECRET_KEY, which is not set. Set it to a long random text"
            " that is kept secret; `costrel secret` makes one." + about_unread_file()
        )
    if session:
        value = session.get(SESSION_KEY)
        if not isinstance(value, str):
            value = session[SESSION_KEY] = secrets.token_urlsafe(16)
    else:
        value = _cookie_of(app, ctx.request)
        if value is None:
            value = secrets.token_urlsafe(16)
            keep = partial(_set_cookie, app, ctx.request, value)
            ctx._after_request_functions.append(keep)
    return _signer(app, value).sign(secrets.token_urlsafe(9)).decode("ascii")


def _signer(app: App, value: str) -> Signer:
    """Return what signs and verifies the tokens of a visitor's random value."""
    secret: t.Any = app.secret_key
    # SECURITY(GHSA-4grg-w6v8-c28g): the last key signs, all of them verify.
    keys = (*(app.config.get("SECRET_KEY_FALLBACKS") or ()), secret)
    return Signer(
        keys, salt=_SALT + value.encode(), key_derivation="hmac", digest_method=hashlib.sha256
    )


def cookie_name(app: App, request: Request) -> str:
    """Return the name of the cookie for visitors without a session.

    SECURITY(cookie tossing): browsers accept ``__Host-`` from this host only, and encrypted.
    """
    return "__Host-csrf" if _is_secure(app, request) else "csrf"


def _is_secure(app: App, request: Request) -> bool:
    return request.is_secure or not app.debug


def _cookie_of(app: App, request: Request) -> str | None:
    value: str | None = request.cookies.get(cookie_name(app, request))
    return value if value is not None and _is_value(value) else None


def _set_cookie(app: App, request: Request, value: str, response: Response) -> Response:
    response.set_cookie(
        cookie_name(app, request),
        value,
        path="/",
        secure=_is_secure(app, request),
        httponly=True,
        samesite="Lax",
    )
    return response


def fault_of_token(app: App, request: Request, *, reads_form: bool) -> str | None:
    """Return what is wrong with the token of a request; None if it is this visitor's.

    Args:
        app: The application.
        request: The request.
        reads_form: Whether to look for the token in the form, besides the header. The form is
            not read if the view reads the body itself, as it arrives.
    """
    token = request.headers.get(HEADER)
    if not token and reads_form and not _streams_body(app, request):
        token = request.form.get(FIELD)
    if not token:
        return f"there is no token: put {{{{ csrf_field() }}}} into the form, or send {HEADER}"
    if not app.secret_key:
        return "no token can be valid, since SECRET_KEY is not set"
    session = _request_context().session
    value = session.get(SESSION_KEY)
    if not isinstance(value, str):
        # SECURITY(login CSRF): whoever is logged in has a session, which the token must be of.
        value = None if session.get(_USER_KEY) is not None else _cookie_of(app, request)
    if value is None:
        return "its token is of no session: the cookie that goes with it is missing, or has expired"
    if not token.isascii() or not _signer(app, value).validate(token):
        return "its token is of another session, or was changed: the page may be an old one"
    return None


def _streams_body(app: App, request: Request) -> bool:
    view = app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "streams_body", False))
