"""A socket lent under ASGI: what the extension's end does, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref

import pytest
import simple_websocket
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from costrel import Flask, abort, g, request, websocket
from costrel.registration.socketrules import LIBRARY
from costrel.servers.interface import choose


class Client:
    """A server's side of one socket: what the application sends is kept in ``sent``."""

    def __init__(self, app, path="/", headers=(), subprotocols=(), extensions=None):
        self.sent = []
        self.incoming = asyncio.Queue()
        self.changed = asyncio.Event()
        self.incoming.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *headers],
            "subprotocols": list(subprotocols),
            "scheme": "ws",
            "extensions": {"websocket.http.response": {}} if extensions is None else extensions,
        }
        self.task = asyncio.create_task(app.asgi(scope, self.incoming.get, self._send))

    async def _send(self, message):
        self.sent.append(message)
        self.changed.set()

    def put(self, kind, **message):
        self.incoming.put_nowait({"type": f"websocket.{kind}", **message})

    async def until(self, count):
        """Wait until so many messages were sent, and return the last of them."""
        async with asyncio.timeout(10):
            while len(self.sent) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.sent[count - 1]

    async def end(self):
        async with asyncio.timeout(10):
            await self.task
        return self.sent


@pytest.fixture
def app():
    """Make an application whose ``/`` is of simple-websocket, and echoes."""
    app = Flask(__name__)
    app.ended = []

    @app.route("/", websocket=True)
    def echo():
        ws = simple_websocket.Server.accept(request.environ, subprotocols=["b"])
        try:
            while True:
                ws.send(ws.receive())
        except simple_websocket.ConnectionClosed as closed:
            app.ended.append((int(closed.reason), closed.message))
        return ""

    return app


def test_messages_go_both_ways_and_the_client_ends_it(app):
    """Text and binary data, and the code of the client's close."""

    async def main():
        client = Client(app, subprotocols=["a", "b"])
        assert (await client.until(1))["subprotocol"] == "b"
        for count, message in enumerate(("text \u20ac", b"\0\xff", "", "x" * 1_000_000), 2):
            key = "text" if isinstance(message, str) else "bytes"
            client.put("receive", **{key: message})
            assert {"type": "websocket.send", key: message} == await client.until(count)
        client.put("disconnect", code=4002, reason="away")
        return await client.end()

    assert [message["type"] for message in asyncio.run(main())][-1] == "websocket.send"
    assert app.ended == [(4002, "away")]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"code": 1000}, 1000),
        ({"code": 1001, "reason": None}, 1001),
        ({"code": 1005}, 1005),
        ({}, 1005),
        ({"code": 1006}, 1005),
        ({"code": 1012}, 1012),
        ({"code": 1015}, 1005),
        ({"code": 2500}, 1005),
        ({"code": 4999}, 4999),
    ],
)
def test_code_of_a_client_that_leaves_reaches_the_extension_if_it_can(app, said, heard):
    """One that no frame may have is that of a connection that is just gone."""

    async def main():
        client = Client(app)
        await client.until(1)
        client.put("disconnect", **said)
        await client.end()

    asyncio.run(main())
    assert [code for code, _reason in app.ended] == [heard]


