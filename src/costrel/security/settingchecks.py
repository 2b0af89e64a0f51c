"""Read the settings of all protections once before the first request, so that no request fails.

Each feature reads its settings again when it compiles them, and raises the same errors then. From
the start on, each setting is checked where code sets it, so that what is wrong never counts.
"""

from __future__ import annotations

import math
import re
import typing as t
import weakref
from datetime import timedelta

from ..config import Config
from ..dispatch.proxies import trusted_proxies
from ..ground.origins import read_origins
from ..ground.protection import protection_of
from ..routing.listedhosts import check_listed_hosts, check_server_name
from ..sessions.installing import settle
from ..sessions.keys import keys_of
from ..sessions.lifetimes import Lifetimes
from .corspolicy import check_origin
from .limits import LOWEST, read_limit
from .quotas import quotas_of

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..settings.problems import Problem

Named = tuple[str, t.Callable[[], object]]
"""A setting, and what raises an error if it is wrong."""

_SITES = (None, "strict", "lax", "none")

_STORES = ("SESSION_STORE", "RATE_LIMIT_STORE")
"""What is opened when it is read, so last."""

_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")


def check_settings(app: App, changed: t.Collection[str] | None = None) -> None:
    """Raise an error if settings of an application's protections are wrong.

    It is the one that the feature raises. If several are wrong, it is a `SettingsError`, which is
    a `ValueError` too, and lists them all. Tests get it too, from their first request.

    Args:
        app: The application.
        changed: The settings to look at; None for all.
    """
    errors: list[tuple[str, Exception]] = []
    for name, read in sorted(_settings(app), key=lambda named: named[0] in _STORES):
        if changed is not None and not _is_among(name, changed):
            continue
        if changed is not None and errors and name in _STORES:
            continue  # it is not to be opened for nothing
        try:
            read()
        except (RuntimeError, TypeError, ValueError) as error:
            errors.append((name, error))
    if len(errors) == 1:
        raise errors[0][1]
    if errors:
        raise _error_of(app, errors)


def check_changes(app: App) -> None:
    """Have settings checked from now on where code sets them, which gets the error.

    SECURITY: a wrong value would fail every request, or be no protection. The one before stays.
    """
    found = weakref.ref(app)  # it holds the configuration

    def check(changed: t.Collection[str]) -> None:
        app = found()
        if app is not None:
            check_settings(app, changed)

    config: t.Any = app.config
    if isinstance(config, Config):
        config._check = check


def _is_among(name: str, changed: t.Collection[str]) -> bool:
    if name.endswith("_"):
        return any(key.startswith(name) for key in changed)
    return name in changed


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
    # They are not switched on.
    yield from _sockets(app)
    login = app.extensions.get("costrel.login")
    if login is not None:
        yield from login._settings_of(app)


def _hosts(app: App) -> t.Iterator[Named]:
    yield "TRUSTED_HOSTS", lambda: check_listed_hosts(app)
    yield "SERVER_NAME", lambda: check_server_name(app)
    yield "TRUSTED_PROXIES", lambda: trusted_proxies(app)


def _csrf(app: App) -> t.Iterator[Named]:
    key = "CSRF_TRUSTED_ORIGINS"
    yield key, lambda: read_origins(key, _listed(app, key))
    yield _flag(app, "CSRF_PROTECTION")


def _sockets(app: App) -> t.Iterator[Named]:
    yield "WEBSOCKET_ORIGINS", lambda: _check_socket_origins(_listed(app, "WEBSOCKET_ORIGINS"))


