"""What Flask-Login has and `Login` has not, and what to write instead."""

from __future__ import annotations

import typing as t

_MESSAGE = (
    "No message is flashed. Where the page of LOGIN_VIEW is asked for with `next`, say in its"
    " template why."
)
_AFRESH = "Those who have not logged in recently are sent to LOGIN_VIEW too, or get a 401."
_SETTING = 'Set it in the configuration: app.config["LOGIN_VIEW"] = {value}, an endpoint or a path.'
_SESSION = (
    "Sessions get a new identity at each login. For lifetimes see SESSION_IDLE_LIFETIME and"
    " SESSION_ABSOLUTE_LIFETIME."
)

_INSTEAD: t.Mapping[str, str] = {
    "login_view": _SETTING,
    "blueprint_login_views": _SETTING,
    "login_message": _MESSAGE,
    "login_message_category": _MESSAGE,
    "localize_callback": _MESSAGE,
    "refresh_view": _AFRESH,
    "needs_refresh_message": _AFRESH,
    "needs_refresh_message_category": _AFRESH,
    "needs_refresh_handler": _AFRESH,
    "session_protection": _SESSION,
    "anonymous_user": "Ask for `current_user.is_authenticated`, or `login.user()`, which is None.",
    "id_attribute": "Give users a `get_id()`, or an `id`.",
    "unauthorized": "Raise costrel.login.LoginRequired(), or place @login_required on the view.",
    "unauthorized_handler": "Register an error handler for costrel.login.LoginRequired.",
    "request_loader": (
        "For tokens of an API, write a dependency of typed views, or a `before_request` hook."
    ),
    "request_callback": "Only sessions and remembered browsers tell who is logged in.",
    "user_callback": "Decorate the function with @login.user_loader, or pass load_user=...",
}


def what_instead(name: str, value: t.Any = None) -> str | None:
    """Return what to write instead of an attribute of Flask-Login's manager; None for others."""
    words = _INSTEAD.get(name)
    return None if words is None else words.replace("{value}", repr(value or "auth.login"))
