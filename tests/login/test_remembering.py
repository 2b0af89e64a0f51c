"""Remembered browsers: one cookie after the other, and what happens to a stolen one."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from people import async_loader, cookie_of, make

from costrel import Costrel, Flask, Response, stream_with_context, websocket
from costrel.login import (
    MemoryRememberStore,
    Series,
    current_user,
    fresh_login_required,
    login_required,
    memorystore,
    remember_theft_detected,
    user_remembered,
)
from costrel.login.keptstore import KeptRememberStore
from costrel.sessions import SecureCookieSessionInterface
from costrel.sessions.stored import StoredSessionInterface
from costrel.sessions.stores import SessionStore, StoreUnavailableError, open_store
from costrel.sessions.stores.memory import MemoryStore

NAME = "__Host-remember"
ENTER = "/login/ada?remember=1"


def end_session(client):
    """Do what a browser does when it is closed."""
    for name in ("session", "__Host-session"):
        client.delete_cookie(name)


def remembered(made):
    """Return a client that is remembered, and whose session has ended."""
    client = made.app.test_client()
    client.post(ENTER)
    end_session(client)
    return client


@pytest.fixture(params=[Flask, Costrel])
def made(request, path):
    """Make an application of each class, on each path."""
    return make(request.param)


def test_cookie_is_for_this_host_alone(made):
    """Secure, hidden from scripts, not sent by other sites, and for 30 days."""
    answer = made.app.test_client().post(ENTER)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(NAME))
    value, *attributes = cookie.split("; ")
    assert re.fullmatch(NAME + r"=[\w-]{22}:[\w-]{22}:[\w-]{43}", value)
    kept = sorted(a for a in attributes if not a.startswith("Expires"))
    assert ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax", "Secure"] == kept


@pytest.mark.parametrize(
    ("host", "debug", "kind"),
    [
        ("localhost", False, "remember Secure"),
        ("localhost", True, "remember "),
        ("192.0.2.1", True, "remember "),
        ("192.0.2.1", False, "__Host-remember Secure"),
    ],
)
def test_cookie_over_plain_http(host, debug, kind):
    """It works on this machine and in debug mode; elsewhere, browsers drop it."""
    made = make(PREFERRED_URL_SCHEME="http")
    made.app.debug = debug
    client = made.app.test_client()
    answer = client.post(ENTER, base_url=f"http://{host}")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "remember" in c)
    assert kind == f"{cookie.partition('=')[0]} {'Secure' if 'Secure' in cookie else ''}"
    client.delete_cookie("session", domain=host)
    assert "ada" == client.get("/who", base_url=f"http://{host}").text


def test_login_without_remember_sets_no_cookie(made):
    """It is a choice of the user."""
    client = made.app.test_client()
    client.post("/login/ada")
    assert cookie_of(client) is None


def test_remembered_browser_is_logged_in_again(made):
    """With a new session, which is not fresh, and with the next cookie of the series."""

    @made.app.get("/danger")
    @fresh_login_required
    def danger():
        return ""

    client = remembered(made)
    first = cookie_of(client)
    assert "ada" == client.get("/who").text
    second = cookie_of(client)
    assert first.partition(":")[0] == second.partition(":")[0]
    assert first != second
    assert "ada" == client.get("/who").text
    assert second == cookie_of(client)
    assert 401 == client.get("/danger").status_code
    for _ in range(3):
        made.clock.now += 3600
        end_session(client)
        assert "ada" == client.get("/who").text


def test_store_holds_nothing_to_log_in_with(made):
    """The mark and the validator are hashed."""
    client = remembered(made)
    selector, mark, validator = cookie_of(client).split(":")
    series = made.store.get(selector)
    assert hashlib.sha256(validator.encode()).hexdigest() == series.validator_hash
    assert hashlib.sha256(mark.encode()).hexdigest() == series.mark_hash
    assert validator not in repr(series)
    assert mark not in repr(series)


@pytest.mark.parametrize("path", ["/who", "/login/bob", "/logout"])
@pytest.mark.parametrize("validator", ["wrong", "last", "used"])
def test_cookie_made_up_for_a_known_selector_ends_nothing(made, path, validator, caplog):
    """Without the mark, no validator harms the browser that it names, not even a right one."""
    client, stranger = remembered(made), made.app.test_client()
    selector, _mark, last = cookie_of(client).split(":")
    if validator == "used":
        client.get("/who")
        end_session(client)
        made.clock.now += 60
    made_up = "B" * 43 if validator == "wrong" else last
    stranger.set_cookie(NAME, f"{selector}:{'A' * 22}:{made_up}")
    told = []

    def tell(app, user_id):
        told.append(user_id)

    with remember_theft_detected.connected_to(tell, made.app):
        answer = stranger.open(path, method="GET" if path == "/who" else "POST")
    assert [] == told
    assert "stolen" not in caplog.text
    assert path != "/who" or "nobody" == answer.text
    assert cookie_of(stranger) is None
    assert "ada" == client.get("/who").text


def test_theft_is_noticed_however_often_the_thief_was_faster(made):
    """The owner's cookie tells of it, also if it is not the one before the last."""
    client, thief = remembered(made), made.app.test_client()
    thief.set_cookie(NAME, cookie_of(client))
    for _ in range(3):
        assert "ada" == thief.get("/who").text
        end_session(thief)
        made.clock.now += 60
    assert "nobody" == client.get("/who").text
    assert "nobody" == thief.get("/who").text


