"""Sessions on the server: the browser has an id, which is as good as it can be."""

from __future__ import annotations

import hashlib
import pickle
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from markupsafe import Markup
from stored_apps import HTTPS, Counted, get, id_in, make_app, with_id

from costrel import Flask, Response, flash, get_flashed_messages, session, stream_with_context
from costrel.dispatch.plan import FORCE_LOOP
from costrel.sessions.stored import StoredSession, StoredSessionInterface
from costrel.sessions.stores.memory import MemoryStore

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
def memory(clock):
    """Return a store in memory."""
    return MemoryStore(clock=clock)


def test_session_changed_comes_back_with_the_next_request(store):
    """With each store, without a secret key, and with the types of the tagged serializer."""
    app = make_app(store)
    value = {
        "tuple": (1, 2.5), "bytes": b"\xff", "html": Markup("<b>"), "none": None,
        "é": "\N{SNOWMAN}", "uuid": uuid.UUID(int=1),
        "time": datetime(2026, 1, 1, tzinfo=UTC), "list": [{"a": [True]}],
    }  # fmt: skip

    @app.get("/types")
    def types():
        if "value" in session:
            return str(session["value"] == value and type(session["value"]["html"]) is Markup)
        session["value"] = value
        return "stored"

    client = app.test_client()
    assert [get(client, "/types").text for _ in range(3)] == ["stored", "True", "True"]


def test_cookie_is_a_random_id_that_the_store_does_not_know(memory):
    """It has 256 bits, and the attributes of a safe cookie; the store has its hash."""
    client = make_app(memory).test_client()
    cookie = get(client, "/set?a=1").headers["Set-Cookie"]
    found = re.fullmatch(
        r"__Host-session=([\w-]{43}); Secure; HttpOnly; Path=/; SameSite=Lax", cookie
    )
    assert found
    assert [hashlib.sha256(found[1].encode()).hexdigest()] == list(memory._entries)


def test_cookie_is_sent_only_when_the_browser_lacks_it(memory):
    """A change of what is stored needs no cookie."""
    client = make_app(memory).test_client()
    assert id_in(get(client, "/set?a=1"))
    for path in ("/set?a=2", "/get", "/other", "/set?a=2"):
        assert id_in(get(client, path)) is None


def test_responses_vary_by_cookie_if_the_session_was_accessed(memory):
    """Caches must not give one client's page to another."""
    client = make_app(memory).test_client()
    assert [
        get(client, path).headers.get("Vary") for path in ("/get", "/set?a=1", "/get", "/other")
    ] == ["Cookie", "Cookie", "Cookie", None]


def test_interface_is_asked_only_where_something_was_replaced(path, memory):
    """So the other tests are about what was compiled, too."""
    app = make_app(memory)
    client = app.test_client()
    get(client, "/set?a=1")
    assert (app._engine.cookie is None) == (path == "general")
    app.session_interface.get_cookie_name = lambda app: "another"
    assert get(client, "/get").json == {}
    assert app._engine.cookie is None


def test_store_is_asked_only_for_what_is_needed(memory, monkeypatch):
    """Once to read, once to write, and not at all if the session is left alone."""
    monkeypatch.delenv(FORCE_LOOP, raising=False)  # for coroutines it is read before
    counted = Counted(memory, monkeypatch)
    client = make_app(memory).test_client()
    expected = {
        "/get": [], "/set?a=1": ["set"], "/other": [], "/nowhere": [], "/set?a=2": ["get", "set"],
        "/set?a=2&b=": ["get", "set"], "/clear": ["get", "delete"], "/remove/a": [],
    }  # fmt: skip
    del expected["/remove/a"]
    for path, calls in expected.items():
        get(client, path)
        assert calls == counted.since(), path


def test_value_that_stays_the_same_is_not_written(memory, monkeypatch):
    """Setting what is there already costs no write."""
    counted = Counted(memory, monkeypatch)
    client = make_app(memory).test_client()
    get(client, "/set?a=1")
    get(client, "/set?a=1")
    assert counted.since() == ["set", "get"]


