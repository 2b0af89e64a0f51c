"""The settings of logins, checked at the start together with those of what protects them."""

from __future__ import annotations

import math
import typing as t
from datetime import timedelta

from ..security.quotas import quotas_of
from ..sessions.stores import SessionStore
from .passwords import check_cost
from .setup import DEFAULTS, EXTENSION, LoginSetup

if t.TYPE_CHECKING:
    from ..ground.protection import NamedCheck
    from ..registration.application import App


def login_settings(app: App) -> t.Iterator[NamedCheck]:
    """Yield the settings of an application's logins, with what raises an error for each."""
    setup: LoginSetup = app.extensions[EXTENSION]
    config = app.config
    yield "LOGIN_VIEW", lambda: _check_view(app)
    for key in ("LOGIN_LIMITS", "LOGIN_ADDRESS_LIMITS"):
        yield key, lambda key=key: _check_limits(setup, key, config.get(key))  # type: ignore[misc]
    yield "LOGIN_FRESH_LIFETIME", lambda: _check_lifetime(app, "LOGIN_FRESH_LIFETIME")
    yield "LOGIN_REMEMBER_LIFETIME", lambda: _check_remembering(app)
    yield "LOGIN_HASH_COST", lambda: _check_cost(config.get("LOGIN_HASH_COST"))
    yield "LOGIN_REMEMBER_STORE", lambda: _check_store(setup, app)


def _check_view(app: App) -> None:
    view = app.config.get("LOGIN_VIEW")
    if view is None:
        return
    if not isinstance(view, str):
        raise ValueError(  # noqa: TRY004  a setting has the wrong value
            f"LOGIN_VIEW is {view!r}. Write the endpoint of the login page, such as 'auth.login',"
            " or its path, such as '/login'."
        )
    if view in app.view_functions or (view.startswith("/") and not view.startswith("//")):
        return
    # Imported here, because only a mistake needs it.
    from difflib import get_close_matches

    near = get_close_matches(view, list(app.view_functions), n=1, cutoff=0.5)
    raise ValueError(
        f"LOGIN_VIEW is {view!r}, and there is no such endpoint."
        + (f" Did you mean {near[0]!r}?" if near else "")
        + " Write the name of the view, behind that of its blueprint, such as 'auth.login'; or a"
        " path, such as '/login'."
    )


def _check_limits(setup: LoginSetup, key: str, value: t.Any) -> None:
    if value is None or value == "":
        return
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004  a setting has the wrong value
            f"{key} is {value!r}. Write a text, such as {DEFAULTS[key]!r}, or None for no limit."
        )
    if setup.has_own_limiter:
        return  # which may read another text
    try:
        quotas_of(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _check_lifetime(app: App, key: str) -> None:
    value = app.config.get(key)
    if value is None:
        return
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, (int, float))
        or not (seconds > 0 and math.isfinite(seconds))
    ):
        raise ValueError(
            f"{key} is {value!r}. Write a timedelta, such as timedelta(hours=1), or a number of"
            " seconds."
        )


def _check_remembering(app: App) -> None:
    key = "LOGIN_REMEMBER_LIFETIME"
    if app.config.get(key, DEFAULTS[key]) is None:
        # Nobody should be remembered for ever.
        raise ValueError(f"{key} is None. Write a timedelta, such as timedelta(days=30).")
    _check_lifetime(app, key)


def _check_cost(value: t.Any) -> None:
    try:
        check_cost(value)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _check_store(setup: LoginSetup, app: App) -> None:
    value = app.config.get("LOGIN_REMEMBER_STORE")
    if value is None or setup.has_own_store:
        return
    if not isinstance(value, (str, SessionStore)) and not hasattr(value, "delete_of_user"):
        raise ValueError(
            f"LOGIN_REMEMBER_STORE is a {type(value).__name__}. Write the URL of a store, such as"
            " 'redis://localhost/0', or an object that is one."
        )
    # It connects later.
    setup.store_of(app)
