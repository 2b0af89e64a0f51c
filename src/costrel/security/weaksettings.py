"""Find where the settings of an application switch a protection off, for an audit."""

from __future__ import annotations

import typing as t

from ..config import InDebugMode
from ..ground.protection import protection_of
from ..registration.safedefaults import LIMITS
from ..sessions.automatic import has_auto_name
from .csrf import gives_way
from .state import Exemption

if t.TYPE_CHECKING:
    from ..registration.application import App

_LIMITS = (
    *(name for name, value in LIMITS.items() if value is not None),
    "MAX_FORM_MEMORY_SIZE",
    "MAX_FORM_PARTS",
    "BODY_TIMEOUT_S",
    "SEND_TIMEOUT_S",
    "WEBSOCKET_MAX_MESSAGE_SIZE",
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
    path = app.config.get("DOCS_PATH")
    if protection is not None and path and not (app.debug or type(path) is InDebugMode):
        yield Exemption("openapi", "*", f"DOCS_PATH = {path!r}", "the setting DOCS_PATH")
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
    yield from _weak_cookie(app)
    yield from _trusting(config)
    for name in _LIMITS:
        value = config.get(name)
        if value is None or value is False:
            yield "limits", name, value


def _weak_cookie(app: App) -> Found:
    config = app.config
    for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"):
        if not config[name]:
            yield "sessions", name, config[name]
    site = config["SESSION_COOKIE_SAMESITE"]
    if site is None or str(site).lower() == "none":
        yield "sessions", "SESSION_COOKIE_SAMESITE", site
    # Each of these two loses the prefix, with which no other host of the domain can set the cookie.
    if config["SESSION_COOKIE_DOMAIN"]:
        yield "sessions", "SESSION_COOKIE_DOMAIN", config["SESSION_COOKIE_DOMAIN"]
    name = config["SESSION_COOKIE_NAME"]
    if not has_auto_name(app) and not name.lower().startswith("__host-"):
        yield "sessions", "SESSION_COOKIE_NAME", name
    if not config["MAX_COOKIE_SIZE"]:
        # Browsers drop a longer cookie, and nobody is told.
        yield "sessions", "MAX_COOKIE_SIZE", config["MAX_COOKIE_SIZE"]


def _trusting(config: t.Mapping[str, t.Any]) -> Found:
    """Yield the settings that say whom to believe, where they name somebody."""
    if config.get("CSRF_TRUSTED_ORIGINS"):
        yield "csrf", "CSRF_TRUSTED_ORIGINS", config["CSRF_TRUSTED_ORIGINS"]
    sockets = config["WEBSOCKET_ORIGINS"]
    if sockets and "*" in (
        sockets.replace(",", " ").split() if isinstance(sockets, str) else sockets
    ):
        yield "csrf", "WEBSOCKET_ORIGINS", sockets
    if config.get("RATE_LIMIT_ON_OUTAGE") == "allow":
        yield "rates", "RATE_LIMIT_ON_OUTAGE", "allow"
    if config.get("REQUEST_ID_TRUSTED"):
        yield "logs", "REQUEST_ID_TRUSTED", config["REQUEST_ID_TRUSTED"]
