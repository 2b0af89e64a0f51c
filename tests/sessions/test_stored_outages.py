"""A store that fails gives a 503 and a line in the log, and never an empty session."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from stored_apps import HTTPS, get, id_in, make_app, with_id
from storeservers import free_port, postgresql_server, redis_server

from costrel import Response, render_template_string, session
from costrel.sessions.stores import StoreUnavailableError, open_store
from costrel.sessions.stores.memory import MemoryStore

pytestmark = pytest.mark.usefixtures("path")


class Failing(MemoryStore):
    """A store whose methods of some names fail while `fails` is true."""

    def __init__(self, *names):
        super().__init__()
        self.fails = True
        for name in names:
            setattr(self, name, self._failing(getattr(self, name)))

    def _failing(self, method):
        def call(*args):
            if self.fails:
                raise StoreUnavailableError("it is broken on purpose")
            return method(*args)

        return call


def failing_app(*names, **config):
    """Make an application, its store, and a client that has a session already."""
    store = Failing(*names)
    app = make_app(store, **config)
    store.fails = False
    client = app.test_client()
    session_id = id_in(get(client, "/set?a=1"))
    store.fails = True
    return app, store, client, session_id


def test_session_that_can_not_be_read_gives_503(caplog):
    """With the time to try again; the browser keeps its cookie, and the log gets the reason."""
    _app, store, client, _ = failing_app("get")
    response = get(client, "/get")
    assert (503, "5") == (response.status_code, response.headers["Retry-After"])
    assert id_in(response) is None
    assert "broken" not in response.text
    assert "it is broken on purpose" in caplog.text
    assert get(client, "/set?a=2").status_code == 503
    store.fails = False
    assert get(client, "/get").json == {"a": "1"}


@pytest.mark.parametrize("path", ["/set?b=1", "/login/anna", "/logout", "/clear"])
def test_session_that_can_not_be_written_gives_503(path):
    """The client is not told that something was stored, or that it was logged out."""
    app, _store, client, session_id = failing_app("set", "move", "delete")
    response = get(client, path)
    assert (503, "5") == (response.status_code, response.headers["Retry-After"])
    assert id_in(response) is None
    assert with_id(app, session_id, "/get").json == {"a": "1"}


def test_request_that_leaves_the_session_alone_works():
    """A store that fails takes down what needs it, and nothing else."""
    _app, _store, client, _ = failing_app("get")
    assert get(client, "/other").text == "other"


def test_client_without_a_session_only_fails_where_one_is_written():
    """There is nothing to read."""
    app, *_ = failing_app("get", "set")
    client = app.test_client()
    assert get(client, "/get").json == {}
    assert get(client, "/set?a=1").status_code == 503


USES = """
    session["a"]; session.get("a"); "a" in session; len(session); bool(session); list(session)
    dict(session); {**session}; session.items(); session == {}; session != {}; session | {}
    session.permanent; session.user_id; session.pop("a", None); session.popitem(); session.clear()
    session.update(a=1); session.setdefault("a", 1); session["a"] = 1; del session["a"]
    session.permanent = True; session.regenerate(); session.destroy(); session.copy()
    render_template_string("{% if session.user %}{% endif %}")
