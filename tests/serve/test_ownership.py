"""Who owns a context: what a server starts borrows none, and the server's functions find none."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import Counter
from itertools import product

import pytest
from werkzeug.test import Client, create_environ

from costrel import Flask, current_app, g, has_app_context, request, stream_with_context, websocket
from costrel.ground.current import context
from costrel.registration.streaming import stream_body

KEEP_UP = {"http_version": "1.1", "path": "/", "query_string": b"", "method": "GET"}


@pytest.fixture(params=["planned", "general"], autouse=True)
def path(request, monkeypatch):
    """Run each test on both paths."""
    monkeypatch.setenv("COSTREL_GENERAL_PATH", str(int(request.param == "general")))
    return request.param


@pytest.fixture
def app():
    """Return an application that says what is on `g`, and counts its ends."""
    app = Flask(__name__)
    app.ends = Counter()
    app.teardown_appcontext(lambda _error: app.ends.update(["app"]))

    @app.get("/")
    def index():
        return " ".join(sorted(g))

    @app.get("/async")
    async def on_loop():
        await asyncio.sleep(0)
        return " ".join(sorted(g))

    return app


def serve_wsgi(app, path="/"):
    """Call an application as a WSGI server does; return its body."""
    pieces = app(create_environ(path), lambda _status, _headers, _exc_info=None: None)
    try:
        return b"".join(pieces).decode()
    finally:
        getattr(pieces, "close", lambda: None)()


class Server:
    """An ASGI server, which notes what is current when its functions are called."""

    def __init__(self, app, messages=(), **scope):
        self.app = app
        self.messages = list(messages)
        self.scope = {"type": "http", **KEEP_UP, "headers": [(b"host", b"x")], **scope}
        self.found = []
        self.sent = []
        self.blocked = asyncio.Event()

    async def receive(self):
        self.found.append(context.get(None))
        await asyncio.sleep(0)
        if not self.messages:
            self.blocked.set()
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message):
        self.found.append(context.get(None))
        await asyncio.sleep(0)
        self.sent.append(message)

    async def serve(self):
        await self.app.asgi(self.scope, self.receive, self.send)
        return self

    @property
    def text(self):
        return b"".join(message.get("body", b"") for message in self.sent).decode()


def body_of(*sizes):
    """Return the messages of a body."""
    return [
        {"type": "http.request", "body": b"x" * size, "more_body": number < len(sizes) - 1}
        for number, size in enumerate(sizes)
    ]


def upload(app, *sizes, path="/", length=True):
    """Return a server that sends a body."""
    fields = [(b"host", b"x")]
    if length:
        fields.append((b"content-length", str(sum(sizes)).encode()))
    else:
        fields.append((b"transfer-encoding", b"chunked"))
    return Server(app, body_of(*sizes), method="POST", path=path, headers=fields)


# What is found is not borrowed


@pytest.fixture(params=["/", "/async"])
def target(request):
    """Ask a sync view and an async one."""
    return request.param


def test_server_of_a_pushed_application_borrows_nothing_over_wsgi(app, target):
    """An application context that was pushed at import belongs to no request."""
    pushed = app.app_context()
    pushed.push()
    g.mine = 1
    assert serve_wsgi(app, target) == ""
    assert app.ends["app"] == 1
    assert sorted(g) == ["mine"]
    pushed.pop()


def test_server_of_a_pushed_application_borrows_nothing_over_asgi(app, target):
    """Nor over ASGI, where the loop was begun with it."""

    async def main():
        pushed = app.app_context()
        pushed.push()
        g.mine = 1
        assert (await Server(app, path=target).serve()).text == ""
        assert app.ends["app"] == 1
        pushed.pop()

    asyncio.run(main())


@pytest.mark.parametrize("ended", [True, False])
def test_context_left_in_the_servers_variables_is_not_borrowed(app, target, ended):
    """Neither one that has ended nor another request's that goes on."""
    kept = []

    @app.get("/keep")
    def keep():
        g.secret = 1
        kept.append((g._get_current_object(), contextvars.copy_context()))
        if not ended:
            assert kept[0][1].run(serve_wsgi, app, target) == ""
            assert kept[0][1].run(lambda: asyncio.run(Server(app, path=target).serve())).text == ""
        return "kept"

    serve_wsgi(app, "/keep")
    assert kept[0][1].run(serve_wsgi, app, target) == ""
    assert kept[0][1].run(lambda: asyncio.run(Server(app, path=target).serve())).text == ""
    assert list(kept[0][0]) == ["secret"]
    assert app.ends["app"] == (3 if ended else 5)


def test_ended_context_is_not_borrowed_by_what_is_pushed_later(app):
    """A task that outlives its request may enter another, which is a new one."""
    kept = []

    @app.get("/keep")
    def keep():
        g.secret = 1
        kept.append(contextvars.copy_context())
        return "kept"

    serve_wsgi(app, "/keep")

    def later():
        with app.test_request_context("/"):
            return sorted(g)

    assert kept[0].run(later) == []


# What the application nests is borrowed


@pytest.mark.parametrize("make", [lambda app: app.test_client(), Client])
def test_client_within_a_context_shares_it(app, target, make):
    """Tests enter an application context around their client, ours or Werkzeug's."""
    with app.app_context():
        g.mine = 1
        assert make(app).get(target).text == "mine"
        assert app.ends["app"] == 0
    assert app.ends["app"] == 1


def test_client_in_a_copied_context_shares_it(app, target):
    """A copy for a thread carries the context with it."""
    with app.app_context():
        g.mine = 1
        copied = contextvars.copy_context()
        texts = []
        client = app.test_client()
        thread = threading.Thread(
            target=lambda: texts.append(copied.run(lambda: client.get(target).text))
        )
        thread.start()
        thread.join()
    assert texts == ["mine"]


