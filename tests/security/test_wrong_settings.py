"""A wrong setting of a protection stops the start, instead of failing requests."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Costrel, Flask
from costrel.security import protect

WRONG = {
    "TRUSTED_HOSTS": [],
    "TRUSTED_PROXIES": "1",
    "CSRF_TRUSTED_ORIGINS": ["shop.example"],
    "SECURITY_HEADERS": {"X-A": "a\nb"},
    "CONTENT_SECURITY_POLICY": {"img-src": "self"},
    "CONTENT_SECURITY_POLICY_REPORT_ONLY": {"img-src": "self"},
    "MAX_CONTENT_LENGTH": "16MB",
    "MAX_HEADERS": 1,
    "MAX_JSON_SIZE": "1MB",
    "STRICT_FORMS": "no",
    "VIEW_TIMEOUT_S": "10s",
    "RATE_LIMIT_DEFAULT": "often",
    "RATE_LIMIT_STORE": "sqlite:///x",
    "RATE_LIMIT_ON_OUTAGE": "ignore",
    "SESSION_STORE": "sqlite:///x",
    "SESSION_IDLE_LIFETIME": "30m",
    "SESSION_ABSOLUTE_LIFETIME": 0,
    "PERMANENT_SESSION_LIFETIME": "7d",
    "SESSION_COOKIE_SAMESITE": "Laxx",
    "SESSION_COOKIE_SECURE": "False",
}


def make_app(**config):
    """Return an application with these settings."""
    app = Costrel("wrong", static_folder=None)
    app.config.update(config)
    app.add_url_rule("/", "index", lambda: "x")
    return app


@pytest.mark.parametrize(("key", "value"), WRONG.items())
def test_wrong_setting_stops_the_start(key, value):
    """As `costrel run` checks it, and under another server at its first request."""
    app = make_app(**{key: value})
    with pytest.raises((ValueError, TypeError), match=key):
        app._check_start()
    with pytest.raises((ValueError, TypeError), match=key) as caught:
        app.test_client().get("/")
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    flask = Flask("wrong", static_folder=None)
    flask.config.update({key: value})
    protect(flask)
    with pytest.raises((ValueError, TypeError), match=key):
        flask._check_start()


def test_several_wrong_settings_are_reported_together():
    """In one list, as those of typed settings are."""
    wrong = dict(WRONG)
    # They are read by the same function, which raises for the first.
    del wrong["SESSION_ABSOLUTE_LIFETIME"], wrong["RATE_LIMIT_ON_OUTAGE"]
    with pytest.raises(ValueError, match=f"{len(wrong)} problems with the settings") as caught:
        make_app(**wrong)._check_start()
    lines = str(caught.value).splitlines()
    assert all(any(line.startswith(f"- {key}") for line in lines) for key in wrong)


def test_database_as_store_of_sessions_names_what_to_write_in_front():
    """The error has the whole line for SQLite, and nothing of the URL."""
    with pytest.raises(ValueError, match="sqlalchemy:sqlite:////var") as caught:
        make_app(SESSION_STORE="postgresql+psycopg://u:pass@h/d")._check_start()
    assert "pass" not in str(caught.value)


def test_wrong_setting_fails_the_lifespan():
    """A server that speaks ASGI does not start."""
    app = make_app(MAX_CONTENT_LENGTH="16MB")
    messages = [{"type": "lifespan.startup"}]
    sent = []

    async def receive():
        return messages.pop()

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "MAX_CONTENT_LENGTH" in sent[0]["message"]


def test_settings_of_a_feature_that_is_off_are_not_read():
    """They may be those of something else."""
    app = Flask("other", static_folder=None)
    app.config.update(TRUSTED_HOSTS=[], SESSION_STORE="sqlite:///x", MAX_CONTENT_LENGTH=None)
    protect(app, hosts=False, sessions=False)
    app._check_start(served=False)


def test_right_settings_pass():
    """The defaults, and others."""
    make_app()._check_start(served=False)
    make_app(
        TRUSTED_HOSTS=["a.example"], TRUSTED_PROXIES=1, CSRF_TRUSTED_ORIGINS="https://a.example",
        SECURITY_HEADERS=None, CONTENT_SECURITY_POLICY=None, MAX_CONTENT_LENGTH=None,
        VIEW_TIMEOUT_S=1.5, RATE_LIMIT_DEFAULT="10/minute", SESSION_STORE="memory:",
        SESSION_IDLE_LIFETIME=60, SESSION_COOKIE_SAMESITE="none", SESSION_COOKIE_SECURE=False,
        PERMANENT_SESSION_LIFETIME=3600,
    )._check_start(served=False)  # fmt: skip
