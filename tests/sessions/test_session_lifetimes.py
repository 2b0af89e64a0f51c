"""Sessions end when they are not used, and altogether."""

from __future__ import annotations

from datetime import timedelta
from functools import partialmethod

import pytest
from safe_apps import make_app

from costrel import session
from costrel.sessions.lifetimes import Lifetimes
from costrel.sessions.signing import Signer

pytestmark = pytest.mark.usefixtures("path")


class FakeClock:
    """A clock that stands still until it is moved."""

    now = 1_800_000_000.25

    def __call__(self) -> float:
        """Return the time as `time.time` does."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock of signatures and sessions."""
    fake = FakeClock()
    monkeypatch.setattr("time.time", fake)
    return fake


@pytest.mark.parametrize("lifetime", [100, 100.5, timedelta(seconds=100)])
def test_session_that_is_not_used_ends(clock, lifetime):
    """A request that uses it in time keeps it."""
    client = make_app(SESSION_IDLE_LIFETIME=lifetime).test_client()
    client.get("/set/1")
    for _ in range(4):
        clock.move(90)
        assert client.get("/get").text == "1"
    clock.move(101)
    assert client.get("/get").text == "nothing"


def test_use_is_noted_each_tenth_of_the_lifetime(clock):
    """So not each response sends a cookie."""
    client = make_app(SESSION_IDLE_LIFETIME=100).test_client()
    client.get("/set/1")
    sent = []
    for _ in range(5):
        clock.move(4)
        sent.append("Set-Cookie" in client.get("/get").headers)
    assert sent == [False, False, True, False, False]


def test_request_that_leaves_the_session_alone_is_no_use(clock):
    """Caches may keep its response, since nothing of a session is in it."""
    client = make_app(SESSION_IDLE_LIFETIME=100).test_client()
    client.get("/set/1")
    clock.move(60)
    headers = client.get("/other").headers
    assert "Set-Cookie" not in headers
    assert "Vary" not in headers
    clock.move(60)
    assert client.get("/get").text == "nothing"


def test_session_ends_altogether_however_often_it_is_used(clock):
    """Also one that is written meanwhile."""
    client = make_app(SESSION_ABSOLUTE_LIFETIME=100, SESSION_IDLE_LIFETIME=50).test_client()
    client.get("/set/1")
    for step in range(4):
        clock.move(25)
        assert client.get("/get").text in ("1", str(step - 1))
        client.get(f"/set/{step}")
    clock.move(1)
    assert client.get("/get").text == "nothing"


def test_regenerated_session_lasts_from_then_on(clock):
    """A new identity has a life of its own."""
    app = make_app(SESSION_ABSOLUTE_LIFETIME=100)
    app.add_url_rule("/login", "login", lambda: session.regenerate() or "")
    client = app.test_client()
    client.get("/set/1")
    clock.move(90)
    client.get("/login")
    clock.move(90)
    assert client.get("/get").text == "1"
    clock.move(20)
    assert client.get("/get").text == "nothing"


def test_times_are_kept_only_for_a_lifetime(clock):
    """A session without one has the content that the application stored."""
    for config, expected in (
        ({}, {"value": "1"}),
        (
            {"SESSION_IDLE_LIFETIME": 9},
            {"value": "1", "_used": int(clock.now)},
        ),
        ({"SESSION_ABSOLUTE_LIFETIME": 9}, {"value": "1", "_created": int(clock.now)}),
    ):
        client = make_app(**config).test_client()
        client.get("/set/1")
        with client.session_transaction() as stored:
            assert dict(stored) == expected
            assert (stored.created_at, stored.used_at) == (
                expected.get("_created"),
                expected.get("_used"),
            )


@pytest.mark.parametrize("key", ["SESSION_IDLE_LIFETIME", "SESSION_ABSOLUTE_LIFETIME"])
def test_session_from_before_the_setting_has_ended(clock, key):
    """Nobody knows how old it is."""
    app = make_app()
    client = app.test_client()
    client.get("/set/1")
    app.config[key] = 1_000
    assert client.get("/get").text == "nothing"
    client.get("/set/2")
    assert client.get("/get").text == "2"


def test_cookie_goes_when_only_the_times_are_left(clock):
    """The application has removed what it stored."""
    app = make_app(SESSION_IDLE_LIFETIME=100)
    app.add_url_rule("/pop", "pop", lambda: session.pop("value"))
    client = app.test_client()
    client.get("/set/1")
    assert "Max-Age=0" in client.get("/pop").headers["Set-Cookie"]
    assert client.get_cookie("session") is None


def test_signature_is_too_old_after_the_permanent_lifetime(clock):
    """As in Flask, whether or not the session is permanent, and whatever else is set."""
    for config in ({}, {"SESSION_IDLE_LIFETIME": 1_000}):
        client = make_app(PERMANENT_SESSION_LIFETIME=60, **config).test_client()
        client.get("/set/1")
        clock.move(59)
        assert client.get("/get").text == "1"
        clock.move(61)
        assert client.get("/get").text == "nothing"


@pytest.mark.parametrize("replaced", [False, True])
def test_session_of_a_clock_that_is_a_little_ahead_is_read(clock, replaced, monkeypatch):
    """Clocks of machines differ, and one may be set back; by hours, the signature is no good."""
    if replaced:
        monkeypatch.setattr(Signer, "sign", partialmethod(Signer.sign))
    client = make_app(SESSION_IDLE_LIFETIME=1_000).test_client()
    client.get("/set/1")
    clock.move(-1)
    assert client.get("/get").text == "1"
    clock.move(-59)
    assert client.get("/get").text == "1"
    clock.move(-1)
    assert client.get("/get").text == "nothing"


def test_use_is_noted_in_the_cookie_when_the_clock_was_set_back(clock):
    """Not only once the clock gets to where it was."""
    client = make_app(SESSION_IDLE_LIFETIME=100).test_client()
    client.get("/set/1")
    clock.move(-5)
    assert "Set-Cookie" not in client.get("/get").headers
    clock.move(-5)
    assert "Set-Cookie" in client.get("/get").headers


def test_permanent_session_is_sent_again_with_its_last_use(clock):
    """It is no use to leave it alone, though its cookie is sent again."""
    app = make_app(SESSION_IDLE_LIFETIME=100)

    def keep() -> str:
        session.permanent = True
        return ""

    app.add_url_rule("/keep", "keep", keep)
    client = app.test_client()
    client.get("/set/1")
    client.get("/keep")
    clock.move(60)
    assert "Set-Cookie" in client.get("/other").headers
    clock.move(60)
    assert client.get("/get").text == "nothing"


@pytest.mark.parametrize("value", ["1 hour", 0, -1, True, timedelta(0), []])
def test_what_is_no_lifetime_is_an_error(value):
    """It names the setting and what to write."""
    app = make_app(TESTING=True, SESSION_IDLE_LIFETIME=value)
    with pytest.raises(ValueError, match=r"SESSION_IDLE_LIFETIME is .* timedelta"):
        app.test_client().get("/set/1")


def test_time_that_is_no_number_has_passed():
    """Whatever an application stored under the key."""
    lifetimes = Lifetimes(idle_s=100, absolute_s=None)
    assert lifetimes.is_over({"_used": "today"})
    assert lifetimes.is_over({"_used": True})
    assert not lifetimes.is_over({"_used": 99_999_999_999})