def test_stolen_cookie_ends_all_series_of_the_user(made, caplog):
    """Whoever comes second is noticed, thief or owner; then nobody is remembered."""
    told = []
    other, thief = remembered(made), made.app.test_client()
    client = remembered(made)
    thief.set_cookie(NAME, cookie_of(client))
    assert "ada" == thief.get("/who").text
    made.clock.now += 60

    def tell(app, user_id):
        told.append(user_id)

    with remember_theft_detected.connected_to(tell, made.app):
        assert "nobody" == client.get("/who").text
    assert ["ada"] == told
    assert "used twice" in caplog.text
    end_session(thief)
    for each in (client, thief, other):
        assert "nobody" == each.get("/who").text
        assert cookie_of(each) is None


@pytest.mark.parametrize("store", ["cookie:", "memory:"])
@pytest.mark.parametrize("path", ["/login/ada", ENTER, "/logout"])
def test_used_up_cookie_gives_the_theft_away_at_login_and_logout(path, store):
    """The owner is logged in or out as asked, and the thief is no longer remembered."""
    made = make(Costrel, SESSION_STORE=store)
    client, thief = remembered(made), made.app.test_client()
    thief.set_cookie(NAME, cookie_of(client))
    assert "ada" == thief.get("/who").text
    made.clock.now += 60
    told = []

    def tell(app, user_id):
        told.append(user_id)

    with remember_theft_detected.connected_to(tell, made.app):
        client.post(path)
    assert ["ada"] == told
    expected = "nobody" if path == "/logout" else "ada"
    assert expected == client.get("/who").text
    if store == "memory:":
        assert "nobody" == thief.get("/who").text
    end_session(thief)
    assert "nobody" == thief.get("/who").text
    end_session(client)
    assert ("ada" if path == ENTER else "nobody") == client.get("/who").text


def test_theft_ends_the_sessions_in_a_store(path):
    """The thief is logged out as well, and other users are not."""
    made = make(Costrel)
    made.app.session_interface = StoredSessionInterface(MemoryStore())
    client, thief, bob = remembered(made), made.app.test_client(), made.app.test_client()
    bob.post("/login/bob")
    thief.set_cookie(NAME, cookie_of(client))
    assert "ada" == thief.get("/who").text
    made.clock.now += 60
    assert "nobody" == client.get("/who").text
    assert "nobody" == thief.get("/who").text
    assert "bob" == bob.get("/who").text


