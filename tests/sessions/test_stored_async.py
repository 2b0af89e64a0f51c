"""Stored sessions under ASGI: the store is never waited for on the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from stored_apps import HTTPS, get, id_in, make_app, with_id

from costrel import session, websocket
from costrel.dispatch import coroutines
from costrel.dispatch.plan import FORCE_LOOP
from costrel.sessions.stores.memory import MemoryStore


class Threads(MemoryStore):
    """A store that notes whether it is called on a thread with a running event loop."""

    def __init__(self):
        super().__init__()
        self.calls = []
        for name in ("get", "set", "move", "touch", "delete"):
            setattr(self, name, self._noting(name, getattr(self, name)))

    def _noting(self, name, method):
        def call(*args):
            self.calls.append((name, self._is_loop()))
            return method(*args)

        return call

    @staticmethod
    def _is_loop():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    def since(self):
        """Return the calls since the last time, all of which must be in threads."""
        calls, self.calls = self.calls, []
        assert not any(on_loop for _name, on_loop in calls)
        return [name for name, _on_loop in calls]


def async_app(store):
    """Make an application whose views are coroutine functions."""
    app = make_app(store)

    @app.get("/count")
    async def count():
        await asyncio.sleep(0)
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/read")
    async def read():
        return str(session.get("n"))

    @app.get("/alone")
    async def alone():
        return "alone"

    @app.get("/enter/<user>")
    async def enter(user):
        session.regenerate()
        session["_user_id"] = user
        return ""

    @app.get("/leave")
    async def leave():
        session.destroy()
        return ""

    @app.errorhandler(404)
    async def missing(error):
        return f"missing {session.get('n')}", 404

    return app


async def texts(client, *paths):
    """Return what the pages say."""
    return [(await client.get(path, base_url=HTTPS)).text for path in paths]


@pytest.mark.parametrize("hooks", ["none", "sync", "async"])
def test_async_views_use_the_store_in_threads(path, hooks):
    """With hooks of either kind, and in error handlers."""
    store = Threads()
    app = async_app(store)
    if hooks == "sync":
        app.before_request(lambda: None)
        app.after_request(lambda response: response)
    elif hooks == "async":

        @app.before_request
        async def before():
            session.get("n")

        @app.after_request
        async def after(response):
            session.get("n")
            return response

    async def main():
        client = app.async_test_client()
        assert await texts(client, "/alone", "/count") == ["alone", "1"]
        assert store.since() == ["set"]
        assert await texts(client, "/count", "/read", "/nowhere") == ["2", "2", "missing 2"]
        assert store.since() == ["get", "set", "get", "get"]
        assert await texts(client, "/enter/anna", "/read", "/leave", "/read") == [
            "", "2", "", "None"
        ]  # fmt: skip
        assert store.since() == ["get", "move", "get", "get", "delete"]

    asyncio.run(main())


@pytest.mark.parametrize("first", ["sync", "async"])
def test_session_is_read_in_the_hop_of_the_steps_before_the_view(first, monkeypatch):
    """Not in one of its own, if there are sync ones; and only if the session's cookie is there."""
    store = Threads()
    app = async_app(store)
    hops = []
    hop_for = coroutines.hop_for

    def counting(app, function, *args):
        hops.append(function.__name__)
        return hop_for(app, function, *args)

    monkeypatch.setattr(coroutines, "hop_for", counting)
    if first == "sync":
        app.before_request(lambda: None)

    async def main():
        client = app.async_test_client(use_cookies=False)
        for cookie in ("theme=dark", f"theme=dark; __Host-session={'a' * 43}"):
            headers = {"Cookie": cookie}
            assert (await client.get("/alone", base_url=HTTPS, headers=headers)).text == "alone"
            yield hops.copy(), store.since()
            hops.clear()

    async def collect():
        return [found async for found in main()]

    step = ["_run_sync"] if first == "sync" else []
    opening = ["_run_sync"] if first == "sync" else ["open_session"]
    assert asyncio.run(collect()) == [(step, []), (opening, ["get"])]


