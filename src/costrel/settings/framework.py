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
    "SESSION_COOKIE_PATH": str | None,
    "SESSION_COOKIE_SAMESITE": t.Literal["Strict", "Lax", "None"] | None,
    "MAX_CONTENT_LENGTH": int | None,
    "MAX_FORM_MEMORY_SIZE": int | None,
    "MAX_FORM_PARTS": int | None,
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

_BY_DEFAULT = (bool, int, float, timedelta, str)


def framework_fields(
    config: t.Mapping[str, t.Any], declared: t.Container[Path]
) -> dict[Path, Field]:
    """Return the fields of the configuration's keys that no class of settings declares.

    Extensions that have put keys into the configuration before are included. A key has the type
    of its value; without one, it takes JSON or a text.
    """
    fields: dict[Path, Field] = {}
    for key, value in config.items():
        path = (key.lower(),)
        if key.isupper() and path not in declared:
            fields[path] = Field(path, key, _TYPES.get(key) or _type_of(value))
    return fields


def _type_of(value: t.Any) -> t.Any:
    for kind in _BY_DEFAULT:
        if isinstance(value, kind):
            # None is allowed, because it switches many settings off.
            return kind | None
    return t.Any