def _check_socket_origins(names: t.Iterable[t.Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise ValueError(  # noqa: TRY004  a setting has the wrong value
                f"WEBSOCKET_ORIGINS lists {name!r}. Write origins: 'https://shop.example'."
            )
        if name != "*":
            # Case and a slash at the end make no difference there.
            check_origin(name.rstrip("/").lower(), "WEBSOCKET_ORIGINS")


def _listed(app: App, key: str) -> t.Iterable[t.Any]:
    """Return what a setting lists; raises `ValueError` for what is no list."""
    value = app.config.get(key)
    if isinstance(value, str):
        # From an environment variable.
        return value.replace(",", " ").split()
    if value is None or isinstance(value, (list, tuple, set, frozenset)):
        return value or ()
    raise ValueError(f"{key} is {value!r}. Write a list of origins: ['https://shop.example'].")


def _flag(app: App, key: str) -> Named:
    return key, lambda: _check_flag(key, app.config.get(key))


def _check_flag(key: str, value: t.Any) -> None:
    # SECURITY: the text "False" counts as true.
    if value not in (None, True, False):
        raise ValueError(f"{key} is {value!r}. Write True or False.")


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
    for key in ("VIEW_TIMEOUT_S", "BODY_TIMEOUT_S", "WEBSOCKET_IDLE_S"):
        yield key, lambda key=key: _check_timeout(key, app.config.get(key))  # type: ignore[misc]
    key = "WEBSOCKET_MAX_MESSAGE_SIZE"
    yield key, lambda: _check_size(key, app.config.get(key))
    yield "STRICT_FORMS", lambda: _check_strict(app.config.get("STRICT_FORMS"))


def _check_strict(value: t.Any) -> None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"STRICT_FORMS is {value!r}. Write True or False.")


def _check_size(key: str, value: t.Any) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError(f"{key} is {value!r}. Write a whole number of bytes, or None.")


def _check_timeout(key: str, value: t.Any) -> None:
    if value is None:
        return
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not (value > 0 and math.isfinite(value))
    ):
        raise ValueError(f"{key} is {value!r}. Write a number of seconds, or None.")


def _rates(app: App) -> t.Iterator[Named]:
    from .limiter import MEMORY, ON_OUTAGE, check_outage

    yield _flag(app, "RATE_LIMIT_HEADERS")
    default = app.config.get("RATE_LIMIT_DEFAULT")
    if default:
        yield "RATE_LIMIT_DEFAULT", lambda: _check_rate(default)
    outage = app.config.get("RATE_LIMIT_ON_OUTAGE") or "memory"
    yield "RATE_LIMIT_ON_OUTAGE", lambda: check_outage(outage)
    store = app.config.get("RATE_LIMIT_STORE") or MEMORY
    if outage in ON_OUTAGE and store != MEMORY:
        protection = protection_of(app)
        # It connects later.
        yield "RATE_LIMIT_STORE", lambda: _check_store(store) and protection.rates.limiter  # type: ignore[union-attr]


def _check_store(store: t.Any) -> bool:
    if isinstance(store, str):
        return True
    raise ValueError(
        f"RATE_LIMIT_STORE is {store!r}. Write 'memory:', or the URL of a Redis server."
    )


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
    yield "SESSION_COOKIE_NAME", lambda: _check_cookie_name(config["SESSION_COOKIE_NAME"])
    yield "SESSION_COOKIE_DOMAIN", lambda: _check_domain(config["SESSION_COOKIE_DOMAIN"])
    yield "SESSION_COOKIE_PATH", lambda: _check_path(config["SESSION_COOKIE_PATH"])
    for key in (
        "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_PARTITIONED", "SESSION_REFRESH_EACH_REQUEST",
    ):  # fmt: skip
        yield _flag(app, key)


def _secrets(app: App) -> t.Iterator[Named]:
    yield "SECRET_KEY_FALLBACKS", lambda: list(keys_of(app))


def _check_cookie_name(value: t.Any) -> None:
    if not isinstance(value, str) or not _COOKIE_NAME.fullmatch(value):
        raise ValueError(f"SESSION_COOKIE_NAME is {value!r}. Write a name, such as 'session'.")


def _check_domain(value: t.Any) -> None:
    # SPEC(RFC 6265 §4.1.2.3): browsers ignore a cookie whose domain is anything else.
    if value and not (isinstance(value, str) and re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*", value)):
        raise ValueError(
            f"SESSION_COOKIE_DOMAIN is {value!r}. Write a host without scheme and port, such as"
            " 'example.com', or None for the host that is asked for."
        )


def _check_path(value: t.Any) -> None:
    if value and not (isinstance(value, str) and _PATH.fullmatch(value)):
        raise ValueError(
            f"SESSION_COOKIE_PATH is {value!r}. Write a path that begins with a slash, such as"
            " '/shop', or None for the one of the application."
        )


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
    if value not in (None, True, False, "auto"):
        raise ValueError(f"SESSION_COOKIE_SECURE is {value!r}. Write True, False or 'auto'.")


_BY_FEATURE: t.Mapping[str, t.Callable[[App], t.Iterator[Named]]] = {
    "hosts": _hosts,
    "csrf": _csrf,
    "headers": _headers,
    "limits": _limits,
    "rates": _rates,
    "sessions": _sessions,
    "secrets": _secrets,
}
