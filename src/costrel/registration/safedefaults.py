"""The configuration that `Costrel` starts with, and that `protect` gives to a `Flask`.

One block for each feature, so that `protect` can leave out the block of a feature that is off.
"""

from __future__ import annotations

import typing as t
from types import MappingProxyType

from werkzeug.datastructures import ImmutableDict

from ..config import ThisMachine

# Host names and proxies: see docs/hosts.md.
HOSTS: dict[str, t.Any] = {"TRUSTED_HOSTS": ThisMachine()}

# Forms from other sites: see docs/csrf.md.
CSRF: dict[str, t.Any] = {"CSRF_PROTECTION": True, "CSRF_TRUSTED_ORIGINS": ()}

# Fields of responses: see docs/headers.md.
HEADERS: dict[str, t.Any] = {
    "SECURITY_HEADERS": ImmutableDict(),
    "CONTENT_SECURITY_POLICY": ImmutableDict(),
    "CONTENT_SECURITY_POLICY_REPORT_ONLY": None,
}

# Sessions and their cookie: see docs/sessions.md.
SESSIONS: dict[str, t.Any] = {
    "SESSION_COOKIE_NAME": "auto",
    "SESSION_COOKIE_SECURE": "auto",
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_IDLE_LIFETIME": None,
    "SESSION_ABSOLUTE_LIFETIME": None,
}

# Where sessions are kept: see docs/session-stores.md.
STORES: dict[str, t.Any] = {
    "SESSION_STORE": "cookie:",
}

# Sizes of requests: see docs/limits.md.
LIMITS: dict[str, t.Any] = {
    "MAX_CONTENT_LENGTH": 16_000_000,
    "MAX_FORM_FIELDS": 1_000,
    "MAX_HEADERS": 100,
    "MAX_JSON_DEPTH": 500,
    "MAX_JSON_DIGITS": 1_000,
    "MAX_JSON_SIZE": None,
    "MAX_QUERY_FIELDS": 1_000,
    "MAX_URLENCODED_SIZE": 1_000_000,
    "MAX_URL_LENGTH": 8_192,
    "STRICT_FORMS": True,
    "VIEW_TIMEOUT_S": None,
}

# Numbers of requests: see docs/limits.md.
RATES: dict[str, t.Any] = {
    "RATE_LIMIT_DEFAULT": None,
    "RATE_LIMIT_HEADERS": True,
    "RATE_LIMIT_ON_OUTAGE": "memory",
    "RATE_LIMIT_STORE": "memory:",
}

# Secret keys: see docs/secrets.md.
SECRETS: dict[str, t.Any] = {}

# Logs and request ids: see docs/logging.md.
LOGS: dict[str, t.Any] = {
    "LOG_FORMAT": "text",
    "LOG_LEVEL": None,
    "REQUEST_ID_HEADER": "X-Request-ID",
    "REQUEST_ID_TRUSTED": None,
}

# Login: see docs/login.md.
LOGIN: dict[str, t.Any] = {}

BY_FEATURE: t.Mapping[str, t.Mapping[str, t.Any]] = MappingProxyType(
    {
        "hosts": HOSTS,
        "csrf": CSRF,
        "headers": HEADERS,
        "sessions": {**SESSIONS, **STORES},
        "limits": LIMITS,
        "rates": RATES,
        "secrets": SECRETS,
        "logs": LOGS,
        "login": LOGIN,
    }
)
"""The settings of each feature, by the name that it has as an argument of `protect`."""

SAFE_DEFAULTS: t.Mapping[str, t.Any] = MappingProxyType(
    {key: value for block in BY_FEATURE.values() for key, value in block.items()}
)
"""All of these settings."""