@pytest.mark.parametrize(
    "session_id",
    ["a" * 43, "", "a", "a" * 42 + "!", "a" * 5000, "../../etc/passwd", '"', "ä" * 43, "a" * 64],
)
def test_id_that_the_store_does_not_know_is_never_used(memory, session_id):
    """A session gets an id made here, whatever the client sent: no fixation."""
    app = make_app(memory)
    assert with_id(app, session_id.encode().decode("latin-1"), "/get").json == {}
    new = id_in(with_id(app, session_id.encode().decode("latin-1"), "/set?a=1"))
    assert new
    assert new != session_id
    assert with_id(app, new, "/get").json == {"a": "1"}


def test_hash_in_the_store_is_no_id(memory):
    """Whoever reads the store can't take over a session."""
    app = make_app(memory)
    get(app.test_client(), "/set?a=1")
    [id_hash] = memory._entries
    assert with_id(app, id_hash, "/get").json == {}
    assert with_id(app, id_hash[:43], "/get").json == {}


def test_empty_session_is_not_stored(memory):
    """Neither one that was only read, nor one that was emptied again."""
    app = make_app(memory)

    @app.get("/nothing")
    def nothing():
        session["a"] = 1
        del session["a"]
        return ""

    client = app.test_client()
    for path in ("/get", "/nothing", "/clear", "/logout"):
        get(client, path)
        assert memory.size == 0


def test_session_that_is_emptied_ends(memory):
    """Its cookie is deleted too."""
    client = make_app(memory).test_client()
    get(client, "/set?a=1")
    assert id_in(get(client, "/remove/a")) == ""
    assert memory.size == 0


def test_regenerated_session_keeps_its_contents_under_a_new_id(store):
    """The old id ends, so that whoever knew it knows nothing any more."""
    app = make_app(store)
    client = app.test_client()
    old = id_in(get(client, "/set?a=1"))
    new = id_in(get(client, "/login/anna"))
    assert new not in {old, None, ""}
    assert get(client, "/get").json == {"_user_id": "anna", "a": "1"}
    assert with_id(app, old, "/get").json == {}


@pytest.mark.parametrize("change", ["login", "logout", "clear"])
def test_id_changes_with_the_user_and_when_the_session_is_cleared(memory, change):
    """Flask's idioms for logging in and out are safe from fixation too."""
    app = make_app(memory)

    @app.get("/change")
    def make_change():
        if change == "login":
            session["_user_id"] = "anna"
        elif change == "logout":
            del session["_user_id"]
        else:
            session.clear()
        session["b"] = "2"
        return ""

    client = app.test_client()
    get(client, "/set?a=1" if change == "login" else "/login/anna?a=1")
    [old] = [cookie.value for cookie in client._cookies.values()]
    assert id_in(get(client, "/change")) not in {old, None, ""}
    assert with_id(app, old, "/get").json == {}
    assert get(client, "/get").json["b"] == "2"


def test_destroyed_session_is_deleted_in_the_store(store):
    """A copy of the cookie is worth nothing after a logout."""
    app = make_app(store)
    client = app.test_client()
    session_id = id_in(get(client, "/set?a=1"))
    assert id_in(get(client, "/logout")) == ""
    assert with_id(app, session_id, "/get").json == {}


def test_what_is_stored_after_the_end_begins_a_new_session(memory):
    """Such as the message that says good-bye."""
    app = make_app(memory)

    @app.get("/bye")
    def bye():
        session.destroy()
        flash("Good-bye")
        return ""

    @app.get("/messages")
    def messages():
        return get_flashed_messages()

    client = app.test_client()
    old = id_in(get(client, "/login/anna"))
    new = id_in(get(client, "/bye"))
    assert new not in {old, None, ""}
    assert with_id(app, old, "/get").json == {}
    assert get(client, "/messages").json == ["Good-bye"]


