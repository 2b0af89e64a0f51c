"""Attempts to log in are limited, by name and by address."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest
from people import make

from costrel import Flask, request
from costrel.login import Login, login_refused, login_user
from costrel.login.attempts import _key_of_name


def with_attempts(made):
    """Add a login that counts attempts."""

    @made.app.post("/try/<name>")
    def try_it(name):
        made.login.attempt(name)
        if request.args.get("password") == "right":
            login_user(made.users[name.casefold()])
            return "in"
        return "wrong", 403

    return made.app.test_client()


def statuses(client, name, count, **kwargs):
    """Try so many times, and return the statuses."""
    return [client.post(f"/try/{name}", **kwargs).status_code for _ in range(count)]


def test_name_can_be_tried_five_times_a_minute(path, caplog):
    """Then the client is told when to come back, and the log says who it was."""
    made = make()
    client = with_attempts(made)
    assert [403] * 5 == statuses(client, "ada", 5)
    refused = client.post("/try/ada")
    assert (429, "31") == (refused.status_code, refused.headers["Retry-After"])
    assert "as 'ad'... from 127.0.0.1: too many for this name (LOGIN_LIMITS = " in caplog.text
    assert [403] == statuses(client, "bob", 1)


def test_login_that_counted_no_attempt_is_logged_once(path, caplog):
    """With what to write; not if it was counted, if nothing is limited, or in testing mode."""
    made = make()
    app = made.app
    client = with_attempts(made)

    @app.post("/uncounted")
    def uncounted():
        login_user(made.users["ada"])
        return "in"

    def told():
        return [text for text in caplog.messages if "no attempt was counted" in text]

    app.testing = True
    client.post("/uncounted")
    app.testing = False
    app.config.update(LOGIN_LIMITS=None, LOGIN_ADDRESS_LIMITS=None)
    client.post("/uncounted")
    app.config.update(LOGIN_LIMITS="5/minute", LOGIN_ADDRESS_LIMITS=None)
    assert "in" == client.post("/try/ada?password=right").text
    assert [] == told()
    client.post("/uncounted")
    client.post("/uncounted")
    (message,) = told()
    assert "call login.attempt(name)" in message


def test_name_is_counted_however_it_is_written_and_wherever_it_comes_from(path):
    """Case, width, space and address don't give more attempts."""
    client = with_attempts(make())
    names = ("ada", "ADA", " a\u200bda ", "\uff21da\ufeff", "a\xaddA\x00", "\xe1d\u0301a")
    found = [
        client.post(f"/try/{name}", environ_overrides={"REMOTE_ADDR": f"192.0.2.{i}"}).status_code
        for i, name in enumerate(names)
    ]
    assert [403, 403, 403, 403, 403, 429] == found


@pytest.mark.parametrize(
    "names",
    ["bob b\xf8b B\u01feB \u0253ob", "li \u0142i l\u0268", "duke \u0110uke \u0111u\u0199e"]
    + [f"ada a{char}da" for char in "\u115f\u1160\u2800\u3164\uffa0\ufffe\u034f\u20dd\ufe0f"],
)
def test_strokes_and_what_shows_nothing_give_no_more_attempts(names):
    """Databases that compare without accents find the same user."""
    assert len({_key_of_name(name) for name in names.split(" ")}) == 1


def test_names_of_other_letters_are_counted_apart():
    """Nobody is kept from logging in by a stranger whose name looks alike."""
    names = [
        "bob",
        "bab",
        "\u0431\u043e\u0431",
        "\u5b57",
        "\u0e01\u0e32",
        "\u0e01",
        "123",
        "\xdf",
        "s",
    ]
    assert len({_key_of_name(name) for name in names}) == len(names)


