"""A wrong setting of a protection stops the start, instead of failing requests."""

from __future__ import annotations

import asyncio
import pickle

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
    "SESSION_COOKIE_HTTPONLY": "False",
    "SESSION_COOKIE_PARTITIONED": "no",
    "SESSION_REFRESH_EACH_REQUEST": "no",
    "SESSION_COOKIE_NAME": "my session",
    "SESSION_COOKIE_DOMAIN": "https://example.com",
    "SESSION_COOKIE_PATH": "shop",
    "SECRET_KEY_FALLBACKS": "old",
    "SERVER_NAME": "https://example.com",
    "CSRF_PROTECTION": "False",
    "RATE_LIMIT_HEADERS": "no",
    "WEBSOCKET_ORIGINS": ["https://shop.example/chat"],
    "WEBSOCKET_MAX_MESSAGE_SIZE": "1MB",
    "WEBSOCKET_IDLE_S": 0,
    "BODY_TIMEOUT_S": "30",
}

MORE = [
    ("TRUSTED_HOSTS", ["::1"]),
    ("TRUSTED_HOSTS", ["[::g]"]),
    ("TRUSTED_HOSTS", ["https://example.com"]),
    ("TRUSTED_HOSTS", {"example.com": 1}),
    ("TRUSTED_PROXIES", -1),
    ("TRUSTED_PROXIES", True),
    ("TRUSTED_PROXIES", {"networks": []}),
    ("TRUSTED_PROXIES", {"networks": ["10.0.0.1/8"]}),
    ("TRUSTED_PROXIES", {"x-for": 1}),
    ("SERVER_NAME", "example.com/shop"),
    ("SERVER_NAME", 80),
    ("CSRF_TRUSTED_ORIGINS", ["https://shop.example/path"]),
    ("CSRF_TRUSTED_ORIGINS", ["*"]),
    ("CSRF_TRUSTED_ORIGINS", ["https://*.shop.example"]),
    ("CSRF_TRUSTED_ORIGINS", ["https://::1"]),
    ("CSRF_TRUSTED_ORIGINS", [7]),
    ("CSRF_TRUSTED_ORIGINS", 7),
    ("WEBSOCKET_ORIGINS", "shop.example"),
    ("WEBSOCKET_ORIGINS", ["https://*.shop.example"]),
    ("WEBSOCKET_ORIGINS", ["https://shop.example:443"]),
    ("WEBSOCKET_ORIGINS", ["https://::1"]),
    ("WEBSOCKET_ORIGINS", [7]),
    ("WEBSOCKET_ORIGINS", 7),
    ("SESSION_COOKIE_DOMAIN", "example.com:5000"),
    ("SESSION_COOKIE_PATH", "/a;b"),
    ("SESSION_COOKIE_NAME", ""),
    ("SESSION_COOKIE_SECURE", "True"),
    ("SESSION_STORE", 7),
    ("RATE_LIMIT_STORE", 7),
    ("RATE_LIMIT_DEFAULT", 7),
    ("SECURITY_HEADERS", "X-Frame-Options: DENY"),
    ("SECURITY_HEADERS", {"X-Frame-Options": "ALLOW"}),
    ("CONTENT_SECURITY_POLICY", {"image-src": "*"}),
    ("CONTENT_SECURITY_POLICY", 7),
    ("CONTENT_SECURITY_POLICY", {"img-src": 7}),
    ("MAX_CONTENT_LENGTH", 1.5),
    ("MAX_CONTENT_LENGTH", True),
]


def make_app(**config):
    """Return an application with these settings."""
    app = Costrel("wrong", static_folder=None)
    app.config.update(config)
    app.add_url_rule("/", "index", lambda: "x")
    return app


@pytest.mark.parametrize(("key", "value"), [*WRONG.items(), *MORE])
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
    del wrong["SESSION_ABSOLUTE_LIFETIME"], wrong["RATE_LIMIT_STORE"]
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
    make_app(
        TRUSTED_HOSTS=["[::1]", "[2001:DB8::1]:8000", "a.example:80", ".b.example", "192.0.2.1"],
        TRUSTED_PROXIES={"networks": ["::1", "fd00::/8", "unix"]}, SERVER_NAME="a.example:5000",
        CSRF_TRUSTED_ORIGINS=["https://[::1]:8000", "http://localhost/"], CSRF_PROTECTION=False,
        WEBSOCKET_ORIGINS="*, https://A.example/ http://[::1]:3000 capacitor://localhost null",
        SESSION_COOKIE_DOMAIN=".a.example", SESSION_COOKIE_PATH="/shop", SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_SECURE=True, WEBSOCKET_IDLE_S=60, BODY_TIMEOUT_S=None, SERVER_NAME_X="a b",
        WEBSOCKET_MAX_MESSAGE_SIZE=None, SECRET_KEY_FALLBACKS=("old",), RATE_LIMIT_HEADERS=False,
    )._check_start(served=False)  # fmt: skip
    for origins in (None, [], (), "", {"https://a.example"}):
        make_app(WEBSOCKET_ORIGINS=origins)._check_start(served=False)


@pytest.mark.parametrize(("key", "value"), [*WRONG.items(), *MORE])
def test_wrong_setting_is_refused_where_it_is_set_after_the_start(key, value, path):
    """Code that sets it gets the error; requests go on with what was right, as protected."""
    app = make_app()
    client = app.test_client()
    before, sent = app.config[key], client.get("/").headers
    wanted = sent["Content-Security-Policy"]
    with pytest.raises((ValueError, TypeError), match=key):
        app.config[key] = value
    with pytest.raises((ValueError, TypeError), match=key):
        app.config.update({"OTHER": 1, key: value})
    assert "OTHER" not in app.config
    assert key not in app.config._chosen
    # The automatic name of the cookie is that of the last request.
    assert app.config[key] in ({before, "__Host-session"} if "NAME" in key else (before,))
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (200, wanted)


def test_right_setting_takes_effect_after_the_start(path):
    """And so do settings that no protection reads."""
    app = make_app()
    client = app.test_client()
    client.get("/")
    app.config.update(CONTENT_SECURITY_POLICY={"img-src": "*"}, OTHER="x")
    app.config["TRUSTED_HOSTS"] = ["localhost"]
    assert "img-src *" in client.get("/").headers["Content-Security-Policy"]
    copied = pickle.loads(pickle.dumps(app.config))  # noqa: S301
    copied["MAX_HEADERS"] = 1
    assert copied["MAX_HEADERS"] == 1


def test_header_setting_that_is_changed_in_place_keeps_the_protection(path, caplog):
    """Nobody can refuse that; the log says once that it does not count."""
    app = make_app(CONTENT_SECURITY_POLICY={"img-src": "*"}, SECURITY_HEADERS={"X-A": "b"})
    app._check_start()
    client = app.test_client()
    wanted = client.get("/").headers
    app.config["CONTENT_SECURITY_POLICY"]["img-src"] = "self"
    for _ in range(3):
        app.config["OTHER"] = 1
        answer = client.get("/")
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == wanted["Content-Security-Policy"]
    (told,) = [message for message in caplog.messages if "img-src" in message]
    assert told.endswith("The header fields of before are sent on.")
    app.config["CONTENT_SECURITY_POLICY"]["img-src"] = "'self'"
    app.config["OTHER"] = 2
    assert "img-src 'self'" in client.get("/").headers["Content-Security-Policy"]