def test_session_tells_whether_it_is_new_and_how_old(memory, clock):
    """From the store, which notes each use only sometimes."""
    app = make_app(memory)
    seen = []

    @app.get("/look")
    def look():
        seen.append((session.new, session.created_at, session.used_at))
        session["a"] = session.get("a", 0) + 1
        return ""

    client = app.test_client()
    start = int(clock.now)
    for _ in range(3):
        get(client, "/look")
        clock.move(10)
    assert [
        (True, None, None), (False, start, start), (False, start, start + 10)
    ] == seen  # fmt: skip


def test_idle_session_ends_and_used_one_does_not(memory, clock):
    """Each tenth of the lifetime, a use is noted in the store, without a cookie."""
    client = make_app(memory, SESSION_IDLE_LIFETIME=100).test_client()
    get(client, "/set?a=1")
    for _ in range(5):
        clock.move(90)
        assert get(client, "/get").json == {"a": "1"}
    clock.move(101)
    assert get(client, "/get").json == {}


def test_use_is_noted_each_tenth_of_the_lifetime(memory, clock, monkeypatch):
    """Not each request that reads the session writes."""
    counted = Counted(memory, monkeypatch)
    client = make_app(memory, SESSION_IDLE_LIFETIME=100).test_client()
    get(client, "/set?a=1")
    counted.since()
    noted = []
    for _ in range(6):
        clock.move(4)
        assert id_in(get(client, "/get")) is None
        noted.append("touch" in counted.since())
    assert noted == [False, False, True, False, False, True]


def test_use_is_noted_when_the_clock_was_set_back(memory, clock, monkeypatch):
    """Otherwise a store with a clock of its own would end a session in use."""
    counted = Counted(memory, monkeypatch)
    client = make_app(memory, SESSION_IDLE_LIFETIME=100).test_client()
    get(client, "/set?a=1")
    clock.move(-5)
    get(client, "/get")
    clock.move(-500)
    counted.since()
    assert [get(client, "/get").json, get(client, "/get").json] == [{"a": "1"}, {"a": "1"}]
    assert counted.since() == ["get", "touch", "get"]


def test_absolute_lifetime_is_not_longer_when_the_clock_was_set_back(memory, clock, monkeypatch):
    """What the store is told is never more than the setting."""
    told = []
    client = make_app(memory, SESSION_ABSOLUTE_LIFETIME=100).test_client()
    write = memory.set
    monkeypatch.setattr(memory, "set", lambda *args: told.append(args[2]) or write(*args))
    get(client, "/set?a=1")
    clock.move(-500)
    get(client, "/set?a=2")
    assert told == [100, 100]


def test_session_ends_at_the_second(memory, clock):
    """Of either lifetime: valid until just before it, and never after."""
    for config in ({"SESSION_IDLE_LIFETIME": 100}, {"SESSION_ABSOLUTE_LIFETIME": 100}):
        app = make_app(memory, **config)
        session_id = id_in(get(app.test_client(), "/set?a=1"))
        clock.move(99.999)
        found = [with_id(app, session_id, "/get").json]
        session_id = id_in(get(app.test_client(), "/set?a=1"))
        clock.move(100)
        found.append(with_id(app, session_id, "/get").json)
        assert found == [{"a": "1"}, {}]


def test_absolute_lifetime_ends_a_session_in_use(memory, clock):
    """A new id begins it anew."""
    client = make_app(
        memory, SESSION_ABSOLUTE_LIFETIME=timedelta(seconds=100), SESSION_IDLE_LIFETIME=60
    ).test_client()
    get(client, "/set?a=1")
    clock.move(50)
    get(client, "/login/anna")
    clock.move(50)
    get(client, "/set?b=2")
    clock.move(40)
    assert "a" in get(client, "/get").json
    clock.move(11)
    assert get(client, "/get").json == {}
    assert memory.size == 0


