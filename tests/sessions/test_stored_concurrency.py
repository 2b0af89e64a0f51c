"""Concurrent requests of one session are merged by key, and end what was ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_apps import get, id_in, with_id
from stored_apps import make_app as make_plain_app

from costrel import request, session
from costrel.sessions.stores.memory import MemoryStore


def make_app(store):
    """Make an application with a request, ``/outer``, during which another is sent."""
    app = make_plain_app(store)

    @app.get("/outer")
    def outer():
        before = dict(session)
        inner = app.test_client(use_cookies=False)
        cookie = {"Cookie": request.headers["Cookie"]}
        second = request.args["second"]
        worker = threading.Thread(target=lambda: get(inner, second, headers=cookie))
        worker.start()
        worker.join()
        assert dict(session) == before
        path, _, query = request.args["first"].partition("?")
        if path == "/set":
            session.update(pair.split("=") for pair in query.split("&"))
            return ""
        endpoint, values = app.url_map.bind("").match(path)
        return app.view_functions[endpoint](**values)

    return app


def overlapping(client, first, second):
    """Send the request `second` while the view of `first` runs, after it has read the session."""
    return get(client, "/outer", query_string={"first": first, "second": second})


def test_changes_of_different_keys_are_both_kept(store):
    """Neither request has seen the other's."""
    app = make_app(store)
    client = app.test_client()
    get(client, "/set?a=1&b=1&c=1")
    overlapping(client, "/set?a=2", "/set?b=2&d=2")
    assert get(client, "/get").json == {"a": "2", "b": "2", "c": "1", "d": "2"}


def test_removed_keys_stay_removed(store):
    """What one request has not touched does not come back with its write."""
    app = make_app(store)
    client = app.test_client()
    get(client, "/set?a=1&b=1&c=1")
    overlapping(client, "/remove/a", "/remove/b")
    assert get(client, "/get").json == {"c": "1"}


def test_last_change_of_one_key_wins(store):
    """Such as for two settings of the same thing."""
    app = make_app(store)
    client = app.test_client()
    get(client, "/set?a=1&b=1")
    overlapping(client, "/set?a=outer", "/set?a=inner&b=inner")
    assert get(client, "/get").json == {"a": "outer", "b": "inner"}


@pytest.mark.parametrize("end", ["/logout", "/clear"])
def test_session_that_was_ended_is_not_brought_back(store, end):
    """By a request that was being handled; and its browser's new cookie is left alone."""
    app = make_app(store)
    client = app.test_client()
    session_id = id_in(get(client, "/login/anna"))
    response = overlapping(client, "/set?a=2", end)
    assert id_in(response) is None
    assert with_id(app, session_id, "/get").json == {}
    assert store.of_user("anna") == []


def test_session_that_got_another_id_is_not_brought_back(store):
    """The concurrent request loses its change, and the login stays."""
    app = make_app(store)
    client = app.test_client()
    old = id_in(get(client, "/set?a=1"))
    response = overlapping(client, "/set?a=2", "/login/anna")
    assert id_in(response) is None
    assert with_id(app, old, "/get").json == {}
    [kept] = store.of_user("anna")
    assert b'"a":"1"' in store.get(kept.id_hash).data


def test_login_keeps_what_a_concurrent_request_has_stored(store):
    """Such as a product in the cart."""
    app = make_app(store)
    client = app.test_client()
    get(client, "/set?a=1")
    overlapping(client, "/login/anna", "/set?b=2")
    assert get(client, "/get").json == {"_user_id": "anna", "a": "1", "b": "2"}


def test_login_to_a_session_that_was_ended_has_the_login_only(store):
    """Whatever else the ended one contained stays away."""
    app = make_app(store)
    client = app.test_client()
    get(client, "/login/berta")
    get(client, "/set?secret=1")
    overlapping(client, "/login/anna", "/logout")
    assert get(client, "/get").json == {"_user_id": "anna"}


def test_new_id_for_a_session_that_was_ended_has_no_user(store):
    """Nobody is logged in again by a request that began before the logout."""
    app = make_app(store)

    @app.get("/rotate")
    def rotate():
        session.regenerate()
        session["b"] = "2"
        return ""

    client = app.test_client()
    get(client, "/login/anna")
    overlapping(client, "/rotate", "/logout")
    assert get(client, "/get").json == {"b": "2"}
    assert store.of_user("anna") == []


KEYS = st.sampled_from("abc")
CHANGES = st.lists(
    st.tuples(KEYS, st.sampled_from([None, "", "1", 1, True, 1.0, (1,), [1], {"x": 1}])), max_size=4
)


@settings(deadline=None, max_examples=50)
@given(before=CHANGES, first=CHANGES, second=CHANGES)
def test_merged_session_is_that_of_one_request_after_the_other(before, first, second):
    """For any changes: as if the first to read had read last."""
    store = MemoryStore()
    app = make_plain_app(store)
    changes = iter([before])

    def apply(changes):
        for key, value in changes:
            if value is None:
                session.pop(key, None)
            else:
                session[key] = value

    @app.get("/apply")
    def apply_next():
        apply(next(changes))
        session["kept"] = "kept"
        return ""

    @app.get("/both")
    def both():
        dict(session)
        inner = app.test_client(use_cookies=False)
        cookie = {"Cookie": request.headers["Cookie"]}
        worker = threading.Thread(target=lambda: get(inner, "/apply", headers=cookie))
        worker.start()
        worker.join()
        apply(first)
        return ""

    client = app.test_client()
    get(client, "/apply")
    changes = iter([second])
    get(client, "/both")

    start: dict[str, object] = {}
    _apply_to(start, before)
    mine = dict(start)
    _apply_to(mine, first)
    expected = dict(start)
    _apply_to(expected, second)
    for key in {*start, *mine}:
        if key not in mine:
            expected.pop(key, None)
        elif key not in start or repr(mine[key]) != repr(start[key]):
            expected[key] = mine[key]
    with client.session_transaction(base_url="https://example.com") as stored:
        found = dict(stored)
    assert found.pop("kept") == "kept"
    assert _shown(expected) == _shown(found)


def _apply_to(state, changes):
    for key, value in changes:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _shown(state):
    return {key: repr(value) for key, value in state.items()}


REQUESTS = 12
THREADS = 150


def test_threads_that_write_their_own_keys_lose_none(store):
    """All requests of a page that loads many things at once, and of a server with many threads."""
    app = make_app(store)
    client = app.test_client()
    session_id = id_in(get(client, "/set?start=1"))
    threads = [
        threading.Thread(target=with_id, args=(app, session_id, f"/set?key{number}={number}"))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"key{number}": str(number) for number in range(THREADS)}
    assert {**expected, "start": "1"} == get(client, "/get").json


WRITE = """
import sys
sys.path.insert(0, sys.argv[1])
from stored_apps import make_app, with_id
url, session_id, name = sys.argv[2:]
app = make_app(url)
for number in range(12):
    assert with_id(app, session_id, f"/set?{name}{number}=1").status_code == 200
"""


def test_processes_that_write_their_own_keys_lose_none(shared_kind, url_of):
    """As workers of a server do."""
    url = url_of(shared_kind)
    app = make_app(url)
    client = app.test_client()
    session_id = id_in(get(client, "/set?start=1"))
    here = str(Path(__file__).parent)
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITE, here, url, session_id, name])
        for name in "xy"
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    expected = {f"{name}{number}": "1" for name in "xy" for number in range(REQUESTS)}
    assert {**expected, "start": "1"} == get(client, "/get").json
    app.session_interface.close()
