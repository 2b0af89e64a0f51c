"""Find where the settings of an application switch a protection off, for an audit."""

from __future__ import annotations

import typing as t

from ..ground.protection import protection_of
from ..registration.safedefaults import LIMITS
from .csrf import gives_way
from .state import Exemption

if t.TYPE_CHECKING:
    from ..registration.application import App

_LIMITS = (
    *(name for name, value in LIMITS.items() if value is not None),
    "MAX_FORM_MEMORY_SIZE",
    "MAX_FORM_PARTS",
)
"""The limits that have a value from the start."""

Found = t.Iterator[tuple[str, str, t.Any]]


def setting_exemptions(app: App) -> t.Iterator[Exemption]:
    """Yield what the settings have weakened of the features that are on."""
    protection = protection_of(app)
    installed = () if protection is None else protection.installed
    for feature, setting, value in _weak(app):
        if feature in installed:
            yield Exemption(feature, "*", f"{setting} = {value!r}", f"the setting {setting}")
    if "csrf" in installed and app.config.get("CSRF_PROTECTION", True):
        reason = gives_way(app)
        if reason is not None:
            yield Exemption("csrf", "*", reason, 'app.extensions["csrf"]')


def _weak(app: App) -> Found:
    config = app.config
    if config["TRUSTED_HOSTS"] is None:
        yield "hosts", "TRUSTED_HOSTS", None
    trusted = config.get("TRUSTED_PROXIES")
    if trusted and not (isinstance(trusted, t.Mapping) and "networks" in trusted):
        # Whoever reaches the application past its proxies is believed, too.
        yield "hosts", "TRUSTED_PROXIES", trusted
    yield from _weak_cookie(config)
    for name in _LIMITS:
        value = config.get(name)
        if value is None or value is False:
            yield "limits", name, value


def _weak_cookie(config: t.Mapping[str, t.Any]) -> Found:
    for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"):
        if not config[name]:
            yield "sessions", name, config[name]
    site = config["SESSION_COOKIE_SAMESITE"]
    if site is None or str(site).lower() == "none":
        yield "sessions", "SESSION_COOKIE_SAMESITE", site
