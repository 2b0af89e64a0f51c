"""Switch the protections of an application on."""

from __future__ import annotations

import importlib
import typing as t

from ..registration import misplaced
from ..registration.origin import caller
from ..registration.safedefaults import BY_FEATURE
from . import corsrules
from .state import Exemption, Security, security_of
from .weaksettings import setting_exemptions

if t.TYPE_CHECKING:
    from ..registration.application import App

INSTALLERS: t.Mapping[str, tuple[str, str]] = {
    "hosts": ("costrel.security.hosts", "install"),
    "limits": ("costrel.security.limits", "install"),
    "rates": ("costrel.security.rates", "install"),
    "csrf": ("costrel.security.csrf", "install"),
    "headers": ("costrel.security.headerrules", "install"),
    "sessions": ("costrel.sessions.installing", "install"),
    "secrets": ("costrel.sessions.keys", "install"),
    "logs": ("costrel.logging", "configure"),
}
"""The function that switches each feature on; it takes the application."""


def protect(
    app: App,
    *,
    hosts: bool = True,
    limits: bool = True,
    rates: bool = True,
    csrf: bool = True,
    headers: bool = True,
    sessions: bool = True,
    secrets: bool = True,
    logs: bool = True,
) -> Security:
    """Give a `Flask` the protections that `Costrel` has; `Costrel` calls it itself.

    Call it once the application exists, before its first request. Settings that nobody has set get
    the value of `Costrel`; what you set, before or after, stays, also if it is Flask's default.

    Args:
        app: The application.
        hosts: Serve only the hosts that are listed: see docs/hosts.md.
        limits: Limit the sizes of requests: see docs/limits.md.
        rates: Enforce the rates that `limit` declares: see docs/limits.md.
        csrf: Refuse requests that other sites have made: see docs/csrf.md.
        headers: Send the header fields that restrict browsers: see docs/headers.md.
        sessions: Use safe cookies for sessions, or a store: see docs/sessions.md.
        secrets: Refuse weak secret keys outside debug mode: see docs/secrets.md.
        logs: Set up logs and request ids: see docs/logging.md.

    Returns what protects the application, for an audit to read. Raises `ValueError` if a feature
    that is on already is to be left out: its settings and decorators are the way then.
    """
    wanted = {
        "hosts": hosts, "limits": limits, "rates": rates, "csrf": csrf, "headers": headers,
        "sessions": sessions, "secrets": secrets, "logs": logs,
    }  # fmt: skip
    security = security_of(app)
    app.config.hides_secrets = True
    corsrules.install(app)
    misplaced.install(app)
    for feature, is_wanted in wanted.items():
        if not is_wanted:
            _leave_out(security, feature)
        elif feature not in security.installed:
            _configure(app, feature)
            module, name = INSTALLERS[feature]
            getattr(importlib.import_module(module), name)(app)
            security.installed.add(feature)
    if setting_exemptions not in security.collectors:
        security.collectors.append(setting_exemptions)
        # First, since the others read settings too, and all that are wrong are reported together.
        app._start_checks = (_check_settings, *app._start_checks)
    return security


def _check_settings(app: App, *, served: bool) -> t.Iterable[str]:  # noqa: ARG001  for tests too
    """Raise an error if a setting is wrong, now and whenever one is set later."""
    # Imported here, because it loads what an application may not need before it starts.
    from .settingchecks import check_changes, check_settings

    check_settings(app)
    check_changes(app)
    return ()


def _leave_out(security: Security, feature: str) -> None:
    place = caller()
    if feature in security.installed:
        raise ValueError(
            f"protect(..., {feature}=False) ({place}) comes too late: {feature} is on already,"
            " because Costrel switches everything on itself. Change its settings, or make the"
            f" application a Flask and call protect(app, {feature}=False)."
        )
    security.exemptions.append(Exemption(feature, "*", f"protect(..., {feature}=False)", place))


def _configure(app: App, feature: str) -> None:
    """Set a feature's settings, except those that somebody has set."""
    declared = _declared(type(app))
    initial = declared[0] if declared else {}
    chosen = getattr(app.config, "_chosen", ())
    for key, value in BY_FEATURE[feature].items():
        if key not in app.config or (
            key not in chosen
            and key in initial
            and app.config[key] is initial[key]
            and not _is_written(declared, key)
            and initial[key] != value
        ):
            app.config[key] = value


Defaults = t.Mapping[str, t.Any]


def _declared(cls: type) -> list[Defaults]:
    """Return each ``default_config`` that a class or one it is derived from has, its own first."""
    found = (vars(base).get("default_config") for base in cls.__mro__)
    return [defaults for defaults in found if defaults]


def _is_written(declared: list[Defaults], key: str) -> bool:
    """Whether a subclass's ``default_config`` says a value, rather than repeat an inherited one.

    The last of them is Flask's, and the values in it nobody has written. A class that begins with
    ``**Costrel.default_config`` has all the keys of that, so it has written what differs from it,
    also if it is the same as Flask's. One that begins with those of `Flask` has not.
    """
    own, *others = declared
    for place, base in enumerate(others, 1):
        if key in base and base.keys() <= own.keys():
            return own[key] is not base[key] or _is_written(declared[place:], key)
    # It repeats nothing: these are all the settings that there are.
    return bool(others)
