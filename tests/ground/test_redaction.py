"""Secrets are known by their names, their types and their places in addresses."""

from __future__ import annotations

import time

import pytest

from costrel.ground import redaction
from costrel.ground.redaction import (
    Secret,
    is_secret_name,
    redact,
    remember,
    shown,
    shown_dict,
    without_secrets,
)


@pytest.mark.parametrize(
    "name",
    "SECRET_KEY DB_PASSWORD API_TOKEN SENTRY_DSN SECRET_KEY_FALLBACKS apiToken api-key APIKEY"
    " AWS_CREDENTIALS dbpass privateKey TOKENS SECURITY_PASSWORD_SALT SMTP_PWD".split(),
)
def test_name_that_says_secret_is_known(name):
    """In any spelling: the words of the name count."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *"PORT SECRET_KEY_FILE TOKEN_HEADER KEYBOARD COOKIE_NAME SECRETARY KEY_PREFIX".split(),
        "",
        "_",
    ],
)
def test_other_name_is_not(name):
    """Nor is one that says where a secret is, or what it is called."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:(hidden)@h/d"),
        ("redis://:p@h:6379/0", "redis://:(hidden)@h:6379/0"),
        ("postgresql+psycopg://u:p@ss@h/d", "postgresql+psycopg://u:(hidden)@h/d"),
        ("mysql://u:pa/ss@h/d", "mysql://u:(hidden)@h/d"),
        ("see amqp://a:b@c and http://d:e@f.", "see amqp://a:(hidden)@c and http://d:(hidden)@f."),
        ("https://h/?api_key=abc&page=2", "https://h/?api_key=(hidden)&page=2"),
        ("https://h:80/path?to=a@b", "https://h:80/path?to=a@b"),
        ("https://u@h/", "https://u@h/"),
        ("no address: u:p@h", "no address: u:p@h"),
    ],
)
def test_password_in_an_address_is_hidden(address, expected):
    """The rest of the address helps to find out which it is."""
    assert without_secrets(address) == expected


def test_shown_value_hides_what_its_name_or_place_says():
    """Below a secret name everything is, and elsewhere the names inside a value count."""
    assert shown("PORT", 80) == "80"
    assert shown("SECRET_KEY", "abc") == "(hidden)"
    assert shown("SECRET_KEY", b"abc") == "(hidden)"
    assert shown("SECRET_KEY", None) == "None"
    assert shown("SECRET_KEY", "") == "''"
    assert shown("USES_TOKEN", True) == "True"
    assert shown("DB_PASSWORD", 12345678) == "(hidden)"
    assert shown("TOKEN_LIFETIME_S", 60) == "60"
    assert shown("SECRET_KEY_FALLBACKS", ["a", "b"]) == "[(hidden), (hidden)]"
    assert shown("DB", {"user": "u", "password": "p"}) == "{'user': 'u', 'password': (hidden)}"
    assert shown("TOKENS", {"mail": "p"}) == "{'mail': (hidden)}"
    assert shown("NAME", Secret("abc")) == "Secret(hidden)"
    assert shown_dict({"A": 1, "B_KEY": "k"}) == "{'A': 1, 'B_KEY': (hidden)}"


def test_value_that_contains_itself_is_shown():
    """It is cut off, as it has no end."""
    value: dict[str, object] = {}
    value["again"] = value
    assert "Ellipsis" in shown("VALUE", value)


def test_remembered_secret_is_replaced_in_any_text(monkeypatch):
    """The longest first; words and short texts stay, since they are in many texts."""
    monkeypatch.setattr(redaction, "_remembered", ())
    for secret in ("12345678", "12345678-longer", "short-1", "development"):
        remember(secret)
    assert redact("12345678-longer 12345678 short-1 development") == (
        "(hidden) (hidden) short-1 development"
    )


@pytest.mark.parametrize(
    "text", ["a" * 50_000 + "://", "a://" * 10_000, "a://b:" * 10_000, "?key" * 10_000 + "://"]
)
def test_long_text_is_searched_in_linear_time(text):
    """A client decides what some lines of a log contain."""
    start = time.perf_counter()
    redact(text)
    assert time.perf_counter() - start < 5
