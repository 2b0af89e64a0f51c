"""HTTP exchanges over ASGI: what is sent, when, and what is left behind."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from costrel import (
    Flask,
    Response,
    render_template_string,
    request,
    send_file,
    stream_template_string,
)
from costrel.helpers import stream_with_context

pytestmark = pytest.mark.usefixtures("planned")


class Stepped:
    """An awaitable whose iterator can only be stepped, as Granian's."""

    def __init__(self, future):
        self.steps = future.__await__()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.steps)


class Exchange:
    """One GET as a server sees it: the messages sent, and a client that may leave."""

    def __init__(self, app, path="/", method="GET"):
        self.app = app
        self.messages = []
        self.left = asyncio.Event()
        self.refuses = None
        self.took = asyncio.Event()
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }
        self._asked = False

    async def receive(self):
        """Give the empty body, and later the client's going away."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        """Take a message, unless the client is said to be gone."""
        if self.refuses is not None and len(self.messages) >= self.refuses:
            raise OSError("the client is gone")
        self.messages.append(message)
        self.took.set()

    async def run(self):
        """Run the application."""
        await self.app.asgi(self.scope, self.receive, self.send)

    @property
    def body(self):
        """All that was sent of the body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


@pytest.fixture
def app():
    """An application that records its teardowns and has an async view, so that it uses the loop."""
    app = Flask(__name__)
    app.order = []

    @app.teardown_request
    async def teardown(error):
        app.order.append(("teardown", type(error)))

    @app.teardown_appcontext
    def app_teardown(error):
        app.order.append(("app teardown", type(error)))

    return app


@pytest.fixture(autouse=True)
def _watch_at_once(monkeypatch):
    monkeypatch.setattr("costrel.serve.watch.AFTER_S", 0.0)


def get(app, path="/", method="GET"):
    """Run one exchange to its end."""

    async def main():
        exchange = Exchange(app, path, method)
        await exchange.run()
        return exchange

    return asyncio.run(main())


TORN_DOWN = [("teardown", type(None)), ("app teardown", type(None))]


async def _pieces_async():
    yield "a"
    yield b"b"
    yield ""
    yield "c"


