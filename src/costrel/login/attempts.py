"""How often somebody may try to log in."""

from __future__ import annotations

import hashlib
import math
import typing as t
import unicodedata

from werkzeug.exceptions import TooManyRequests

from ..ground.securitylog import security_log
from ..security.clientkeys import address_key
from .setup import DEFAULTS, LoginSetup
from .signals import login_refused

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..registration.application import App

BY_NAME, BY_ADDRESS = "login.name", "login.address"
"""What the counters are called in the limiter's store."""

SHOWN_CHARACTERS = 2
"""How much of a refused name is logged; `login_refused` passes on all of it."""

_COUNTED = "_login_attempts"

_LEFT_OUT = frozenset({"Cc", "Cf", "Cn", "Me", "Mn"})
"""Categories of characters that don't count in a name: control, format, unassigned, and marks."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing: fillers of Hangul, and Braille without dots."""


def count_attempt(setup: LoginSetup, ctx: RequestContext, name: str) -> None:
    """Count an attempt to log in; see `Login.attempt`."""
    config = ctx.app.config
    address = ctx.request.remote_addr
    key = _key_of_name(name)
    # The address first: who tries too often from one does not use up the attempts of the name.
    counters = (
        (BY_ADDRESS, "LOGIN_ADDRESS_LIMITS", address_key(address)),
        (BY_NAME, "LOGIN_LIMITS", key),
    )
    for counter, setting, what in counters:
        limits = config.get(setting, DEFAULTS[setting])
        if limits:
            _hit(setup, ctx, counter, setting, limits, what, name)
    vars(ctx).setdefault(_COUNTED, []).append(key)


def forget_attempts(setup: LoginSetup, ctx: RequestContext) -> None:
    """Forget the attempts of the names that this request has logged in with.

    Those of the address stay: otherwise somebody with one account could try any number of others.
    The first time that none was counted, the log says so.
    """
    if _COUNTED not in vars(ctx):
        _tell_uncounted(setup, ctx.app)
    for key in vars(ctx).pop(_COUNTED, ()):
        setup.limiter_of(ctx.app).reset(BY_NAME, key)


def _tell_uncounted(setup: LoginSetup, app: App) -> None:
    config = app.config
    if setup.has_told_uncounted or app.testing:
        return
    if any(config.get(name, DEFAULTS[name]) for name in ("LOGIN_LIMITS", "LOGIN_ADDRESS_LIMITS")):
        setup.has_told_uncounted = True
        security_log.warning(
            "A user was logged in, but no attempt was counted, so that passwords can be guessed"
            " without a limit. Before the password is verified, call login.attempt(name), with the"
            " Login of the application. A login without a password, as after signing up, needs"
            " none. This is logged once."
        )


def _hit(
    setup: LoginSetup,
    ctx: RequestContext,
    counter: str,
    setting: str,
    limits: str,
    key: str,
    name: str,
) -> None:
    app = ctx.app
    status = setup.limiter_of(app).hit(counter, limits, key)
    if status.allowed:
        return
    address = ctx.request.remote_addr
    app.logger.warning(
        # SECURITY(secrets): people type passwords into the wrong field, and texts of any length.
        "Refused an attempt to log in as %a... from %s: too many %s (%s = %r)",
        name[:SHOWN_CHARACTERS],
        address,
        "from this address" if counter == BY_ADDRESS else "for this name",
        setting,
        limits,
    )
    login_refused.send(app, _async_wrapper=app.ensure_sync, name=name, address=address)
    raise TooManyRequests(
        "There were too many attempts to log in. Try again later.",
        retry_after=max(1, math.ceil(status.reset_s)),
    )


def _key_of_name(name: str) -> str:
    """Return a name as it is counted: of bounded length, however it is written.

    It is hashed, because people type passwords into the wrong field.
    """
    parts = unicodedata.normalize("NFKD", name[:1024].casefold())
    # What can't be seen, accents, and strokes: databases find the same user with and without them.
    seen = "".join(
        c if c.isascii() else _without_stroke(c)
        for c in parts
        if c not in _BLANK and unicodedata.category(c) not in _LEFT_OUT
    )
    folded = unicodedata.normalize("NFKC", seen).casefold().strip()
    return hashlib.sha256(folded.encode(errors="surrogatepass")).hexdigest()[:32]


def _without_stroke(char: str) -> str:
    """Return the letter that one with a stroke, a hook or the like is made of: o for \u00f8."""
    base, found, _ = unicodedata.name(char, "").partition(" WITH ")
    try:
        return unicodedata.lookup(base) if found else char
    except KeyError:
        return char