def test_compression_of_the_client_is_left_to_the_server(app):
    """The client's own fields of the handshake, which are between it and the server."""

    async def main():
        fields = [
            (b"sec-websocket-extensions", b"permessage-deflate"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            (b"sec-websocket-protocol", b"a"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
        ]
        client = Client(app, headers=fields)
        accepted = await client.until(1)
        client.put("disconnect")
        await client.end()
        return accepted

    accepted = asyncio.run(main())
    assert (None, []) == (accepted["subprotocol"], accepted["headers"])


def test_rejection_goes_out_as_a_response_or_as_a_close(app):
    """By hooks of requests, which run before such a view, as under WSGI."""
    app.before_request(lambda: abort(401))

    async def main(extensions):
        return await Client(app, extensions=extensions).end()

    sent = asyncio.run(main(None))
    assert ("websocket.http.response.start", 401) == (sent[0]["type"], sent[0]["status"])
    assert [message["type"] for message in asyncio.run(main({}))] == ["websocket.close"]


def test_middleware_is_called_and_an_own_websocket_is_not_its(app):
    """What replaced ``wsgi_app`` sees handshakes that no rule of ours is for."""
    inner, seen = app.wsgi_app, []

    def wsgi_app(environ, start_response):
        seen.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/mine":
            simple_websocket.Server.accept(environ).close(4003)
            raise ConnectionError
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app

    @app.websocket("/own")
    async def own():
        await websocket.send("own")

    async def main(path):
        return [m.get("code", m.get("status")) for m in await Client(app, path).end()]

    assert [None, 4003] == asyncio.run(main("/mine"))
    assert [None, None, 1000] == asyncio.run(main("/own"))
    assert asyncio.run(main("/nowhere"))[0] == 404
    assert seen == ["/mine", "/nowhere"]


def test_handshake_for_no_extension_stays_ours(app):
    """Without middleware there is nobody else to ask, so no thread is begun."""

    async def main(path):
        return (await Client(app, path).end())[0]["status"]

    app.add_url_rule("/page", view_func=lambda: app.ended.append("page"))
    assert [400, 404] == [asyncio.run(main(path)) for path in ("/page", "/nowhere")]
    assert app.ended == []


@pytest.mark.parametrize("proxies", [0, 1])
def test_fields_of_proxies_are_believed_where_there_are_some(app, proxies):
    """By the extension's view as by any other, and not where nobody said so."""
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)

    @app.route("/host", websocket=True)
    def host():
        app.ended.append(request.host)
        simple_websocket.Server.accept(request.environ).close()
        return ""

    async def main():
        await Client(app, "/host", headers=[(b"x-forwarded-host", b"example.com")]).end()

    asyncio.run(main())
    assert app.ended == ["example.com" if proxies else "localhost"]


def test_error_of_a_converter_is_answered_like_any_other(app, caplog):
    """While it is found out whose a handshake is, as later."""

    class Failing(BaseConverter):
        def to_python(self, value):
            raise LookupError("of the converter")

    app.url_map.converters["failing"] = Failing

    @app.websocket("/of/<failing:name>")
    async def own(name):
        app.ended.append("ran")

    async def main():
        return (await Client(app, "/of/x").end())[0]["status"]

    assert (500, []) == (asyncio.run(main()), app.ended)
    assert "of the converter" in caplog.text


def test_view_that_fails_closes_with_1011_and_teardowns_run(app, caplog):
    """Once, in the view's thread, with its request current."""
    app.teardown_request(lambda error: app.ended.append((request.path, type(error))))

    @app.route("/fails", websocket=True)
    def fails():
        simple_websocket.Server.accept(request.environ)
        g.x = 1
        raise RuntimeError("within")

    async def main():
        return await Client(app, "/fails").end()

    sent = asyncio.run(main())
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[-1]["code"] == 1011
    assert app.ended == [("/fails", RuntimeError)]
    assert caplog.text.count("within") > 0


def test_error_outside_of_the_application_reaches_the_server(app):
    """Before the accept and after it, which closes with 1011."""
    accepts = True

    def wsgi_app(environ, start_response):
        if accepts:
            simple_websocket.Server.accept(environ)
        raise LookupError("of the middleware")

    app.wsgi_app = wsgi_app

    async def main():
        client = Client(app, "/any")
        with pytest.raises(LookupError):
            await client.end()
        return [message.get("code") for message in client.sent]

    assert asyncio.run(main()) == [None, 1011]
    accepts = False
    assert asyncio.run(main()) == []


def test_slow_extension_holds_its_client_up(app):
    """Memory does not grow: no more is received than fits between the two."""
    go_on = threading.Event()

    def wsgi_app(environ, start_response):
        # Accepts, but its library's thread does not read on.
        simple_websocket.Server(environ, thread_class=_NoThread)
        go_on.wait(20)
        environ["werkzeug.socket"].close()
        raise ConnectionError

    app.wsgi_app = wsgi_app

    async def main():
        client = Client(app, "/any")
        await client.until(1)
        for _ in range(100):
            client.put("receive", bytes=b"x" * 100_000)
        left = None
        while left != (left := client.incoming.qsize()):  # noqa: ASYNC110  nobody tells it
            await asyncio.sleep(0.1)
        go_on.set()
        await client.end()
        return left

    assert asyncio.run(main()) > 50


class _NoThread:
    name = ""

    def __init__(self, target):
        pass

    def start(self):
        pass


def test_cancelled_socket_says_goodbye_to_both_sides(app):
    """A server that stops closes with 1012, and the extension learns it."""

    async def main():
        client = Client(app)
        await client.until(1)
        client.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client.end()
        return client.sent[-1]

    assert asyncio.run(main())["code"] == 1012
    assert app.ended == [(1012, "the server stops")]


def test_view_that_does_not_notice_is_left_behind_by_a_server_that_stops(app):
    """It can't be cancelled, and the server's end does not wait for it."""
    go_on = threading.Event()

    @app.route("/waits", websocket=True)
    def waits():
        simple_websocket.Server.accept(request.environ)
        go_on.wait(20)
        app.ended.append("late")
        return ""

    async def main():
        client = Client(app, "/waits")
        await client.until(1)
        client.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client.end()

    asyncio.run(main())
    assert app.ended == []
    go_on.set()


def test_nothing_is_left_of_a_socket(app):
    """No task, no thread, no context, whoever ended it."""
    contexts = weakref.WeakSet()
    app.before_request(lambda: contexts.add(g._get_current_object()))

    async def main():
        for _ in range(5):
            client = Client(app)
            await client.until(1)
            client.put("receive", text="x")
            await client.until(2)
            client.put("disconnect", code=1001)
            await client.end()
        del client
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    deadline = threading.Event()
    for _ in range(200):
        left = [thread.name for thread in threading.enumerate() if "socket" in thread.name]
        if not left:
            break
        deadline.wait(0.05)
    gc.collect()
    assert (left, len(contexts), len(app.ended)) == ([], 0, 5)


def test_asgi_is_chosen_for_what_may_want_the_servers_socket(app, monkeypatch):
    """By rules, and for middleware where the library is there; else nothing in it needs ASGI."""
    assert choose(app, "auto") == ("asgi", "for the WebSocket '/'")
    plain = Flask(__name__)
    assert choose(plain, "auto").interface == "wsgi"
    plain.wsgi_app = ProxyFix(plain.wsgi_app)
    assert choose(plain, "auto").interface == "wsgi"
    plain.wsgi_app = DispatcherMiddleware(plain.wsgi_app)
    assert choose(plain, "auto") == ("asgi", "for the WebSockets of simple-websocket")
    monkeypatch.delitem(sys.modules, LIBRARY)
    assert choose(plain, "auto").interface == "wsgi"