RESPONSES = {
    "text": lambda: "text",
    "tuple": lambda: ("made", 201, {"X-A": "1"}),
    "json": lambda: {"a": 1},
    "nothing": lambda: ("", 204),
    "not modified": lambda: ("", 304),
    "generator": lambda: (piece for piece in ["a", b"b", "", "c"]),
    "async generator": _pieces_async,
    "stream with context": lambda: stream_with_context(request.path for _ in range(3)),
    "file": lambda: send_file(__file__, mimetype="text/plain", etag=False, last_modified=1),
    "missing": lambda: ("missing", 404),
    "bytes": lambda: b"\x00\xff",
    "template": lambda: render_template_string("{{ request.path }}"),
    "streamed template": lambda: stream_template_string("{% for x in 'abc' %}{{ x }}{% endfor %}"),
    "wsgi": lambda: Response.force_type(Flask("other"), request.environ),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("name", RESPONSES)
def test_response_of_any_kind_is_that_of_wsgi(app, name, kind, method):
    """Status, headers and body are the same by both interfaces."""

    def view():
        return RESPONSES[name]()

    async def view_on_loop():
        return RESPONSES[name]()

    app.get("/")(view if kind == "def" else view_on_loop)

    exchange = get(app, method=method)
    response = app.test_client().open("/", method=method, buffered=True)

    headers = [(name.decode(), value.decode()) for name, value in exchange.messages[0]["headers"]]
    if "Date" in response.headers:
        # That of a second later, perhaps.
        response.headers["Date"] = dict(headers)["date"]
    assert exchange.messages[0]["status"] == response.status_code
    assert headers == [(name.lower(), value) for name, value in response.headers]
    assert exchange.body == response.data
    assert exchange.messages[-1].get("more_body", False) is False


@pytest.mark.parametrize("body", ["text", "generator", "async generator"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_call_on_close_runs_once_in_no_event_loop(app, kind, body):
    """Its functions are sync, so they run in a worker thread, after the body was sent."""
    closed = []

    def view():
        response = app.make_response(RESPONSES[body]())
        response.call_on_close(lambda: closed.append(threading.current_thread()))
        return response

    async def view_on_loop():
        return view()

    app.get("/")(view if kind == "def" else view_on_loop)

    assert get(app).body == (b"text" if body == "text" else b"abc")

    assert [thread is threading.main_thread() for thread in closed] == [False]


def test_response_with_a_call_of_its_own_is_asked_in_a_thread(app):
    """Such a class answers as a WSGI application does."""

    class Own(Response):
        def __call__(self, environ, start_response):
            assert threading.current_thread() is not threading.main_thread()
            start_response("202 Accepted", [("X-Own", request.path)])
            return [b"own"]

    @app.get("/")
    async def view():
        return Own()

    exchange = get(app)

    assert exchange.messages[0]["status"] == 202
    assert exchange.messages[0]["headers"] == [(b"x-own", b"/")]
    assert exchange.body == b"own"


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_slow_client_makes_the_generator_wait(app, kind):
    """Nothing is made before the server has taken what came before."""
    made = []

    def pieces():
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    async def pieces_async():
        for piece in pieces():
            yield piece

    @app.get("/")
    async def view():
        return pieces() if kind == "sync" else pieces_async()

    async def main():
        exchange = Exchange(app)
        ahead = []
        send = exchange.send

        async def send_noted(message):
            ahead.append(len(made))
            await send(message)

        exchange.send = send_noted
        await exchange.run()
        return ahead

    assert asyncio.run(main()) == [0, 1, 2, 3, 3]


@pytest.mark.parametrize("kind", ["async", "sync", "whole in a thread"])
def test_error_after_the_start_reaches_the_server_and_tears_down_once(app, kind, caplog):
    """The server then breaks the connection, and is the one that logs."""

    def fail():
        yield b"a"
        raise LookupError("in the stream")

    async def fail_async():
        yield b"a"
        raise LookupError("in the stream")

    if kind == "whole in a thread":
        app = Flask(__name__)
        app.order = []
        app.teardown_request(lambda error: app.order.append(("teardown", type(error))))
        app.teardown_appcontext(lambda error: app.order.append(("app teardown", type(error))))
        app.get("/")(lambda: stream_with_context(fail()))
    else:

        @app.get("/")
        async def view():
            return fail_async() if kind == "async" else stream_with_context(fail())

    async def main():
        exchange = Exchange(app)
        with pytest.raises(LookupError, match="in the stream"):
            await exchange.run()
        return exchange

    with caplog.at_level(logging.DEBUG, app.name):
        exchange = asyncio.run(main())

    assert [message["type"] for message in exchange.messages] == [
        "http.response.start",
        "http.response.body",
    ]
    assert app.order == [("teardown", LookupError), ("app teardown", LookupError)]
    assert not caplog.records


def test_client_that_leaves_cancels_the_view_and_tears_down_once(app):
    """The view sees a cancellation, where it waits."""
    seen = []

    @app.get("/")
    async def view():
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("view ended")

    async def main():
        nonlocal waiting
        waiting = asyncio.Event()
        exchange = Exchange(app)
        task = asyncio.create_task(exchange.run())
        await waiting.wait()
        exchange.left.set()
        await asyncio.wait_for(task, 5)
        assert not task.cancelling()
        return exchange

    waiting = None
    exchange = asyncio.run(main())

    assert exchange.messages == []
    assert seen == ["view ended"]
    cancelled = asyncio.CancelledError
    assert app.order == [("teardown", cancelled), ("app teardown", cancelled)]


@pytest.mark.parametrize("kind", ["async", "sync", "whole in a thread"])
def test_client_that_leaves_in_mid_stream_closes_the_generator(app, kind):
    """It is closed inside its request, and the teardown functions are told of no error."""
    closed = []

    def endless():
        try:
            while True:
                yield b"x"
        finally:
            closed.append(request.path)

    async def endless_async():
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.append(request.path)

    if kind == "whole in a thread":
        app = Flask(__name__)
        app.order = []
        app.teardown_request(lambda error: app.order.append(("teardown", type(error))))
        app.get("/")(lambda: stream_with_context(endless()))
    else:

        @app.get("/")
        async def view():
            return endless_async() if kind == "async" else stream_with_context(endless())

    async def main():
        exchange = Exchange(app)
        task = asyncio.create_task(exchange.run())
        while len(exchange.messages) < 3:
            exchange.took.clear()
            await exchange.took.wait()
        exchange.left.set()
        await asyncio.wait_for(task, 5)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())

    assert closed == ["/"]
    expected = [("teardown", type(None)), ("app teardown", type(None))]
    assert app.order == (expected[:1] if kind == "whole in a thread" else expected)


@pytest.mark.parametrize("refuses", [0, 1, 2])
@pytest.mark.parametrize("body", ["text", "generator", "async generator", "stream with context"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_server_that_cannot_send_is_no_error(app, kind, body, refuses):
    """The client is gone: everything is left, and nothing is raised or logged."""

    def view():
        return RESPONSES[body]()

    async def view_on_loop():
        return RESPONSES[body]()

    app.get("/")(view if kind == "def" else view_on_loop)

    async def main():
        exchange = Exchange(app)
        exchange.refuses = refuses
        await exchange.run()

    asyncio.run(main())

    assert app.order == [("teardown", type(None)), ("app teardown", type(None))]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_server_that_cancels_a_request_waits_for_its_teardown(app, kind):
    """As it does when it stops: the cancellation goes on when all is left."""
    begun, end = threading.Event(), threading.Event()
    closed = []

    def view():
        begun.set()
        end.wait(5)
        response = app.make_response(stream_with_context(iter("abc")))
        response.call_on_close(lambda: closed.append("closed"))
        return response

    async def view_on_loop():
        begun.set()
        await asyncio.Event().wait()

    app = app if kind == "async def" else Flask(__name__)
    if kind == "def":
        app.order = []
        app.teardown_request(lambda error: app.order.append("teardown"))
    app.get("/")(view if kind == "def" else view_on_loop)

    async def main():
        task = asyncio.create_task(Exchange(app).run())
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert len(app.order) == (1 if kind == "def" else 2)
    assert closed == (["closed"] if kind == "def" else [])


def test_view_that_outlives_its_cancellation_is_left_in_peace(app):
    """A view may finish what it does though its client left."""
    seen = []

    @app.get("/")
    async def view():
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("finished")
        return "body"

    async def main():
        nonlocal waiting
        waiting = asyncio.Event()
        exchange = Exchange(app)
        task = asyncio.create_task(exchange.run())
        await waiting.wait()
        exchange.left.set()
        await asyncio.wait_for(task, 5)

    waiting = None
    asyncio.run(main())

    assert seen == ["finished"]
    assert app.order == TORN_DOWN


def test_own_oserror_of_a_generator_is_no_client_that_left(app):
    """Only what the server's `send` raises is taken for that."""

    @app.get("/")
    async def view():
        async def fail():
            yield b"a"
            raise OSError("a disk")

        return fail()

    with pytest.raises(OSError, match="a disk"):
        get(app)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_unhandled_error_answers_500_and_is_logged_once(app, kind, caplog):
    """With its traceback; the client reads nothing of it."""

    def view():
        raise LookupError("secret")

    async def view_on_loop():
        raise LookupError("secret")

    app.get("/")(view if kind == "def" else view_on_loop)

    exchange = get(app)

    assert exchange.messages[0]["status"] == 500
    assert b"secret" not in exchange.body
    assert [record.exc_info[0] for record in caplog.records] == [LookupError]
    assert app.order == [("teardown", LookupError), ("app teardown", LookupError)]


def test_wsgi_application_that_never_starts_is_an_error():
    """Middleware that forgets `start_response` is told so."""
    app = Flask(__name__)
    app.wsgi_app = lambda environ, start_response: []

    with pytest.raises(RuntimeError, match="did not call start_response"):
        get(app)


def test_unknown_kind_of_connection_is_refused():
    """Servers find out so what an application does not serve."""
    with pytest.raises(RuntimeError, match="'quic'"):
        asyncio.run(Flask(__name__).asgi({"type": "quic"}, None, None))


@pytest.mark.parametrize(("comes", "status"), [(True, 200), (False, 408)])
def test_body_that_comes_later_is_awaited_on_every_server(comes, status):
    """Whatever the server's `receive` returns; if none comes, the client is told."""
    app = Flask(__name__)
    app.config["BODY_TIMEOUT_S"] = 30 if comes else 0.05

    @app.post("/")
    async def view():
        return request.get_data()

    async def run():
        loop = asyncio.get_running_loop()
        exchange = Exchange(app, method="POST")
        exchange.scope["headers"].append((b"content-length", b"4"))

        def receive():
            later = loop.create_future()
            if comes:
                message = {"type": "http.request", "body": b"body", "more_body": False}
                loop.call_soon(later.set_result, message)
            return Stepped(later)

        await app.asgi(exchange.scope, receive, exchange.send)
        return exchange.messages

    messages = asyncio.run(run())
    assert messages[0]["status"] == status
    assert not comes or messages[1]["body"] == b"body"
