"""Compile the cookie of an application's sessions."""

from __future__ import annotations

import typing as t

from ..config import Config
from ..ground.redaction import Secret, SecretBytes
from ..ground.shortways import find, is_open, is_open_for
from ..wrappers import Response
from . import SecureCookieSessionInterface, SessionInterface
from .cookie import SessionCookie
from .safe import SafeSessionInterface
from .safecookie import CookiesByTransport
from .signing import signs_as_imported

if t.TYPE_CHECKING:
    from .storedcookie import StoredCookie

    Cookie = SessionCookie | CookiesByTransport | StoredCookie

_INTERFACES: dict[type, tuple[str, t.Callable[[t.Any, t.Any], Cookie]]] = {
    SecureCookieSessionInterface: ("_may_compile_cookie", SessionCookie.of_interface),
    SafeSessionInterface: ("_may_compile_safe_cookie", CookiesByTransport),
}


_KEYS = (str, bytes, Secret, SecretBytes)
"""The types of keys; another one may do something when it is used."""


def compile_cookie(app: t.Any) -> Cookie | None:
    """Compile the cookie of an application's sessions; None if its interface must be asked."""
    interface = app.session_interface
    if getattr(interface, "waits_for_store", False):
        return _compile_stored(app, interface)
    found = _INTERFACES.get(type(interface))
    if found is None:
        return None
    way, compile_for = found
    if not (
        _is_usual(app, interface, way)
        and type(app.secret_key) in _KEYS
        and is_open("_may_find_cookie", app.request_class)
        and signs_as_imported()
    ):
        return None
    try:
        serializer = interface._make_signing_serializer((app.secret_key,))
        if type(serializer) is not interface._serializer_class:
            return None
        return compile_for(app, serializer)
    except Exception:  # noqa: BLE001  an invalid setting: raised again for a session that needs it
        return None


def _compile_stored(app: t.Any, interface: t.Any) -> StoredCookie | None:
    # Imported here, because most applications keep sessions in their cookies.
    from .stored import StoredSessionInterface
    from .storedcookie import StoredCookie

    if type(interface) is not StoredSessionInterface or not _is_usual(
        app, interface, "_may_compile_stored_cookie"
    ):
        return None
    try:
        return StoredCookie(app)
    except Exception:  # noqa: BLE001  an invalid setting, as above
        return None


def _is_usual(app: t.Any, interface: t.Any, way: str) -> bool:
    """Whether nothing is replaced that sessions of every kind are opened and saved by."""
    return (
        # Not a property.
        isinstance(find(type(app), "session_interface"), SessionInterface)
        and is_open_for(way, interface)
        and is_open_for("_may_configure", app)
        and is_open("_may_fill_session", interface._plain_session_class)
        and is_open("_may_add_cookie", Response)
        and type(app.__dict__.get("config")) is Config
    )