def test_login_resets_the_name_and_not_the_address(path):
    """So an attacker with one account can't reset the counter of an address."""
    made = make(LOGIN_ADDRESS_LIMITS="8/minute")
    client = with_attempts(made)
    right = {"query_string": {"password": "right"}}
    assert [403] * 4 == statuses(client, "ada", 4)
    assert [200] == statuses(client, "ada", 1, **right)
    assert [403] * 3 == statuses(client, "ada", 3)
    assert [429] == statuses(client, "bob", 1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("unix:", "unix:"), ("", "unknown"),
    ],
)  # fmt: skip
def test_address_is_counted_as_one_client(address, network):
    """Of IPv6, one client has at least 64 bits."""
    made = make(LOGIN_LIMITS=None)
    client = with_attempts(made)
    client.post("/try/ada", environ_overrides={"REMOTE_ADDR": address})
    assert {("login.address", network)} == {(name, key) for name, _, key in made.limiter.counts}


def test_address_that_is_refused_does_not_use_up_the_name():
    """Otherwise one client could lock anybody out for long."""
    made = make(LOGIN_ADDRESS_LIMITS="1/minute", LOGIN_LIMITS="2/minute")
    client = with_attempts(made)
    assert [403, 429, 429, 429] == statuses(client, "ada", 4)
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.9"}}
    assert [403] == statuses(client, "ada", 1, **elsewhere)


def test_names_are_not_stored():
    """People type passwords into the wrong field; and a long one takes no more space."""
    made = make()
    client = with_attempts(made)
    client.post("/try/" + "hunter2" * 1000)
    assert "hunter2" not in str(made.limiter.counts)
    assert all(len(key) <= 32 for _, _, key in made.limiter.counts)


def test_every_limit_of_a_setting_is_counted():
    """They are separated by semicolons, and None counts nothing."""
    made = make(LOGIN_LIMITS="5/minute; 20/hour", LOGIN_ADDRESS_LIMITS=None)
    with_attempts(made).post("/try/ada")
    assert ["20/hour", "5/minute"] == sorted(limit for _, limit, _ in made.limiter.counts)


def test_refusal_is_signalled():
    """With what the client said its name was, and where it came from."""
    made = make(LOGIN_LIMITS="0/minute")
    told = []

    def tell(app, name, address):
        told.append((name, address))

    with login_refused.connected_to(tell, made.app):
        statuses(with_attempts(made), "ada", 1)
    assert [("ada", "127.0.0.1")] == told


@pytest.mark.parametrize("name", ["correct horse battery staple", "x" * 100_000])
def test_little_of_a_refused_name_is_logged(name, caplog):
    """SECURITY(secrets): it may be a password, and of any length; a handler gets all of it."""
    made = make(LOGIN_LIMITS="0/minute")
    with_attempts(made)

    @made.app.post("/try")
    def attempt():
        made.login.attempt(request.get_data(as_text=True))
        return "x"

    made.app.test_client().post("/try", data=name, headers={"Content-Type": "text/plain"})
    (told,) = [text for text in caplog.messages if "Refused an attempt" in text]
    assert name[:3] not in told
    assert len(told) < 200


def test_control_characters_of_a_name_are_escaped_in_the_log(caplog):
    """A client can't forge lines."""
    made = make(LOGIN_LIMITS="0/minute")
    with_attempts(made).post("/try/%0A%E2%80%AEb")
    assert r"as '\n\u202e'... from" in caplog.text


def test_attempts_are_counted_in_async_views():
    """In a thread, since the store may be elsewhere."""
    made = make(LOGIN_LIMITS="1/minute")

    @made.app.post("/try")
    async def try_it():
        await made.login.attempt_async("ada")
        return ""

    async def main():
        client = made.app.async_test_client()
        return [(await client.post("/try")).status_code for _ in range(2)]

    assert [200, 429] == asyncio.run(main())


def test_missing_package_is_named_when_the_login_is_created(monkeypatch):
    """Not when somebody first tries to log in."""
    find_spec = importlib.util.find_spec

    def find(name, *args):
        return None if name == "limits" else find_spec(name, *args)

    monkeypatch.setattr("costrel.login.manager.find_spec", find)
    with pytest.raises(RuntimeError, match=r'pip install "costrel\[login\]"'):
        Login(Flask(__name__))
    Login(Flask(__name__), limiter=make().limiter)
