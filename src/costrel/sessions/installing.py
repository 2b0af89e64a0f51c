"""Put the safe session interface in place, or the one that ``SESSION_STORE`` asks for."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass

from ..ground.protection import protection_of, security_of
from . import SecureCookieSessionInterface, SessionInterface
from .automatic import PLAIN, REMOTE, AutoName, cookie_name, has_auto_name
from .safe import SafeSessionInterface

COOKIE = "cookie:"
"""The value of ``SESSION_STORE`` that keeps sessions in their cookie."""

_lock = threading.Lock()


@dataclass(slots=True)
class Sessions:
    """Which session interface was put in place, for an audit to read.

    Attributes:
        interface: The interface. One that somebody has set on the application instead counts.
        store: The value of ``SESSION_STORE`` that it was made for.
    """

    interface: SessionInterface
    store: t.Any = COOKIE


def install(app: t.Any) -> None:
    """Give an application the safe session interface, unless it has one of its own.

    ``SESSION_STORE`` is read later, when the first session is opened or the application is
    compiled, because applications are configured after they were created.
    """
    if (
        "session_interface" in vars(app)
        or type(app.session_interface) is not SecureCookieSessionInterface
    ):
        return
    interface = _make_safe()
    security_of(app).sessions = Sessions(interface)
    app.session_interface = interface
    if has_auto_name(app):
        _tell_name(app, PLAIN)


def settle(app: t.Any) -> SessionInterface:
    """Return the session interface, after it was changed if ``SESSION_STORE`` has changed.

    Raises what the store raises for a value that it can't use. An interface that somebody has
    set on the application stays.
    """
    current: SessionInterface = app.session_interface
    security = protection_of(app)
    state: Sessions | None = None if security is None else security.sessions
    if state is None or current is not state.interface:
        return current
    store = app.config.get("SESSION_STORE") or COOKIE
    if store != state.store:
        # Only one thread opens the store.
        with _lock:
            if store != state.store:
                made = _make_safe() if store == COOKIE else _open(app, store)
                state.interface, state.store = made, store
                app.session_interface = made
    if isinstance(state.interface, SafeSessionInterface) and has_auto_name(app):
        interface = state.interface
        domain, path = interface.get_cookie_domain(app), interface.get_cookie_path(app)
        _tell_name(app, cookie_name(app, REMOTE, domain, path))
    return state.interface


def _open(app: t.Any, store: t.Any) -> SessionInterface:
    # Imported here, because most applications have no store.
    from .choosing import choose_interface

    return choose_interface(app, store)


def _make_safe() -> SafeSessionInterface:
    interface = SafeSessionInterface()
    interface._choose = settle
    return interface


def _tell_name(app: t.Any, name: str) -> None:
    """Let extensions read the cookie's name in the configuration, without a new epoch."""
    dict.__setitem__(app.config, "SESSION_COOKIE_NAME", AutoName(name))
