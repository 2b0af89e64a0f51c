"""The session's cookie is called and restricted as the request and the settings ask for."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import types

import pytest
from safe_apps import PRODUCTION, cookie_of, make_app, send

from costrel import Flask, session, websocket
from costrel.sessions import SecureCookieSessionInterface
from costrel.sessions.automatic import AutoName
from costrel.sessions.installing import install, settle
from costrel.sessions.safe import SafeSession, SafeSessionInterface

pytestmark = pytest.mark.usefixtures("path")

SAFE, LOCAL = "__Host-session", "session"


@pytest.mark.parametrize(
    ("debug", "url", "name", "secure"),
    [
        (False, "https://example.com", SAFE, True),
        (False, "https://localhost", SAFE, True),
        (False, "http://example.com", SAFE, True),
        (False, "http://localhost", LOCAL, True),
        (False, "http://shop.localhost:8000", LOCAL, True),
        (False, "http://127.0.0.1:5000", LOCAL, True),
        (False, "http://[::1]:5000", LOCAL, True),
        (False, "http://127.0.0.1.example.com", SAFE, True),
        (False, "http://localhost.example.com", SAFE, True),
        (True, "http://localhost:5000", LOCAL, False),
        (True, "http://192.168.1.2:5000", LOCAL, False),
        (True, "https://localhost", SAFE, True),
    ],
)
def test_cookie_follows_from_debug_mode_and_transport(debug, url, name, secure):
    """It is Secure outside debug mode and over HTTPS; the prefix goes with that."""
    app = make_app(DEBUG=debug)
    client = app.test_client()
    sent = client.get("/set/1", base_url=url).headers["Set-Cookie"]
    attributes = "; Secure; HttpOnly; Path=/; SameSite=Lax"
    expected = attributes if secure else attributes.removeprefix("; Secure")
    assert re.fullmatch(rf"{name}=[\w.-]+{expected}", sent)
    assert client.get("/get", base_url=url).text == "1"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, ("session", "Domain=example.com; Secure")),
        ({"SESSION_COOKIE_PATH": "/app"}, ("session", "Path=/app")),
        ({"APPLICATION_ROOT": "/app"}, ("session", "Path=/app")),
        ({"SESSION_COOKIE_NAME": "mine"}, ("mine", "Secure")),
        ({"SESSION_COOKIE_NAME": "auto"}, (SAFE, "Secure")),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, (SAFE, "SameSite=Strict")),
        ({"SESSION_COOKIE_SECURE": True, "DEBUG": True}, (SAFE, "Secure")),
        ({"SESSION_COOKIE_NAME": "__Secure-s", "DEBUG": True}, ("__Secure-s", "Secure")),
    ],
)
def test_settings_change_the_cookie(config, expected):
    """The prefix excludes a domain and other paths; what somebody has set stays."""
    response = make_app(**config).test_client().get("/set/1", base_url=PRODUCTION)
    assert cookie_of(response)[0] == expected[0]
    assert expected[1] in response.headers["Set-Cookie"]


def test_cookie_without_secure_has_no_prefix():
    """Somebody who serves over plain HTTP can say so, and browsers keep the cookie."""
    app = make_app(SESSION_COOKIE_SECURE=False)
    sent = app.test_client().get("/set/1", base_url="http://intranet").headers["Set-Cookie"]
    assert sent.startswith("session=")
    assert "Secure" not in sent


@pytest.mark.parametrize("config", [{"SESSION_COOKIE_SAMESITE": "None"}, {"PARTITIONED": True}])
def test_cookie_that_browsers_require_to_be_secure_is(config):
    """In debug mode too: without it, browsers drop a cookie for all sites, or a partitioned one."""
    if "PARTITIONED" in config:
        config = {"SESSION_COOKIE_PARTITIONED": True}
    app = make_app(DEBUG=True, **config)
    sent = app.test_client().get("/set/1", base_url="http://localhost").headers["Set-Cookie"]
    assert "; Secure" in sent


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        ({"SESSION_COOKIE_SECURE": False}, "SESSION_COOKIE_SECURE = True"),
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, "SESSION_COOKIE_DOMAIN = None"),
        ({"SESSION_COOKIE_PATH": "/app"}, 'SESSION_COOKIE_PATH = "/"'),
    ],
)
def test_prefix_that_browsers_would_refuse_is_an_error(config, advice):
    """The message says what to set, where browsers would just drop the cookie."""
    app = make_app(TESTING=True, SESSION_COOKIE_NAME="__Host-mine", **config)
    with pytest.raises(ValueError, match=re.escape(advice)):
        app.test_client().get("/set/1", base_url=PRODUCTION)


def test_secure_cookie_over_plain_http_is_logged_once(caplog):
    """From elsewhere only, since browsers accept it on their own machine."""
    app = make_app()
    client = app.test_client()
    with caplog.at_level(logging.WARNING):
        client.get("/set/1", base_url="http://localhost")
        client.get("/set/1", base_url=PRODUCTION)
        assert caplog.messages == []
        for _ in range(2):
            client.get("/set/1", base_url="http://example.com")
    assert len(caplog.messages) == 1
    assert "TRUSTED_PROXIES" in caplog.text


def test_https_at_a_trusted_proxy_counts():
    """The application itself gets plain HTTP."""
    app = make_app(TRUSTED_PROXIES=1)
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    client = app.test_client()
    response = client.get("/set/1", base_url="http://localhost", headers=headers)
    assert cookie_of(response)[0] == SAFE


def test_session_in_a_cookie_of_another_name_is_not_read():
    """Any host of the domain can set ``session``, so it counts only where no prefix is used."""
    app = make_app()
    _name, value = cookie_of(app.test_client().get("/set/1", base_url=PRODUCTION))
    assert send(app, "/get", f"{SAFE}={value}").text == "1"
    assert send(app, "/get", f"{LOCAL}={value}").text == "nothing"
    assert send(app, "/get", f"{LOCAL}={value}", "http://localhost").text == "1"
    assert send(app, "/get", f"{SAFE}={value}", "http://localhost").text == "nothing"


@pytest.mark.parametrize("start", ["=", "==", "\u2000", "\xa0", "\x85", "\x1f", "$", "a=;="])
def test_cookie_that_only_looks_like_the_prefixed_one_is_not_read(start):
    """CVE-2023-23934, and names after a space of Unicode, which browsers let any host set."""
    app = make_app()
    _name, tossed = cookie_of(app.test_client().get("/set/tossed", base_url=PRODUCTION))
    _name, own = cookie_of(app.test_client().get("/set/own", base_url=PRODUCTION))
    assert send(app, "/get", f"{start}{SAFE}={tossed}").text == "nothing"
    assert send(app, "/get", f"{start}{SAFE}={tossed}; {SAFE}={own}").text == "own"
    assert send(app, "/get", f"{SAFE.lower()}={tossed}; {SAFE}={own}").text == "own"


def test_deletion_has_the_attributes_of_the_cookie():
    """Browsers refuse a cookie with the prefix that is not Secure, even one that deletes."""
    app = make_app()
    app.add_url_rule("/end", "end", lambda: session.clear() or "")
    client = app.test_client()
    client.get("/set/1", base_url=PRODUCTION)
    sent = client.get("/end", base_url=PRODUCTION).headers["Set-Cookie"]
    assert sent.startswith(f"{SAFE}=;")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=0"):
        assert f"; {attribute}" in sent


def test_configuration_tells_the_name_to_extensions():
    """It is the one of production; in debug mode that of plain HTTP."""
    for debug, expected in ((False, SAFE), (True, LOCAL)):
        app = make_app(DEBUG=debug)
        assert app.config["SESSION_COOKIE_NAME"] == "session"
        app.test_client().get("/other")
        assert app.config["SESSION_COOKIE_NAME"] == expected
        assert type(app.config["SESSION_COOKIE_NAME"]) is AutoName


def test_interface_is_asked_only_where_something_was_replaced(path):
    """So the tests above are about what was compiled, too."""
    app = make_app()
    app.test_client().get("/get")
    assert app._engine.lazy_session
    assert (app._engine.cookie is None) == (path == "general")


def test_interface_of_somebody_else_stays():
    """Whether it was set before or after, or belongs to a class."""

    class Own(SecureCookieSessionInterface):
        pass

    class Application(Flask):
        session_interface = Own()

    before = Flask("before")
    before.session_interface = mine = SecureCookieSessionInterface()
    after = make_app(SESSION_STORE="memory:")
    after.session_interface = mine
    inherited = Application("inherited")
    own = Application.session_interface
    for app, expected in ((before, mine), (after, mine), (inherited, own)):
        install(app)
        assert settle(app) is expected
        app.test_client().get("/")
        assert app.session_interface is expected


class Chosen(SecureCookieSessionInterface):
    """Stands in for an interface of a store."""


@pytest.fixture
def stores(monkeypatch):
    """Let a store be chosen that is only noted."""
    chosen = []

    def choose_interface(_app, store):
        chosen.append(store)
        return Chosen()

    module = types.ModuleType("costrel.sessions.choosing")
    module.choose_interface = choose_interface
    monkeypatch.setitem(sys.modules, "costrel.sessions.choosing", module)
    return chosen


def test_store_is_chosen_when_the_first_request_comes(stores):
    """Also if it was configured after the application was created, and once."""
    app = make_app()
    app.config["SESSION_STORE"] = "memory:"
    assert stores == []
    client = app.test_client()
    client.get("/set/1")
    client.get("/get")
    assert stores == ["memory:"]
    assert isinstance(app.session_interface, Chosen)


def test_store_is_chosen_when_a_test_opens_a_session(stores):
    """Before any request."""
    app = make_app(SESSION_STORE="memory:")
    with app.test_client().session_transaction():
        assert isinstance(app.session_interface, Chosen)
    app = make_app(SESSION_STORE="memory:")
    with app.test_request_context():
        assert dict(session) == {}
    assert stores == ["memory:", "memory:"]


def test_store_that_is_changed_later_is_chosen_anew(stores):
    """The next request uses it; ``cookie:`` leads back to the cookie."""
    app = make_app(SESSION_STORE="memory:")
    client = app.test_client()
    client.get("/get")
    app.config["SESSION_STORE"] = "redis://localhost"
    client.get("/get")
    assert stores == ["memory:", "redis://localhost"]
    app.config["SESSION_STORE"] = "cookie:"
    client.get("/get")
    assert type(app.session_interface) is SafeSessionInterface


def test_session_is_a_safe_one_with_or_without_a_cookie():
    """Whoever opens it: what was compiled, or the interface."""
    app = make_app()
    kinds = []
    app.add_url_rule("/kind", "kind", lambda: kinds.append(session._get_current_object()) or "")
    client = app.test_client()
    client.get("/kind")
    client.get("/set/1")
    client.get("/kind")
    client.get("/kind", headers={"Cookie": "session=forged"})
    assert {type(kind) for kind in kinds} == {SafeSession}


@pytest.mark.parametrize(
    ("url", "name"), [("https://example.com", SAFE), ("http://localhost", LOCAL)]
)
def test_handshake_of_a_websocket_reads_and_sends_the_same_cookie(url, name):
    """The scheme is that of the connection, and wss counts as HTTPS."""
    app = make_app(TESTING=True)

    @app.websocket("/socket")
    async def talk():
        seen = session.get("value")
        session["value"] = "from the socket"
        await websocket.accept()
        await websocket.send(str(seen))

    async def converse():
        client = app.async_test_client()
        await client.get("/set/1", base_url=url)
        async with client.websocket("/socket", base_url=url) as socket:
            seen = await socket.receive()
            sent = dict(socket.headers)["Set-Cookie"]
        return seen, sent, (await client.get("/get", base_url=url)).text

    seen, sent, stored = asyncio.run(converse())
    assert (seen, stored) == ("1", "from the socket")
    assert sent.startswith(f"{name}=")
    assert "; Secure" in sent
