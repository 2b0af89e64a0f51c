"""Secrets are known by their names, their types and their places in addresses."""

from __future__ import annotations

import json
import time
import traceback
from urllib.parse import quote, urlencode

import pytest

from costrel.ground import redaction
from costrel.ground.redaction import (
    Secret,
    check_server_address,
    is_secret_name,
    redact,
    remember,
    shown,
    shown_dict,
    without_secrets,
)
from costrel.security.limiter import Limiter
from costrel.sessions.stores import open_store
from costrel.sessions.stores.redis import RedisStore


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
    "secret", ['pa"ss\\w\u00f6rd-123', "it's a 'secret'", "a/b c&d%e#f+g", "\"both' \\'kinds'"]
)
def test_remembered_secret_is_replaced_however_it_is_written(monkeypatch, secret):
    """Lines of logs are made with reprs, errors show JSON, and addresses have percent codes."""
    monkeypatch.setattr(redaction, "_remembered", ())
    remember(secret)
    written = [
        *(secret, f"{secret!r}", f"{secret!a}", f"{[secret, chr(39), chr(34)]!r}"),
        *(json.dumps(secret), json.dumps(secret, ensure_ascii=False), f"{secret.encode()!r}"),
        *(quote(secret), quote(secret, safe=""), urlencode({"a": secret})),
        *(f"{'a' + chr(39) + secret!r}", f"{'a' + chr(34) + secret!r}"),
    ]
    for text in written:
        assert "(hidden)" in redact(text), text
        assert secret[-4:] not in redact(text)


@pytest.mark.parametrize(
    "address",
    [
        *("redis://:S3CRETpw/x@h:6379/0", "redis://:S3CRETpw#x@h", "redis://u:S3CRETpw?x@h/0"),
        *("redis://:123/S3CRETpw@h", "redis://u:12#S3CRETpw@h", "redis://:S3CRETpw[@h"),
        *("rediss://u:S3CRETpw@h:port/0",),
    ],
)
@pytest.mark.parametrize(
    "check", [RedisStore, lambda address: Limiter(address).hit("a", "1/s", "b")]
)
def test_address_with_a_password_that_ends_it_is_refused_without_the_password(check, address):
    """The parsers' own errors show it as the port, or connect to another server."""
    with pytest.raises(ValueError, match=r"urllib\.parse\.quote") as raised:
        check(address)
    text = "".join(traceback.format_exception(raised.value))
    assert "S3CRETpw" not in "".join(line for line in text.splitlines() if "check(" not in line)


@pytest.mark.parametrize(
    "address",
    [
        *("redis://h", "redis://:p%2Fx@h:6379/0", "redis://[::1]:6379/1", "unix:///run/a@b.sock"),
        *("redis://u:p@ss@h/0?socket_timeout=1", "redis://h/0?password=a@b"),
    ],
)
def test_address_of_a_server_is_accepted(address):
    """Whatever has a password that ends where it should."""
    check_server_address("STORE", address)


def test_mistyped_address_is_shown_without_its_password():
    """By the names of settings that have addresses."""
    for name in ("RATE_LIMIT_STORE", "SQLALCHEMY_DATABASE_URI", "CELERY_BROKER_URL"):
        assert "S3CRETpw" not in shown(name, "redis//:S3CRETpw@localhost")
    assert shown("RATE_LIMIT_STORE", "memory:") == "'memory:'"
    for store in ("memory:?password=S3CRETpw", "file://u:S3CRETpw@host/path"):
        with pytest.raises(ValueError, match="SESSION_STORE is") as raised:
            open_store(store)
        assert "S3CRETpw" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["a" * 50_000 + "://", "a://" * 10_000, "a://b:" * 10_000, "?key" * 10_000 + "://"]
)
def test_long_text_is_searched_in_linear_time(text):
    """A client decides what some lines of a log contain."""
    start = time.perf_counter()
    redact(text)
    assert time.perf_counter() - start < 5