def test_other_users_stay_remembered_after_a_theft(made):
    """Only the user of the stolen cookie is concerned."""
    client, bob = remembered(made), made.app.test_client()
    bob.post("/login/bob?remember=1")
    end_session(bob)
    old = cookie_of(client)
    client.get("/who")
    made.clock.now += 60
    client.set_cookie(NAME, old)
    end_session(client)
    assert "nobody" == client.get("/who").text
    assert "bob" == bob.get("/who").text


def test_requests_at_the_same_time_are_no_theft(made):
    """A browser that starts sends several with the same cookie; one of them gets the next."""
    client = remembered(made)
    old = cookie_of(client)
    assert "ada" == client.get("/who").text
    second = made.app.test_client()
    second.set_cookie(NAME, old)
    made.clock.now += 9.9
    assert "ada" == second.get("/who").text
    assert old == cookie_of(second)
    end_session(client)
    assert "ada" == client.get("/who").text


def test_race_of_two_requests_uses_one_cookie_up(made):
    """Both have seen the same series; one replaces it, and only that one sends a cookie."""

    @made.app.get("/race")
    def race():
        name = current_user.id
        inner = made.app.test_client()
        inner.set_cookie(NAME, before)
        assert "ada" == inner.get("/who").text
        return name

    client = remembered(made)
    before = cookie_of(client)
    assert "ada" == client.get("/race").text
    assert before == cookie_of(client)
    end_session(client)
    assert "ada" == client.get("/who").text


@pytest.mark.parametrize("kind", ["own", "memory:", "file://{}/kept"])
def test_many_requests_at_once_use_one_cookie_up(kind, tmp_path):
    """All of a browser that starts are let in, and one of the answers has the next cookie."""
    made = make(Costrel)
    if kind != "own":
        made.login._remember_store = KeptRememberStore(open_store(kind.format(tmp_path)))
    before = cookie_of(remembered(made))
    barrier = threading.Barrier(8)

    def ask(_):
        client = made.app.test_client()
        client.set_cookie(NAME, before)
        barrier.wait(timeout=30)
        return client.get("/who").text, cookie_of(client)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {"ada"} == {text for text, _ in answers}
    after = {cookie for _, cookie in answers} - {before}
    assert 1 == len(after)
    client = made.app.test_client()
    client.set_cookie(NAME, after.pop())
    made.clock.now += 60
    assert "ada" == client.get("/who").text


def test_cookie_is_not_used_up_by_a_response_that_can_not_replace_it(made):
    """The user is first asked for in a stream, whose headers have left."""

    @made.app.get("/stream")
    def stream():
        def lines():
            yield current_user.id

        return Response(stream_with_context(lines()))

    client = remembered(made)
    before = cookie_of(client)
    assert "ada" == client.get("/stream").text
    assert before == cookie_of(client)
    made.clock.now += 60
    assert "ada" == client.get("/who").text
    assert before != cookie_of(client)


def test_websocket_of_a_remembered_browser_opens():
    """It can't replace the cookie, and so does not use it up."""
    made = make(load_user=async_loader)

    @made.app.websocket("/chat")
    @login_required
    async def chat():
        await websocket.send(current_user.id)

    async def main():
        client = made.app.async_test_client()
        await client.post(ENTER)
        end_session(client)
        before = cookie_of(client)
        async with client.websocket("/chat") as socket:
            said = await socket.receive()
        made.clock.now += 60
        return said, before == cookie_of(client), (await client.get("/who")).text

    assert ("ada", True, "ada") == asyncio.run(main())


@pytest.mark.parametrize("store", ["cookie:", "memory:"])
@pytest.mark.parametrize("load_user", [None, async_loader])
def test_handshake_gives_no_session_for_the_cookie_alone(store, load_user):
    """A copy of the cookie would otherwise be worth a session each time, without being used up."""
    made = make(Costrel, load_user=load_user, SESSION_STORE=store)

    @made.app.websocket("/chat")
    @login_required
    async def chat():
        await websocket.send(current_user.id)

    async def main():
        client = made.app.async_test_client()
        await client.post(ENTER)
        end_session(client)
        async with client.websocket("/chat") as socket:
            said = await socket.receive()
        client.delete_cookie(NAME)
        return said, (await client.get("/who")).text

    assert ("ada", "nobody") == asyncio.run(main())


