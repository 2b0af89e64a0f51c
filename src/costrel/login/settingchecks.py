"""Read the settings of logins once before the first request, so that no login fails by them."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from ..ground.protection import protection_of
from ..security.quotas import quotas_of
from .passwords import HashCost
from .setup import DEFAULTS, EXTENSION, LoginSetup

if t.TYPE_CHECKING:
    from ..registration.application import App


def settings_of(setup: LoginSetup, app: App) -> t.Iterator[tuple[str, t.Callable[[], object]]]:
    """Yield each setting, and what raises a `ValueError` if it is wrong."""
    config: t.Mapping[str, t.Any] = {**DEFAULTS, **app.config}
    if setup._limiter is None:
        for key in ("LOGIN_LIMITS", "LOGIN_ADDRESS_LIMITS"):
            yield key, lambda key=key: _check_limits(key, config[key])  # type: ignore[misc]
    for key in ("LOGIN_FRESH_LIFETIME", "LOGIN_REMEMBER_LIFETIME"):
        yield key, lambda key=key: _check_lifetime(key, config[key])  # type: ignore[misc]
    yield "LOGIN_VIEW", lambda: _check_view(app, config["LOGIN_VIEW"])
    yield "LOGIN_HASH_COST", lambda: _check_cost(config["LOGIN_HASH_COST"])


def check_settings(app: t.Any, *, served: bool) -> t.Iterable[str]:  # noqa: ARG001  for tests too
    """Raise the first error of an application's settings for logins.

    Where it is protected, they are checked with the settings of the protections.
    """
    if protection_of(app) is None:
        for _name, read in settings_of(app.extensions[EXTENSION], app):
            read()
    return ()


def _check_limits(key: str, value: t.Any) -> None:
    if not value:
        return  # attempts are not limited
    if not isinstance(value, str):
        message = f"{key} is {value!r}. Write a text, such as '5/minute; 20/hour'."
        raise ValueError(message)  # noqa: TRY004  a setting has the wrong value
    try:
        quotas_of(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _check_lifetime(key: str, value: t.Any) -> None:
    if value is None and key == "LOGIN_FRESH_LIFETIME":
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    length_s = value.total_seconds() if isinstance(value, timedelta) else value
    if not (is_number or isinstance(value, timedelta)) or not length_s > 0:
        raise ValueError(
            f"{key} is {value!r}. Write a timedelta, such as timedelta(hours=1), or a number of"
            " seconds."
        )


def _check_view(app: App, value: t.Any) -> None:
    if value is None or value in app.view_functions:
        return
    if not isinstance(value, str) or not value.startswith("/") or value.startswith("//"):
        raise ValueError(
            f"LOGIN_VIEW is {value!r}, which is no endpoint of this application. Write the name of"
            " one, such as 'login', or a path of this site, such as '/login'."
        )


def _check_cost(value: t.Any) -> None:
    if value is not None and not isinstance(value, HashCost):
        raise ValueError(
            f"LOGIN_HASH_COST is {value!r}. Write costrel.login.HashCost(...), or None."
        )
