"""Wrong settings of logins stop the start, instead of failing logins."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from people import CHEAP, Limiter

from costrel import Costrel, Flask
from costrel.login import Login

WRONG = [
    ("LOGIN_LIMITS", "often"),
    ("LOGIN_LIMITS", 5),
    ("LOGIN_LIMITS", "0/minute"),
    ("LOGIN_ADDRESS_LIMITS", "20"),
    ("LOGIN_FRESH_LIFETIME", "1h"),
    ("LOGIN_FRESH_LIFETIME", 0),
    ("LOGIN_FRESH_LIFETIME", True),
    ("LOGIN_REMEMBER_LIFETIME", None),
    ("LOGIN_REMEMBER_LIFETIME", timedelta(0)),
    ("LOGIN_VIEW", "enter"),
    ("LOGIN_VIEW", "https://login.example/"),
    ("LOGIN_VIEW", "//login.example/"),
    ("LOGIN_HASH_COST", 3),
]


def make_app(cls, limiter=None, **config):
    """Return an application with logins and a login page."""
    app = cls("logins", static_folder=None)
    Login(app, load_user=lambda _id: None, limiter=limiter)
    app.config.update(config)
    app.add_url_rule("/login", "login", lambda: "x")
    return app


@pytest.mark.parametrize("cls", [Flask, Costrel])
@pytest.mark.parametrize(("key", "value"), WRONG)
def test_wrong_setting_stops_the_start(cls, key, value):
    """With its name, also for tests."""
    with pytest.raises(ValueError, match=key):
        make_app(cls, **{key: value})._check_start(served=False)


def test_wrong_setting_is_reported_with_others_and_refused_later():
    """As those of the protections are."""
    with pytest.raises(ValueError, match="2 problems with the settings"):
        make_app(Costrel, LOGIN_VIEW="enter", MAX_HEADERS=1)._check_start()
    app = make_app(Costrel)
    app.test_client().get("/login")
    with pytest.raises(ValueError, match="LOGIN_VIEW"):
        app.config["LOGIN_VIEW"] = "enter"
    assert app.config["LOGIN_VIEW"] is None


@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_right_settings_pass(cls):
    """And what another limiter takes is its own affair."""
    make_app(cls)._check_start(served=False)
    make_app(
        cls, LOGIN_VIEW="login", LOGIN_LIMITS=None, LOGIN_ADDRESS_LIMITS="", LOGIN_HASH_COST=CHEAP,
        LOGIN_FRESH_LIFETIME=None, LOGIN_REMEMBER_LIFETIME=60,
    )._check_start(served=False)  # fmt: skip
    make_app(cls, LOGIN_VIEW="/login", LOGIN_LIMITS="1/hour")._check_start(served=False)
    make_app(cls, Limiter(), LOGIN_LIMITS="as often as you like")._check_start(served=False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("redis", "LOGIN_REMEMBER_STORE begins with 'redis'"),
        ("cookie:", "LOGIN_REMEMBER_STORE begins with 'cookie:'"),
        ("postgresql://u:hidden@h/d", "LOGIN_REMEMBER_STORE begins with 'postgresql:'"),
        ("memory:?max=1", "LOGIN_REMEMBER_STORE is 'memory:"),
        ("file:relative", "LOGIN_REMEMBER_STORE is 'file:"),
        ("redis://h:port/0", "LOGIN_REMEMBER_STORE"),
        (7, "LOGIN_REMEMBER_STORE is a int"),
    ],
)
def test_store_that_is_none_stops_the_start(value, words):
    """With the name of this setting, not of the one for sessions, and nothing of a password."""
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        make_app(Costrel, LOGIN_REMEMBER_STORE=value)._check_start()
    assert "SESSION_STORE" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_store_follows_its_setting(tmp_path):
    """One is opened for each value, and a wrong one leaves it."""
    app = make_app(Costrel, LOGIN_REMEMBER_STORE="memory:")
    login = app.extensions["costrel.login"]
    first = login.store_of(app)
    assert login.store_of(app) is first
    app._check_start(served=False)
    with pytest.raises(ValueError, match="LOGIN_REMEMBER_STORE"):
        app.config["LOGIN_REMEMBER_STORE"] = "radis://"
    assert login.store_of(app) is first
    app.config["LOGIN_REMEMBER_STORE"] = f"file://{tmp_path}/remembered"
    assert login.store_of(app) is not first
