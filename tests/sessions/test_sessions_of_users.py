"""The sessions of a user are listed, and ended everywhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from stored_apps import get, id_in, make_app, with_id

from costrel import session
from costrel.login import Series
from costrel.login.keptstore import KeptRememberStore
from costrel.sessions import SessionInfo, end_sessions_of, sessions_of
from costrel.sessions.stores import StoreUnavailableError, open_store, user_text
from costrel.sessions.stores.memory import MemoryStore


def app_with_account(store):
    """Make an application in which users see and end their sessions."""
    app = make_app(store)

    @app.get("/sessions")
    def sessions():
        return [
            {"key": each.key, "created": each.created_at.timestamp(), "current": each.is_current}
            for each in sessions_of(session.user_id)
        ]

    @app.get("/end/<how>")
    def end(how):
        if how == "others":
            ended = end_sessions_of(session.user_id, keep_current=True)
        elif how == "all":
            ended = end_sessions_of(session.user_id)
        else:
            ended = end_sessions_of(session.user_id, key=how)
        return str(ended)

    return app


def logged_in(app, user):
    """Return a client in which the user has logged in."""
    client = app.test_client()
    get(client, f"/login/{user}")
    return client


def test_sessions_of_a_user_are_listed_with_the_current_one(store, clock):
    """The last used comes first, and nobody else's are among them."""
    app = app_with_account(store)
    first = logged_in(app, "anna")
    clock.move(100)
    second = logged_in(app, "anna")
    logged_in(app, "berta")
    shown = get(first, "/sessions").json
    assert [clock.now, clock.now - 100] == [each["created"] for each in shown]
    assert [False, True] == [each["current"] for each in shown]
    assert [True, False] == [each["current"] for each in get(second, "/sessions").json]


def test_session_is_described_in_utc(clock):
    """For a page that shows it."""
    app = make_app(store := MemoryStore(clock=clock))
    logged_in(app, 7)
    with app.app_context():
        now = datetime.fromtimestamp(clock.now, UTC)
        [key] = store._entries
        assert [SessionInfo(key, now, now, is_current=False)] == sessions_of(7)


def test_user_logs_out_everywhere(store):
    """In the current session too, whose cookie is deleted."""
    app = app_with_account(store)
    clients = [logged_in(app, "anna") for _ in range(3)]
    other = logged_in(app, "berta")
    response = get(clients[0], "/end/all")
    assert response.text == "3"
    assert id_in(response) == ""
    assert [{}, {}, {}] == [get(client, "/get").json for client in clients]
    assert get(other, "/get").json == {"_user_id": "berta"}


@pytest.mark.parametrize("user", ["\ud800", "a\x00b", "x\udfff\x00"])
def test_id_that_can_not_be_encoded_is_kept_by_its_hash(store, user):
    """It is an id like any other, and not an error of the server."""
    app = make_app(store)

    @app.get("/as-strange")
    def log_in():
        session["_user_id"] = user
        return "in"

    clients = [app.test_client() for _ in range(2)]
    for client in clients:
        assert client.get("/as-strange").status_code == 200
    logged_in(app, "anna")
    with app.app_context():
        assert len(sessions_of(user)) == 2
        assert end_sessions_of(user) == 2
        assert len(sessions_of("anna")) == 1


@pytest.mark.parametrize("user", ["costrel.remember:anna", user_text("\ud800")])
def test_id_that_somebody_chose_means_nobody_else(tmp_path, user):
    """Neither the remembered browsers of another user, nor whoever is known by a hash."""
    store = open_store(f"file://{tmp_path}/sessions")
    browsers = KeptRememberStore(store)
    series, _cookie = Series.start("anna", None, 1_000.0, 1e10)
    browsers.add(series)
    app = make_app(store)
    store.set("e" * 64, b"{}", 1_000, user_text("\ud800"), 0)
    with app.app_context():
        assert sessions_of(user) == []
        assert end_sessions_of(user) == 0
        assert len(sessions_of("\ud800")) == 1
    assert browsers.get(series.selector) == series
    browsers.delete_of_user("anna")
    assert browsers.get(series.selector) is None