def test_async_client_within_a_context_shares_it(app, target):
    """Also in a task that copies it."""

    async def main():
        client = app.async_test_client()
        with app.app_context():
            g.mine = 1
            first = client.get(target)
            second = asyncio.create_task(client.get(target))
            return [(await first).text, (await second).text]

    assert asyncio.run(main()) == ["mine", "mine"]


def test_client_in_a_view_shares_the_views_context(app, target):
    """A request inside a request is the application's own."""

    @app.get("/outer")
    def outer():
        g.outer = 1
        return app.test_client().get(target).text

    assert serve_wsgi(app, "/outer") == "outer"
    assert app.ends["app"] == 1


def test_request_of_another_application_shares_nothing(app):
    """What is current may be another application's."""
    with Flask("other").app_context():
        g.mine = 1
        assert app.test_client().get("/").text == ""


# Kept contexts of the client


def test_kept_context_is_shown_as_it_was(app):
    """In a `with` block nothing of an earlier request is seen: a redirect's, or one that failed."""
    app.testing = True

    @app.get("/set")
    def put():
        g.mine = 1
        return "", 302, {"Location": "/"}

    @app.get("/broken")
    def broken():
        g.half = 1
        raise KeyError

    with app.test_client() as client:
        client.get("/set", follow_redirects=True)
        assert (sorted(g), request.path, app.ends["app"]) == ([], "/", 2)
        with pytest.raises(KeyError):
            client.get("/broken")
        client.get("/")
        assert (sorted(g), request.path) == ([], "/")
        app.ends.clear()
    assert app.ends["app"] == 2
    with app.app_context():
        g.outer = 1
        with app.test_client() as client:
            client.get("/set", follow_redirects=True)
            assert sorted(g) == ["mine", "outer"]


# The server's functions find nothing


def test_receive_finds_no_context(app):
    """However a body is received."""

    @app.post("/sync")
    def sync():
        return str(len(request.get_data()))

    @app.post("/whole")
    async def whole():
        return str(len(request.get_data()))

    @app.post("/pieces")
    @stream_body
    async def pieces():
        return str(sum([len(piece) async for piece in request.stream]))

    @app.post("/sync-pieces")
    @stream_body
    def sync_pieces():
        return str(len(request.stream.read()))

    async def main():
        for path, sizes, length in product(
            ("/sync", "/whole", "/pieces", "/sync-pieces"),
            ((10,), (70_000, 70_000), (400_000, 400_000, 1)),
            (True, False),
        ):
            server = await upload(app, *sizes, path=path, length=length).serve()
            assert server.text == str(sum(sizes))
            assert set(server.found) == {None}

    asyncio.run(main())


def test_send_finds_no_context(app):
    """However an answer is sent."""

    @app.get("/stream")
    async def stream():
        async def letters():
            for letter in "abc":
                yield f"{letter}{request.path}"

        return letters()

    @app.get("/sync-stream")
    def sync_stream():
        return stream_with_context(f"{letter}{request.path}" for letter in "abc")

    async def main():
        for path in ("/stream", "/sync-stream", "/", "/async"):
            server = await Server(app, path=path).serve()
            assert set(server.found) == {None}, path

    asyncio.run(main())


def test_watch_over_a_slow_view_finds_no_context(app, monkeypatch):
    """What looks after the client while a view waits on the loop is a task of its own."""
    monkeypatch.setenv("COSTREL_GENERAL_PATH", "0")

    @app.get("/slow")
    async def slow():
        await asyncio.Event().wait()

    async def main():
        server = Server(app, [{"type": "http.disconnect"}], path="/slow")
        await server.serve()
        assert server.found == [None]

    asyncio.run(main())


def test_functions_of_a_socket_find_no_context(app):
    """From the handshake to the close, also where messages are received ahead."""

    @app.websocket("/echo")
    async def echo():
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/deaf")
    async def deaf():
        await websocket.accept()
        await asyncio.Event().wait()

    @app.websocket("/refused")
    async def refused():
        return "no", 401

    async def main():
        for path in ("/echo", "/deaf", "/refused"):
            messages = [
                {"type": "websocket.connect"},
                {"type": "websocket.receive", "text": "a"},
                {"type": "websocket.receive", "text": "b"},
                {"type": "websocket.disconnect", "code": 1000},
            ]
            extensions = {"websocket.http.response": {}}
            server = Server(app, messages, type="websocket", path=path, extensions=extensions)
            await server.serve()
            assert set(server.found) == {None}, path

    asyncio.run(main())


def test_lifespan_finds_no_context(app):
    """Though what begins before serving may stay in a context until its end."""

    @app.while_serving
    async def around():
        with app.app_context():
            yield

    async def main():
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        server = await Server(app, messages, type="lifespan").serve()
        assert [message["type"].rpartition(".")[2] for message in server.sent] == ["complete"] * 2
        assert set(server.found) == {None}

    asyncio.run(main())


# What a body enters


def test_body_keeps_what_it_enters_to_itself(app):
    """Between two pieces nothing of it is current, and each piece finds it again."""

    @app.get("/body")
    def body():
        this = current_app._get_current_object()

        def pieces():
            with this.app_context():
                g.mine = 0
                for _ in range(3):
                    g.mine += 1
                    yield str(g.mine)

        return pieces()

    pieces = iter(app(create_environ("/body"), lambda *_: None))
    seen = []
    # Each piece in a thread of its own, as some servers have it.
    for _ in range(3):

        def ask():
            seen.append((next(pieces), has_app_context()))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert seen == [(b"1", False), (b"2", False), (b"3", False)]
    pieces.close()
    assert app.ends["app"] == 2
    assert not has_app_context()
