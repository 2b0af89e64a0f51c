"""Settings that need no class: those that the application has in its configuration already."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from ..ground.redaction import Secret
from .problems import Path
from .schema import Field

_TYPES: t.Mapping[str, t.Any] = {
    "PROPAGATE_EXCEPTIONS": bool | None,
    "TRAP_BAD_REQUEST_ERRORS": bool | None,
    "TEMPLATES_AUTO_RELOAD": bool | None,
    "SECRET_KEY": Secret | None,
    "SECRET_KEY_FALLBACKS": list[Secret] | None,
    "SERVER_NAME": str | None,
    "SEND_FILE_MAX_AGE_DEFAULT": timedelta | None,
    "SESSION_COOKIE_DOMAIN": str | None,
    "SESSION_COOKIE_SECURE": bool | t.Literal["auto"],
    "SESSION_IDLE_LIFETIME": timedelta | None,
    "SESSION_ABSOLUTE_LIFETIME": timedelta | None,
    "CSRF_TRUSTED_ORIGINS": list[str],
    "VIEW_TIMEOUT_S": float | None,
    "RATE_LIMIT_DEFAULT": str | None,
    "REQUEST_ID_TRUSTED": bool | None,
    "SESSION_COOKIE_PATH": str | None,
    "SESSION_COOKIE_SAMESITE": t.Literal["Strict", "Lax", "None"] | None,
    "MAX_CONTENT_LENGTH": int | None,
    "MAX_FORM_MEMORY_SIZE": int | None,
    "MAX_FORM_PARTS": int | None,
    "MAX_JSON_SIZE": int | None,
    "TRUSTED_HOSTS": list[str],
    "WEBSOCKET_ORIGINS": list[str] | None,
    "WEBSOCKET_MAX_MESSAGE_SIZE": int | None,
    "WEBSOCKET_IDLE_S": float | None,
    "BODY_TIMEOUT_S": float | None,
    "SEND_TIMEOUT_S": float | None,
    "BACKGROUND_GRACE_S": float | None,
    "LOOP_LAG_WARNING_S": float | None,
    "OPENAPI_PATH": str | None,
    "OPENAPI_TITLE": str | None,
    "OPENAPI_DESCRIPTION": str | None,
    "DOCS_PATH": str | None,
    "TRUSTED_PROXIES": t.Any,  # a number, or something with more in it
}
"""The types of the keys whose default does not say it."""

ADDED_LATER: t.Mapping[str, t.Any] = {
    "LOGIN_VIEW": str | None,
    "LOGIN_LIMITS": str | None,
    "LOGIN_ADDRESS_LIMITS": str | None,
    "LOGIN_FRESH_LIFETIME": timedelta | None,
    "LOGIN_HASH_COST": t.Any,
    "LOGIN_REMEMBER_STORE": t.Any,  # a URL, or an object
    "LOGIN_REMEMBER_LIFETIME": timedelta | None,
}
"""The types of what `costrel.login` adds to the configuration, often after settings were read."""

_BY_DEFAULT = (bool, int, float, timedelta, str)


def framework_fields(
    config: t.Mapping[str, t.Any], declared: t.Container[Path]
) -> dict[Path, Field]:
    """Return the fields of the configuration's keys that no class of settings declares.

    Extensions that have put keys into the configuration before are included, and so are logins
    that are yet to be added. A key has the type of its value; without one, it takes JSON or a
    text.
    """
    kinds = dict(ADDED_LATER)
    for key, value in config.items():
        if key.isupper() and key not in kinds:
            kinds[key] = _TYPES.get(key) or _type_of(value)
    fields = (Field((key.lower(),), key, kind) for key, kind in kinds.items())
    return {field.path: field for field in fields if field.path not in declared}


def _type_of(value: t.Any) -> t.Any:
    for kind in _BY_DEFAULT:
        if isinstance(value, kind):
            # None is allowed, because it switches many settings off.
            return kind | None
    return t.Any