"""


@pytest.mark.parametrize("use", [*filter(None, map(str.strip, re.split("[;\\n]", USES)))])
def test_any_use_of_the_session_is_refused(use):
    """Nothing may take it for an empty one."""
    app = make_app(Failing("get"))

    @app.get("/use")
    def use_it():
        names = {"session": session, "render_template_string": render_template_string}
        exec(use, names)  # noqa: S102  one of the lines above
        return "used"

    assert with_id(app, "a" * 43, "/use").status_code == 503


def test_outage_is_logged_once_and_so_is_its_end(caplog, monkeypatch):
    """Not with each of a thousand requests."""
    _app, store, client, _ = failing_app("get")
    caplog.set_level("INFO")
    for _ in range(5):
        get(client, "/get")
    assert caplog.text.count("Sessions are unavailable") == 1
    assert "more since" not in caplog.text
    monkeypatch.setattr("costrel.sessions.outages.LOG_EVERY_S", 0.0)
    get(client, "/get")
    assert "(4 more since the last line like this)" in caplog.text
    store.fails = False
    get(client, "/get")
    get(client, "/get")
    assert caplog.text.count("Sessions are available again") == 1


def test_handler_of_503_makes_the_page(caplog):
    """For reading and for saving."""
    for names, path in ((("get",), "/get"), (("set",), "/set?b=1")):
        store = Failing(*names)
        app = make_app(store)

        @app.errorhandler(503)
        def sorry(error):
            return "Come back later", 503, {"X-Sorry": "1"}

        store.fails = False
        client = app.test_client()
        get(client, "/set?a=1")
        store.fails = True
        response = get(client, path)
        assert (503, "Come back later", "1") == (
            response.status_code, response.text, response.headers["X-Sorry"]
        )  # fmt: skip


def test_response_that_could_not_be_saved_is_replaced_whole():
    """Its body, type, target and validators belong to what did not happen."""
    store = Failing("set")
    app = make_app(store)
    closed = []

    class Pieces:
        def __iter__(self):
            yield b"piece"

        def close(self):
            closed.append(True)

    @app.get("/file")
    def file():
        session["a"] = 1
        headers = {
            "Location": "/x", "ETag": '"1"', "Content-Disposition": "attachment", "X-Kept": "1",
            "Cache-Control": "max-age=10",
        }  # fmt: skip
        return Response(Pieces(), 201, headers, "application/pdf")

    response = get(app.test_client(), "/file")
    assert response.status_code == 503
    assert "Service Unavailable" in response.text
    assert len(response.data) == int(response.headers["Content-Length"])
    assert response.mimetype == "text/html"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Kept"] == "1"
    assert {"Location", "ETag", "Content-Disposition"}.isdisjoint(response.headers.keys())
    assert closed == [True]


def test_async_view_gets_the_same_503():
    """Whether it reads, writes, or leaves the session alone."""
    store = Failing("get", "set")
    app = make_app(store)

    @app.get("/read")
    async def read():
        return session.get("a", "")

    @app.get("/write")
    async def write():
        session["a"] = 1
        return ""

    @app.get("/alone")
    async def alone():
        return "alone"

    async def main():
        client = app.async_test_client(use_cookies=False)
        known = {"Cookie": f"__Host-session={'a' * 43}"}
        return [
            (await client.get(path, base_url=HTTPS, headers=headers)).status_code
            for path, headers in (
                ("/read", known), ("/write", known), ("/alone", known),
                ("/read", {}), ("/write", {}),
            )
        ]  # fmt: skip

    assert asyncio.run(main()) == [503, 503, 200, 200, 503]
    assert with_id(app, "a" * 43, "/read").status_code == 503
    assert with_id(app, "a" * 43, "/alone").status_code == 200


@pytest.fixture(params=["redis", "postgresql"])
def own_server(request):
    """Run a server that a test may stop."""
    server = {"redis": redis_server, "postgresql": postgresql_server}[request.param]()
    yield server
    server.remove()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_server_that_is_restarted_is_used_again(own_server, end):
    """Without a restart of the application; what was stored is still there."""
    prefix = "sqlalchemy:" if own_server.url.startswith("postgresql") else ""
    app = make_app(f"{prefix}{own_server.url}")
    client = app.test_client()
    get(client, "/set?a=1")
    getattr(own_server, end)()
    assert get(client, "/get").status_code == 503
    assert get(client, "/set?b=1").status_code == 503
    own_server.start()
    assert get(client, "/get").json == {"a": "1"}
    assert get(client, "/set?b=1").status_code == 200
    # Restarted between two requests, so that all connections are dead.
    getattr(own_server, end)()
    own_server.start()
    assert get(client, "/get").json == {"a": "1", "b": "1"}
    app.session_interface.close()


def test_server_that_does_not_answer_is_waited_for_as_long_as_the_url_says(redis):
    """A request does not hang with it."""
    store = open_store(f"{redis.url}?socket_timeout=0.2")
    store.get("a" * 64)
    redis.suspend()
    start = time.monotonic()
    try:
        with pytest.raises(StoreUnavailableError, match="Timeout"):
            store.get("a" * 64)
    finally:
        redis.resume()
    assert 0.1 < time.monotonic() - start < 5
    assert store.get("a" * 64) is None
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:{port}",
        "unix:///nowhere/redis.socket",
        "sqlalchemy:postgresql+psycopg://app:pass-word@127.0.0.1:{port}/app",
        "sqlalchemy:sqlite:////nowhere/sessions.db",
        "file:///proc/nowhere",
    ],
)
def test_server_that_is_not_there_stops_no_start(url, caplog):
    """The application starts, and answers what needs no session."""
    app = make_app(url.format(port=free_port()))
    client = app.test_client()
    assert get(client, "/other").text == "other"
    assert with_id(app, "a" * 43, "/get").status_code == 503
    assert get(client, "/set?a=1").status_code == 503
    assert "Sessions are unavailable" in caplog.text
    assert "pass-word" not in caplog.text
