"""What an audit is told of settings that weaken an application."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from costrel import Costrel, Flask
from costrel.security import exemptions_of, protect

WEAK = (
    ("hosts", "TRUSTED_HOSTS", None),
    ("hosts", "TRUSTED_PROXIES", 1),
    ("hosts", "TRUSTED_PROXIES", {"x_for": 1}),
    ("sessions", "SESSION_COOKIE_SECURE", False),
    ("sessions", "SESSION_COOKIE_HTTPONLY", False),
    ("sessions", "SESSION_COOKIE_SAMESITE", None),
    ("sessions", "SESSION_COOKIE_SAMESITE", "None"),
    ("limits", "MAX_CONTENT_LENGTH", None),
    ("limits", "MAX_FORM_PARTS", None),
    ("limits", "MAX_JSON_DEPTH", None),
    ("limits", "MAX_URL_LENGTH", None),
    ("limits", "STRICT_FORMS", False),
    ("limits", "BODY_TIMEOUT_S", None),
    ("limits", "SEND_TIMEOUT_S", None),
    ("limits", "WEBSOCKET_MAX_MESSAGE_SIZE", None),
    ("sessions", "SESSION_COOKIE_DOMAIN", "shop.example"),
    ("sessions", "SESSION_COOKIE_NAME", "shop"),
    ("sessions", "MAX_COOKIE_SIZE", 0),
    ("csrf", "CSRF_TRUSTED_ORIGINS", ["https://pay.example"]),
    ("csrf", "WEBSOCKET_ORIGINS", ["*"]),
    ("csrf", "WEBSOCKET_ORIGINS", "https://a.example, *"),
    ("rates", "RATE_LIMIT_ON_OUTAGE", "allow"),
    ("logs", "REQUEST_ID_TRUSTED", True),
    ("openapi", "DOCS_PATH", "/docs"),
)


@pytest.mark.parametrize("cls", [Costrel, Flask])
@pytest.mark.parametrize(("feature", "setting", "value"), WEAK)
def test_setting_that_weakens_is_an_exemption(cls, feature, setting, value):
    """With the feature, the setting and its value."""
    app = cls("weak")
    app.config[setting] = value
    protect(app)
    protect(app)
    (found,) = exemptions_of(app)
    assert found.feature == feature
    assert found.target == "*"
    assert found.reason == f"{setting} = {value!r}"
    assert found.origin == f"the setting {setting}"


def test_settings_that_are_as_safe_are_none():
    """The defaults, names, networks and other limits."""
    app = Costrel("safe")
    assert exemptions_of(app) == []
    app.config.update(
        TRUSTED_HOSTS=["a.example"],
        TRUSTED_PROXIES={"networks": ["10.0.0.0/8"]},
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=50_000_000,
        SESSION_COOKIE_NAME="__Host-shop",
        WEBSOCKET_ORIGINS=["https://a.example"],
        WEBSOCKET_MAX_MESSAGE_SIZE=50_000_000,
        RATE_LIMIT_ON_OUTAGE="refuse",
        REQUEST_ID_TRUSTED=False,
    )
    assert exemptions_of(app) == []


def test_pages_of_documentation_in_debug_mode_are_none():
    """Neither the path by itself, nor one that was chosen."""
    app = Costrel("documented")
    app.debug = True
    assert exemptions_of(app) == []
    app.config["DOCS_PATH"] = "/docs"
    assert exemptions_of(app) == []


def test_feature_that_is_off_is_told_once():
    """Its settings are no further exemptions."""
    app = Flask("off")
    protect(app, hosts=False, sessions=False)
    assert [found.feature for found in exemptions_of(app)] == ["hosts", "sessions"]


def test_protection_of_forms_that_is_off_or_taken_over_is_told():
    """By the setting, or by an extension that does the same."""
    app = Costrel("forms")
    app.config["CSRF_PROTECTION"] = False
    assert [(e.feature, e.reason) for e in exemptions_of(app)] == [
        ("csrf", "CSRF_PROTECTION is off")
    ]
    app = Costrel("forms")
    app.extensions["csrf"] = SimpleNamespace(protect=None)
    (found,) = exemptions_of(app)
    assert (found.feature, found.reason) == ("csrf", "another extension protects it")