def test_remembered_browser_is_recognised_in_async_views():
    """The store is asked in a thread; the cookie is replaced all the same."""
    made = make(load_user=async_loader)
    seen = []

    @made.app.get("/later")
    @login_required
    async def later():
        return current_user.id

    async def main():
        client = made.app.async_test_client()
        await client.post(ENTER)
        end_session(client)
        before = cookie_of(client)
        text = (await client.get("/later")).text
        return text, before != cookie_of(client), (await client.get("/later")).text

    def tell(app, user):
        seen.append(user.id)

    with user_remembered.connected_to(tell, made.app):
        assert ("ada", True, "ada") == asyncio.run(main())
    assert ["ada"] == seen


def test_browser_is_forgotten_after_the_lifetime(made):
    """Which counts from the login with the password, however often it comes."""
    client = remembered(made)
    for days in (15, 14):
        made.clock.now += days * 86400
        assert "ada" == client.get("/who").text
        end_session(client)
    selector = cookie_of(client).partition(":")[0]
    made.clock.now += 86400
    assert "nobody" == client.get("/who").text
    assert cookie_of(client) is None
    assert made.store.get(selector) is None


def test_lifetime_is_a_setting():
    """In seconds or as a timedelta; there is no remembering for ever."""
    made = make(LOGIN_REMEMBER_LIFETIME=timedelta(days=1))
    answer = made.app.test_client().post(ENTER)
    assert any("Max-Age=86400;" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    made.app.config["LOGIN_REMEMBER_LIFETIME"] = None
    with pytest.raises(ValueError, match="LOGIN_REMEMBER_LIFETIME"):
        made.app.test_client().post(ENTER)


def test_change_of_the_password_forgets_remembered_browsers(made):
    """A cookie of the time before is worth nothing."""
    client = remembered(made)
    selector = cookie_of(client).partition(":")[0]
    made.users["ada"].password_hash = "another hash"
    assert "nobody" == client.get("/who").text
    assert made.store.get(selector) is None
    assert cookie_of(client) is None


def test_logout_forgets_this_browser(made):
    """Its cookie is deleted, and a copy of it worthless; other browsers stay remembered."""
    other, client = remembered(made), remembered(made)
    copy = cookie_of(client)
    client.get("/who")
    client.post("/logout")
    assert cookie_of(client) is None
    client.set_cookie(NAME, copy)
    assert "nobody" == client.get("/who").text
    assert "ada" == other.get("/who").text


def test_another_login_replaces_what_was_remembered(made):
    """Each response sets the cookie once."""
    client = remembered(made)
    selector = cookie_of(client).partition(":")[0]
    answer = client.post("/login/bob?remember=1")
    sent = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(NAME)]
    assert 1 == len(sent)
    assert made.store.get(selector) is None
    end_session(client)
    assert "bob" == client.get("/who").text
    end_session(client)
    client.post("/login/ada")
    assert cookie_of(client) is None


def test_all_browsers_of_a_user_can_be_forgotten(made):
    """As after somebody else has had the device."""
    clients = [remembered(made), remembered(made)]
    with made.app.app_context():
        made.login.forget_devices(made.users["ada"])
    assert ["nobody", "nobody"] == [client.get("/who").text for client in clients]