def test_async_views_under_wsgi_use_the_store_in_the_requests_thread(path):
    """Not on the loop that all requests of the process share."""
    store = Threads()
    client = async_app(store).test_client()
    assert ["alone", "1", "2", "2", "missing 2"] == [
        get(client, path).text for path in ("/alone", "/count", "/count", "/read", "/nowhere")
    ]
    assert store.since() == ["set", "get", "set", "get", "get"]


def test_sync_views_under_asgi_read_only_what_they_access(path, monkeypatch):
    """As under WSGI: they run in threads anyway."""
    monkeypatch.delenv(FORCE_LOOP, raising=False)
    store = Threads()
    app = make_app(store)

    async def main():
        client = app.async_test_client()
        await texts(client, "/set?a=1", "/other", "/get", "/other")

    asyncio.run(main())
    assert store.since() == ["set", "get"]


def test_concurrent_async_requests_of_one_session_are_merged(store):
    """On one loop, with each store."""
    app = make_app(store)
    arrived = asyncio.Barrier(4)

    @app.get("/add/<key>")
    async def add(key):
        dict(session)
        await arrived.wait()
        session[key] = "1"
        return ""

    async def main():
        client = app.async_test_client()
        await client.get("/set?start=1", base_url=HTTPS)
        await asyncio.gather(*(client.get(f"/add/{key}", base_url=HTTPS) for key in "abcd"))
        return (await client.get("/get", base_url=HTTPS)).json

    assert asyncio.run(main()) == {**dict.fromkeys("abcd", "1"), "start": "1"}


def test_slow_store_does_not_block_the_loop():
    """Other requests go on while one waits for it."""
    store = MemoryStore()
    app = async_app(store)
    read = store.get
    asked, answered = threading.Event(), threading.Event()

    def slowly(id_hash):
        asked.set()
        assert answered.wait(10)
        return read(id_hash)

    async def main():
        client = app.async_test_client()
        await texts(client, "/count")
        store.get = slowly
        waiting = asyncio.ensure_future(client.get("/read", base_url=HTTPS))
        await asyncio.to_thread(asked.wait, 10)
        other = app.async_test_client()
        assert await texts(other, "/alone", "/read") == ["alone", "None"]
        answered.set()
        return (await waiting).text

    assert asyncio.run(main()) == "1"


def test_websocket_has_the_session_of_its_handshake():
    """It can change it until it is accepted."""
    store = Threads()
    app = async_app(store)

    @app.websocket("/socket")
    async def socket():
        session["socket"] = session.get("n")
        await websocket.accept()
        await websocket.send(str(session.get("n")))

    async def main():
        client = app.async_test_client()
        await texts(client, "/count")
        store.since()
        async with client.websocket("/socket", base_url=HTTPS) as opened:
            assert await opened.receive() == "1"
        assert store.since() == ["get", "set"]
        return (await client.get("/get", base_url=HTTPS)).json

    assert asyncio.run(main())["socket"] == "1"


def test_store_is_closed_when_the_server_stops():
    """And opened again, if the application is started again."""
    store = MemoryStore()
    closed = []
    store.close = lambda: closed.append(True)
    app = async_app(store)

    async def main():
        async with app.async_test_client() as client:
            await texts(client, "/count")
            assert closed == []

    asyncio.run(main())
    assert closed == [True]
    asyncio.run(_again(app))
    assert closed == [True, True]


async def _again(app):
    async with app.async_test_client() as client:
        assert await texts(client, "/count") == ["1"]


def test_ids_are_regenerated_on_async_views(store):
    """The old id ends with the response that has the new one."""
    app = async_app(store)

    async def main():
        client = app.async_test_client()
        old = id_in(await client.get("/count", base_url=HTTPS))
        new = id_in(await client.get("/enter/anna", base_url=HTTPS))
        return old, new

    old, new = asyncio.run(main())
    assert new not in {old, None, ""}
    assert with_id(app, old, "/read").text == "None"
    assert with_id(app, new, "/read").text == "1"