def test_lifetime_that_is_set_later_holds_for_sessions_that_exist(memory, clock):
    """The store was told another one."""
    app = make_app(memory)
    client = app.test_client()
    get(client, "/set?a=1")
    clock.move(200)
    app.config["SESSION_ABSOLUTE_LIFETIME"] = 100
    assert get(client, "/get").json == {}


def test_session_without_lifetimes_ends_like_one_in_a_cookie(memory, clock):
    """After PERMANENT_SESSION_LIFETIME without a use, whether it is permanent or not."""
    client = make_app(memory, PERMANENT_SESSION_LIFETIME=1000).test_client()
    get(client, "/set?a=1")
    clock.move(999)
    assert get(client, "/get").json == {"a": "1"}
    clock.move(999)
    assert get(client, "/get").json == {"a": "1"}
    clock.move(1001)
    assert get(client, "/get").json == {}


@pytest.mark.parametrize("refreshes", [True, False])
def test_cookie_of_a_permanent_session_is_refreshed_each_tenth(memory, clock, refreshes):
    """Unless SESSION_REFRESH_EACH_REQUEST is off: then it counts from the last change."""
    app = make_app(memory, PERMANENT_SESSION_LIFETIME=1000, SESSION_REFRESH_EACH_REQUEST=refreshes)

    @app.get("/keep")
    def keep():
        session.permanent = True
        return ""

    client = app.test_client()
    assert "Expires=" in get(client, "/keep").headers["Set-Cookie"]
    sent = []
    for _ in range(4):
        clock.move(60)
        sent.append("Expires=" in get(client, "/get").headers.get("Set-Cookie", ""))
    assert [False, refreshes, False, refreshes] == sent
    clock.move(50)
    assert "Expires=" in get(client, "/set?a=1").headers["Set-Cookie"]


def test_session_that_is_no_longer_permanent_gets_a_cookie_that_says_so(memory):
    """The browser forgets it when it closes."""
    app = make_app(memory)

    @app.get("/keep/<int:how>")
    def keep(how):
        session.permanent = bool(how)
        return ""

    client = app.test_client()
    get(client, "/keep/1")
    assert "Expires=" not in get(client, "/keep/0").headers["Set-Cookie"]
    assert id_in(get(client, "/set?a=1")) is None


def test_change_within_a_value_is_stored_if_the_session_is_told(memory):
    """As with sessions in cookies."""
    app = make_app(memory)

    @app.get("/append/<int:told>")
    def append(told):
        session.setdefault("list", []).append(told)
        session.modified = bool(told)
        return ""

    client = app.test_client()
    get(client, "/append/1")
    get(client, "/append/0")
    get(client, "/append/1")
    assert get(client, "/get").json == {"list": "[1, 1]"}


def test_session_too_large_for_a_cookie_is_stored(store):
    """That is one reason to keep sessions on the server."""
    client = make_app(store).test_client()
    app = client.application

    @app.get("/much")
    def much():
        session["much"] = "x" * 50_000
        return ""

    assert get(client, "/much").status_code == 200
    assert len(get(client, "/get").json["much"]) == 50_000


def test_data_that_can_not_be_read_any_more_ends_the_session(memory, caplog):
    """With a line in the log, since the application has changed."""
    app = make_app(memory)
    client = app.test_client()
    get(client, "/set?a=1")
    [id_hash] = memory._entries
    memory.set(id_hash, b'{"a": {" t": 1}', 1000, None, 1)
    assert get(client, "/get").json == {}
    assert "can't be read" in caplog.text


def test_stored_pickle_is_never_run(memory):
    """CVE-2021-33026: whoever can write to the store can change sessions, but not run code."""
    app = make_app(memory)
    client = app.test_client()
    get(client, "/set?a=1")
    [id_hash] = memory._entries
    assert memory.get(id_hash).data == b'{"a":"1"}'
    memory.set(id_hash, pickle.dumps({"a": "2"}), 1000, None, 1)
    assert get(client, "/get").json == {}
    assert not app.session_interface.pickle_based