@pytest.mark.parametrize(
    "value",
    ["", "a", ":", "a:b", f"{'a' * 22}:{'b' * 43}", f"{'a' * 22}:{'c' * 22}:{'b' * 43}", "\u00fc"],
)
def test_cookie_that_is_not_ours_is_deleted(made, value):
    """It logs nobody in, and is not an error."""
    client = made.app.test_client(use_cookies=False)
    answer = client.get("/who", headers={"Cookie": f"{NAME}={value}".encode().decode("latin-1")})
    assert "nobody" == answer.text
    assert any("Max-Age=0" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


@pytest.fixture(params=["own", "memory:", "file://{}/kept", "sqlalchemy:sqlite:///{}/kept.db"])
def store(request, tmp_path):
    """Open a store of each kind."""
    if request.param == "own":
        yield MemoryRememberStore()
        return
    kept = open_store(request.param.format(tmp_path))
    yield KeptRememberStore(kept)
    kept.close()


def series_of(user_id, selector):
    """Make a series that lasts for long."""
    return replace(Series.start(user_id, "bound", 4e9, 100.0)[0], selector=selector)


def test_store_keeps_series(store):
    """What was added comes back equal, until it is deleted."""
    ada, bob = series_of("ada", "a" * 22), series_of("bob", "b" * 22)
    assert store.get(ada.selector) is None
    for series in (ada, bob, series_of("ada", "c" * 22)):
        store.add(series)
    assert ada == store.get(ada.selector)
    store.delete(bob.selector)
    store.delete(bob.selector)
    assert store.get(bob.selector) is None
    store.delete_of_user("ada")
    assert [None, None] == [store.get(ada.selector), store.get("c" * 22)]


def test_store_replaces_a_series_only_once(store):
    """The second of two that expect the same is told so."""
    series = series_of("ada", "a" * 22)
    store.add(series)
    first, second = series.rotate("m", 4e9)[0], series.rotate("m", 4e9)[0]
    assert store.replace(first, series.validator_hash)
    assert not store.replace(second, series.validator_hash)
    assert first == store.get(series.selector)
    store.delete(series.selector)
    assert not store.replace(second, first.validator_hash)
    assert store.get(series.selector) is None


class Broken(SessionStore):
    """A store that can't be reached."""

    def get(self, *args):
        raise StoreUnavailableError("no connection")

    set = touch = delete = of_user = get


def test_outage_of_the_store_is_a_503():
    """Nobody is logged out, or taken for a thief, by it."""
    made = make()
    made.login._remember_store = KeptRememberStore(Broken())
    client = made.app.test_client()
    assert 503 == client.post(ENTER).status_code
    cookie = f"{'a' * 22}:{'c' * 22}:{'b' * 43}"
    client.set_cookie(NAME, cookie)
    end_session(client)
    answer = client.get("/who")
    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert cookie == cookie_of(client)


def test_memory_is_bounded(monkeypatch):
    """The series that was used least recently goes."""
    monkeypatch.setattr(memorystore, "LIMIT", 2)
    store = MemoryRememberStore()
    first, second, third = (series_of("ada", name * 22) for name in "abc")
    store.add(first)
    store.add(second)
    assert store.replace(first, first.validator_hash)
    store.add(third)
    assert [first, None, third] == [store.get(s.selector) for s in (first, second, third)]


def test_store_is_a_setting(tmp_path, caplog):
    """A kind and an URL, or an object; without it, there is a warning and the memory."""
    made = make()
    made.login._remember_store = None

    def open_with(setting):
        made.app.extensions.pop("costrel.login.remember", None)
        made.app.config["LOGIN_REMEMBER_STORE"] = setting
        return made.login.store_of(made.app)

    assert made.store is open_with(made.store)
    assert isinstance(open_with("memory:"), MemoryRememberStore)
    kept = open_with(f"file://{tmp_path}/kept")
    assert isinstance(kept, KeptRememberStore)
    with pytest.raises(ValueError, match="other"):
        open_with("other:")
    assert not caplog.text
    assert isinstance(open_with(None), MemoryRememberStore)
    assert not caplog.text
    sessions = StoredSessionInterface(MemoryStore())
    made.app.session_interface = sessions
    assert sessions.store is open_with(None)._store
    made.app.session_interface = SecureCookieSessionInterface()
    made.app.testing = False
    assert open_with(None) is made.login.store_of(made.app)
    assert 1 == caplog.text.count("LOGIN_REMEMBER_STORE")