def test_nobody_has_no_sessions(tmp_path):
    """Nor is nobody a user with the id "None"."""
    app = make_app(open_store(f"file://{tmp_path}/sessions"))
    logged_in(app, "None")
    with app.app_context():
        assert sessions_of(None) == []
        assert end_sessions_of(None) == 0
        assert len(sessions_of("None")) == 1


def test_user_ends_all_other_sessions(store):
    """As after a change of the password."""
    app = app_with_account(store)
    clients = [logged_in(app, "anna") for _ in range(3)]
    assert get(clients[0], "/end/others").text == "2"
    assert ["anna", None, None] == [get(c, "/get").json.get("_user_id") for c in clients]


def test_user_ends_one_session(store):
    """Another user's is not theirs to end, and a key is no id."""
    app = app_with_account(store)
    first, second, other = (logged_in(app, user) for user in ("anna", "anna", "berta"))
    [key] = [each["key"] for each in get(first, "/sessions").json if not each["current"]]
    [others] = [each["key"] for each in get(other, "/sessions").json]
    assert get(first, f"/end/{others}").text == "0"
    assert with_id(app, key, "/get").json == {}
    assert get(first, f"/end/{key}").text == "1"
    assert ["anna", None, "berta"] == [
        get(client, "/get").json.get("_user_id") for client in (first, second, other)
    ]
    [own] = [each["key"] for each in get(first, "/sessions").json]
    assert id_in(get(first, f"/end/{own}")) == ""


def test_login_in_the_same_request_is_kept():
    """A new password, and a new id, and all other sessions ended."""
    app = app_with_account(MemoryStore())

    @app.get("/password")
    def password():
        session.regenerate()
        return str(end_sessions_of(session.user_id, keep_current=True))

    clients = [logged_in(app, "anna") for _ in range(3)]
    assert get(clients[1], "/password").text == "2"
    assert [None, "anna", None] == [get(c, "/get").json.get("_user_id") for c in clients]


def test_sessions_in_cookies_can_not_be_listed_or_ended():
    """The error says what to set."""
    app = make_app("cookie:")
    with app.app_context():
        for function in (sessions_of, end_sessions_of):
            with pytest.raises(RuntimeError, match="SESSION_STORE"):
                function("anna")


def test_no_application_is_an_error():
    """It says where to call it."""
    with pytest.raises(RuntimeError, match="app_context"):
        sessions_of("anna")


def test_command_ends_the_sessions_of_a_user():
    """Outside of a request, nothing is current."""
    app = app_with_account(MemoryStore())
    client = logged_in(app, "anna")
    with app.app_context():
        assert end_sessions_of("anna", keep_current=True) == 1
    assert get(client, "/get").json == {}


def test_async_view_calls_them_in_a_thread():
    """On the loop, the store would block every other request."""
    app = make_app(MemoryStore())

    @app.get("/direct")
    async def direct():
        with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
            sessions_of("anna")
        return ""

    @app.get("/thread")
    async def thread():
        found = await asyncio.to_thread(sessions_of, session.user_id)
        return [each.is_current for each in found]

    client = logged_in(app, "anna")
    assert get(client, "/direct").status_code == 200
    assert get(client, "/thread").json == [True]


def test_store_that_fails_gives_503(caplog):
    """As for the session itself."""
    store = MemoryStore()
    app = app_with_account(store)
    client = logged_in(app, "anna")

    def fail(*_):
        raise StoreUnavailableError("it is broken on purpose")

    store.of_user = store.delete_of_user = fail
    assert get(client, "/sessions").status_code == 503
    assert get(client, "/end/all").status_code == 503
    assert caplog.text.count("it is broken on purpose") == 1
