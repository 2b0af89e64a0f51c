"""Protections of an application: what `Costrel` switches on, and `protect` gives to a `Flask`.

Everything is loaded on first use.
"""

from __future__ import annotations

import importlib
import typing as t

if t.TYPE_CHECKING:
    from .corspolicy import CorsPolicy as CorsPolicy
    from .corsrules import cors as cors
    from .corsrules import cors_route as cors_route
    from .csp import DEFAULT_POLICY as DEFAULT_POLICY
    from .csp import csp_nonce as csp_nonce
    from .csrf import CSRFError as CSRFError
    from .csrfexempt import csrf_exempt as csrf_exempt
    from .csrftokens import csrf_field as csrf_field
    from .csrftokens import csrf_token as csrf_token
    from .headerlayers import DEFAULT_HEADERS as DEFAULT_HEADERS
    from .headerlayers import content_security_policy as content_security_policy
    from .headerlayers import headers as headers
    from .headerlayers import headers_for as headers_for
    from .limits import body_limit as body_limit
    from .protecting import protect as protect
    from .quotas import RateStatus as RateStatus
    from .rates import limit as limit
    from .rates import limit_blueprint as limit_blueprint
    from .rates import limiter_of as limiter_of
    from .rates import rate_limit_exempt as rate_limit_exempt
    from .redirects import is_safe_redirect as is_safe_redirect
    from .redirects import redirect_back as redirect_back
    from .state import Check as Check
    from .state import Exemption as Exemption
    from .state import Finisher as Finisher
    from .state import Security as Security
    from .state import exemptions_of as exemptions_of
    from .state import security_of as security_of
    from .timelimits import time_limit as time_limit

# In one line for each module, so that each part has its own.
_LAZY_NAMES = {
    name: module
    for module, names in {
        ".corspolicy": "CorsPolicy",
        ".corsrules": "cors cors_route",
        ".csp": "DEFAULT_POLICY csp_nonce",
        ".csrf": "CSRFError",
        ".csrfexempt": "csrf_exempt",
        ".csrftokens": "csrf_field csrf_token",
        ".headerlayers": "DEFAULT_HEADERS content_security_policy headers headers_for",
        ".limits": "body_limit",
        ".protecting": "protect",
        ".quotas": "RateStatus",
        ".rates": "limit limit_blueprint limiter_of rate_limit_exempt",
        ".redirects": "is_safe_redirect redirect_back",
        ".state": "Check Exemption Finisher Security exemptions_of security_of",
        ".timelimits": "time_limit",
    }.items()
    for name in names.split()
}

__all__ = [
    "DEFAULT_HEADERS",
    "DEFAULT_POLICY",
    "CSRFError",
    "Check",
    "CorsPolicy",
    "Exemption",
    "Finisher",
    "RateStatus",
    "Security",
    "body_limit",
    "content_security_policy",
    "cors",
    "cors_route",
    "csp_nonce",
    "csrf_exempt",
    "csrf_field",
    "csrf_token",
    "exemptions_of",
    "headers",
    "headers_for",
    "is_safe_redirect",
    "limit",
    "limit_blueprint",
    "limiter_of",
    "protect",
    "rate_limit_exempt",
    "redirect_back",
    "security_of",
    "time_limit",
]


def __getattr__(name: str) -> t.Any:
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(_LAZY_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_NAMES})
