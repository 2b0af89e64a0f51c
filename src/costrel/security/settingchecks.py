"""Read the settings of all protections once before the first request, so that no request fails.

Each feature reads its settings again when it compiles them, and raises the same errors then.
"""

from __future__ import annotations

import math
import typing as t
from datetime import timedelta

from ..dispatch.proxies import trusted_proxies
from ..ground.origins import read_origins
from ..ground.protection import protection_of
from ..routing.listedhosts import check_listed_hosts
from ..sessions.installing import settle
from ..sessions.lifetimes import Lifetimes
from .limits import LOWEST, read_limit
from .quotas import quotas_of

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..settings.problems import Problem

Named = tuple[str, t.Callable[[], object]]
"""A setting, and what raises an error if it is wrong."""

_SITES = (None, "strict", "lax", "none")


def check_settings(app: App) -> None:
    """Raise an error if settings of an application's protections are wrong.

    It is the one that the feature raises. If several are wrong, it is a `SettingsError`, which is
    a `ValueError` too, and lists them all. Tests get it too, from their first request.
    """
    errors: list[tuple[str, Exception]] = []
    for name, read in _settings(app):
        try:
            read()
        except (RuntimeError, TypeError, ValueError) as error:
            errors.append((name, error))
    if len(errors) == 1:
        raise errors[0][1]
    if errors:
        raise _error_of(app, errors)


def _error_of(app: App, errors: list[tuple[str, Exception]]) -> Exception:
    # Imported here, because only a mistake needs it.
    from ..settings import environment
    from ..settings.problems import Problem, SettingsError

    class WrongSettingsError(SettingsError, ValueError):
        """Raised at the start if several settings are wrong."""

    WrongSettingsError.__qualname__ = "WrongSettingsError"
    problems = [_problem(name, str(error), Problem) for name, error in errors]
    return WrongSettingsError(environment(debug=app.debug), problems)


def _problem(name: str, message: str, make: type[Problem]) -> Problem:
    begins = message.startswith(name)
    return make(name, message.removeprefix(name) if begins else f": {message}")


def _settings(app: App) -> t.Iterator[Named]:
    protection = protection_of(app)
    installed = set() if protection is None else protection.installed
    for feature, found in _BY_FEATURE.items():
        if feature in installed:
            yield from found(app)


def _hosts(app: App) -> t.Iterator[Named]:
    yield "TRUSTED_HOSTS", lambda: check_listed_hosts(app)
    yield "TRUSTED_PROXIES", lambda: trusted_proxies(app)


def _csrf(app: App) -> t.Iterator[Named]:
    key = "CSRF_TRUSTED_ORIGINS"
    yield key, lambda: read_origins(key, app.config.get(key))


def _headers(app: App) -> t.Iterator[Named]:
    from .headerlayers import config_layers

    for key in (
        "SECURITY_HEADERS", "CONTENT_SECURITY_POLICY", "CONTENT_SECURITY_POLICY_REPORT_ONLY",
    ):  # fmt: skip
        # One alone, so that each is reported.
        alone: dict[str, t.Any] = {
            "SECURITY_HEADERS": {},
            "CONTENT_SECURITY_POLICY": {},
            key: app.config.get(key),
        }
        yield key, lambda alone=alone: config_layers(alone)  # type: ignore[misc]


def _limits(app: App) -> t.Iterator[Named]:
    for key in LOWEST:
        yield key, lambda key=key: read_limit(app, key)  # type: ignore[misc]
    yield "VIEW_TIMEOUT_S", lambda: _check_timeout(app.config.get("VIEW_TIMEOUT_S"))
    yield "STRICT_FORMS", lambda: _check_strict(app.config.get("STRICT_FORMS"))


def _check_strict(value: t.Any) -> None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"STRICT_FORMS is {value!r}. Write True or False.")


def _check_timeout(value: t.Any) -> None:
    if value is None:
        return
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not (value > 0 and math.isfinite(value))
    ):
        raise ValueError(f"VIEW_TIMEOUT_S is {value!r}. Write a number of seconds, or None.")


def _rates(app: App) -> t.Iterator[Named]:
    from .limiter import MEMORY, ON_OUTAGE

    default = app.config.get("RATE_LIMIT_DEFAULT")
    if default:
        yield "RATE_LIMIT_DEFAULT", lambda: _check_rate(default)
    outage = app.config.get("RATE_LIMIT_ON_OUTAGE") or "memory"
    store = app.config.get("RATE_LIMIT_STORE") or MEMORY
    if outage not in ON_OUTAGE or store != MEMORY:
        protection = protection_of(app)
        # It connects later.
        yield "RATE_LIMIT_STORE", lambda: protection and protection.rates.limiter


def _check_rate(limits: t.Any) -> None:
    if not isinstance(limits, str):
        message = f"RATE_LIMIT_DEFAULT is {limits!r}. Write a text, such as '10/minute'."
        raise ValueError(message)  # noqa: TRY004  a setting has the wrong value
    try:
        quotas_of(limits)
    except ValueError as error:
        raise ValueError(f"RATE_LIMIT_DEFAULT: {error}") from None


def _sessions(app: App) -> t.Iterator[Named]:
    config = app.config
    yield "SESSION_STORE", lambda: settle(app)
    # It names the one that is wrong.
    yield "SESSION_", lambda: Lifetimes.of(config)
    yield "PERMANENT_SESSION_LIFETIME", lambda: _check_lifetime(app)
    yield "SESSION_COOKIE_SAMESITE", lambda: _check_site(config["SESSION_COOKIE_SAMESITE"])
    yield "SESSION_COOKIE_SECURE", lambda: _check_secure(config["SESSION_COOKIE_SECURE"])


def _check_lifetime(app: App) -> None:
    lifetime: t.Any = None
    value = app.config["PERMANENT_SESSION_LIFETIME"]
    if not isinstance(value, (str, bytes)):
        lifetime = app.permanent_session_lifetime
    if not isinstance(lifetime, timedelta):
        raise ValueError(  # noqa: TRY004  a setting has the wrong value
            f"PERMANENT_SESSION_LIFETIME is {value!r}. Write a timedelta, such as"
            " timedelta(days=7), or a number of seconds."
        )


def _check_site(value: t.Any) -> None:
    if (value.lower() if isinstance(value, str) else value) not in _SITES:
        raise ValueError(
            f"SESSION_COOKIE_SAMESITE is {value!r}. Write 'Lax', 'Strict', 'None' for cookies that"
            " other sites' pages send too, or None to say nothing of it."
        )


def _check_secure(value: t.Any) -> None:
    if isinstance(value, str) and value != "auto":
        raise ValueError(f"SESSION_COOKIE_SECURE is {value!r}. Write True, False or 'auto'.")


_BY_FEATURE: t.Mapping[str, t.Callable[[App], t.Iterator[Named]]] = {
    "hosts": _hosts,
    "csrf": _csrf,
    "headers": _headers,
    "limits": _limits,
    "rates": _rates,
    "sessions": _sessions,
}