def test_value_that_can_not_be_stored_is_an_error(memory):
    """It is the one that a session in a cookie gives, and nothing is stored."""
    app = make_app(memory, TESTING=True)

    @app.get("/object")
    def put_object():
        session["a"] = object()
        return ""

    with pytest.raises(TypeError, match="object"):
        get(app.test_client(), "/object")
    assert memory.size == 0


def test_cookie_is_sent_with_the_response_that_replaces_a_failed_one(memory):
    """A session that was saved, but whose id the browser never got, would be lost."""
    app = make_app(memory, PROPAGATE_EXCEPTIONS=False)

    @app.get("/odd")
    def odd():
        session["a"] = 1
        return Response("odd", headers={"X-Odd": "1\u20ac"})

    client = app.test_client()
    response = get(client, "/odd")
    assert response.status_code == 500
    assert id_in(response)
    assert get(client, "/get").json == {"a": "1"}


def test_session_is_saved_before_a_stream_begins(memory):
    """The stream can read it."""
    app = make_app(memory)

    @app.get("/stream")
    def stream():
        session["a"] = "1"
        return stream_with_context(part for part in [session["a"], "2"])

    client = app.test_client()
    assert get(client, "/stream").text == "12"
    assert get(client, "/get").json == {"a": "1"}


def test_test_client_changes_stored_sessions(memory):
    """With `session_transaction`, as for sessions in cookies."""
    app = make_app(memory)
    client = app.test_client()
    with client.session_transaction(base_url=HTTPS) as changed:
        changed["a"] = "1"
    assert get(client, "/get").json == {"a": "1"}
    with client.session_transaction(base_url=HTTPS) as changed:
        assert type(changed) is StoredSession
        del changed["a"]
    assert get(client, "/get").json == {}
    assert memory.size == 0


def test_setting_is_read_late_and_may_change(memory):
    """Applications are configured after they are created."""
    app = make_app("cookie:", SECRET_KEY="a secret")
    client = app.test_client()
    get(client, "/set?a=1")
    assert get(client, "/get").json == {"a": "1"}
    app.config["SESSION_STORE"] = memory
    assert get(client, "/get").json == {}
    get(client, "/set?b=1")
    assert memory.size == 1
    assert isinstance(app.session_interface, StoredSessionInterface)
    app.config["SESSION_STORE"] = "cookie:"
    assert get(client, "/get").json == {}


def test_setting_that_is_no_store_is_refused():
    """The error says what to set."""
    app = make_app(object())
    with pytest.raises(TypeError, match="SESSION_STORE is a object"):
        get(app.test_client(), "/get")


@pytest.mark.parametrize(("debug", "lines"), [(False, 1), (True, 0)])
def test_memory_is_warned_of_outside_debug_mode(caplog, debug, lines):
    """It works with one worker process only."""
    app = make_app("memory:", DEBUG=debug)
    client = app.test_client()
    get(client, "/set?a=1")
    get(client, "/get")
    assert lines == caplog.text.count("SESSION_STORE is 'memory:'")


def test_interface_that_is_set_wins(memory):
    """Such as that of Flask-Session."""
    app = make_app(memory)
    app.session_interface = StoredSessionInterface(other := MemoryStore())
    get(app.test_client(), "/set?a=1")
    assert (memory.size, other.size) == (0, 1)


def test_flask_without_protection_takes_the_interface_too():
    """It needs nothing else."""
    app = Flask(__name__)
    app.config["SESSION_COOKIE_SECURE"] = "auto"
    app.session_interface = StoredSessionInterface(MemoryStore())

    @app.get("/count")
    def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client()
    assert [get(client, "/count").text for _ in range(3)] == ["1", "2", "3"]
