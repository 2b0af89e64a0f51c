"""The way of a WebSocket: matching, hooks, rejections, errors, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from costrel import (
    Blueprint,
    Flask,
    WebSocketClosed,
    abort,
    g,
    got_request_exception,
    request,
    session,
    url_for,
    websocket,
)
from costrel.globals import request_ctx
from costrel.serve import socketwatch


class Client:
    """A server's side of one socket: what the application sends is kept in ``sent``."""

    def __init__(self, app, path="/", headers=(), extensions=None):
        self.sent = []
        self.incoming = asyncio.Queue()
        self.changed = asyncio.Event()
        fields = [(b"host", b"localhost"), *((n.encode(), v.encode()) for n, v in headers)]
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": fields,
            "scheme": "ws",
            "extensions": {"websocket.http.response": {}} if extensions is None else extensions,
        }
        self.put({"type": "websocket.connect"})
        self.task = asyncio.create_task(app.asgi(scope, self.incoming.get, self._send))

    async def _send(self, message):
        self.sent.append(message)
        self.changed.set()

    def put(self, message):
        self.incoming.put_nowait(message)

    def text(self, data):
        self.put({"type": "websocket.receive", "text": data})

    def leave(self, code=1001):
        self.put({"type": "websocket.disconnect", "code": code})

    async def until(self, kind):
        async with asyncio.timeout(5):
            while not any(message["type"] == kind for message in self.sent):
                self.changed.clear()
                await self.changed.wait()
        return next(message for message in self.sent if message["type"] == kind)

    async def end(self):
        async with asyncio.timeout(5):
            await self.task
        return self.sent


def converse(app, path="/", texts=(), code=1000, **options):
    """Send some messages, leave, and return all that the application has sent."""

    async def main():
        client = Client(app, path, **options)
        for text in texts:
            client.text(text)
        client.leave(code)
        return await client.end()

    return asyncio.run(main())


def status(sent):
    """The status of a rejection."""
    assert sent[0]["type"] == "websocket.http.response.start"
    return sent[0]["status"]


def echo_app():
    """An application that sends back what comes."""
    app = Flask(__name__)

    @app.websocket("/")
    async def echo():
        async for message in websocket:
            await websocket.send(message)

    return app


def test_echo_is_accepted_and_answered():
    """A view accepts with its first receive, and its end needs no close after the client's."""
    sent = converse(echo_app(), texts=["a", "b"])
    assert [message["type"] for message in sent] == ["websocket.accept"] + ["websocket.send"] * 2
    assert [message["text"] for message in sent[1:]] == ["a", "b"]


def test_blueprint_socket_runs_preprocessors_and_hooks_in_order():
    """Application outside, blueprint inside, and teardowns once; no hook of requests runs."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__)
    order = []

    for name, scaffold in (("app", app), ("bp", bp)):

        def note(what, name=name):
            order.append(f"{what} {name}")

        @scaffold.url_value_preprocessor
        def pull(endpoint, values, note=note):
            note(f"pull {endpoint} {values}")

        @scaffold.before_websocket
        async def before(note=note):
            note("before")

        @scaffold.before_websocket
        def before_sync(note=note):
            g.seen = websocket.path
            note("sync")

        @scaffold.after_websocket
        def after(response, note=note):
            note(f"after {response}")

        @scaffold.teardown_websocket
        async def teardown(error, note=note):
            note(f"teardown {error}")

        @scaffold.before_request
        @scaffold.teardown_request
        def never(error=None, note=note):
            note("request hook")

    app.teardown_appcontext(lambda _error: order.append("appcontext"))

    @bp.websocket("/<int:room>")
    async def chat(room):
        order.append(f"view {room} {g.seen} {url_for('.chat', room=2)}")
        await websocket.receive()

    app.register_blueprint(bp, url_prefix="/chat")
    converse(app, "/chat/7")
    pulled = "bp.chat {'room': 7}"
    assert order == [
        f"pull {pulled} app",
        f"pull {pulled} bp",
        *("before app", "sync app", "before bp", "sync bp"),
        "view 7 /chat/7 ws://localhost/chat/2",
        "appcontext",  # the set-up has ended: the first message is received
        *("after None bp", "after None app"),
        *("teardown None bp", "teardown None app"),
        "appcontext",
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_blueprint_registers_hooks_for_all_sockets_of_the_application(nested):
    """They run for sockets outside of the blueprint, once though it is registered twice."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__)
    order = []

    @bp.before_app_websocket
    async def before():
        order.append("before")

    @bp.after_app_websocket
    def after(response):
        order.append(f"after {response}")

    @bp.teardown_app_websocket
    async def teardown(error):
        order.append(f"teardown {error}")

    @app.websocket("/")
    async def outside():
        order.append("view")
        await websocket.receive()

    if nested:
        parent = Blueprint("parent", __name__)
        parent.register_blueprint(bp)
        app.register_blueprint(parent)
        app.register_blueprint(parent, name="again", url_prefix="/again")
    else:
        app.register_blueprint(bp)
        app.register_blueprint(bp, name="again", url_prefix="/again")
    converse(app)

    assert order == ["before", "view", "after None", "teardown None"]


@pytest.mark.parametrize("name", ["before", "after", "teardown"])
def test_hook_for_all_sockets_is_refused_after_the_registration(name):
    """It would not be registered any more."""
    bp = Blueprint("bp", __name__)
    Flask(__name__).register_blueprint(bp)

    with pytest.raises(AssertionError, match=f"{name}_app_websocket"):
        getattr(bp, f"{name}_app_websocket")(lambda: None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: ("no", 401), 401),
        (lambda: abort(418), 418),
        (lambda: abort(404), 499),
        (lambda: None, 403),
    ],
)
@pytest.mark.parametrize("place", ["hook", "view"])
def test_socket_is_rejected_with_what_hook_or_view_answers(answer, expected, place):
    """A value, an `abort` and an error handler's response reject; nothing means 403."""
    app = Flask(__name__)
    if place == "hook":
        app.before_websocket(answer)
    app.errorhandler(404)(lambda _error: ("handled", 499))

    @app.websocket("/")
    async def view():
        return answer() if place == "view" else None

    assert status(converse(app)) == expected


def test_server_without_the_extension_rejects_by_closing():
    """Where a server can't send a response, closing before accepting makes it 403."""
    app = Flask(__name__)
    app.websocket("/")(_returning_nothing)
    (message,) = converse(app, extensions={})
    assert message["type"] == "websocket.close"


async def _returning_nothing():
    return None


def test_unknown_path_and_path_of_requests_are_rejected():
    """404 for no rule, 400 for one of requests, also the other way round under WSGI."""
    app = echo_app()
    app.get("/page")(lambda: "page")
    assert status(converse(app, "/nowhere")) == 404
    assert status(converse(app, "/page")) == 400
    assert app.test_client().get("/").status_code == 400


def test_rejection_saves_the_session_and_shows_it_to_after_hooks():
    """What a hook puts in the session goes with the response that rejects."""
    app = Flask(__name__)
    app.secret_key = "k"
    seen = []

    @app.websocket("/")
    async def view():
        session["tries"] = 1
        return "no", 403

    @app.after_websocket
    def after(response):
        seen.append(response.status_code)
        response.headers["X-After"] = "yes"
        return response

    sent = converse(app)
    headers = dict(sent[0]["headers"])
    assert seen == [403]
    assert headers[b"x-after"] == b"yes"
    assert headers[b"set-cookie"].startswith(b"session=")
    assert sent[1]["body"] == b"no"


def test_session_cookie_goes_with_the_accepted_handshake():
    """The session is saved at accept, and there for the next request."""
    app = echo_app()
    app.secret_key = "k"
    app.before_websocket(lambda: session.update(user="ada"))
    app.get("/who")(lambda: session["user"])

    async def main():
        client = app.async_test_client()
        async with client.websocket("/") as socket:
            await socket.send("x")
            assert await socket.receive() == "x"
        return (await client.get("/who")).text

    assert asyncio.run(main()) == "ada"


@pytest.mark.parametrize("late", [True, False])
def test_session_changed_after_accept_warns_once(late, caplog):
    """The change is lost, so the log names the rule and the view; one in time is silent."""
    app = Flask(__name__)
    app.secret_key = "k"

    @app.websocket("/")
    async def view():
        session["early"] = 1
        await websocket.accept()
        session.get("early")
        if late:
            session["late"] = 1

    converse(app)
    logged = [record.getMessage() for record in caplog.records]
    if not late:
        assert not logged
        return
    (message,) = logged
    assert "The session was changed after the WebSocket '/' was accepted" in message
    assert f"test_sockets.py:{view.__code__.co_firstlineno}" in message


def test_error_after_accept_closes_with_1011_and_is_logged_once(caplog):
    """The client learns no more than the code; signal and teardown see the error."""
    app = Flask(__name__)
    seen = []

    @app.websocket("/")
    async def view():
        await websocket.receive()
        raise KeyError("secret")

    app.teardown_websocket(lambda error: seen.append(repr(error)))

    def receiver(_sender, exception):
        seen.append(repr(exception))

    with got_request_exception.connected_to(receiver, app):
        sent = converse(app, texts=["x"])
    assert seen == ["KeyError('secret')"] * 2
    assert sent[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}
    assert caplog.messages == ["Exception on / [WebSocket]"]


def test_error_before_accept_is_answered_with_500(caplog):
    """An error that nobody handles rejects, through the handler of 500, without request hooks."""
    app = Flask(__name__)
    app.after_request(lambda _response: pytest.fail("a hook of requests ran"))
    app.errorhandler(500)(lambda error: (repr(error.original_exception), 500))

    @app.websocket("/")
    async def view():
        raise KeyError("x")

    sent = converse(app)
    assert status(sent) == 500
    assert sent[1]["body"] == b"KeyError('x')"
    assert len(caplog.records) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_error_is_raised_in_testing(accept):
    """As Flask does, so that a test sees it; the client of an open socket is still told."""
    app = Flask(__name__)
    app.testing = True

    @app.websocket("/")
    async def view():
        if accept:
            await websocket.accept()
        raise KeyError("x")

    async def main():
        client = Client(app)
        with pytest.raises(KeyError):
            await client.end()
        return [message.get("code") for message in client.sent]

    assert asyncio.run(main()) == ([None, 1011] if accept else [])


def test_failing_teardown_does_not_keep_others_from_running():
    """Every teardown runs, then the first one's error is raised."""
    app = echo_app()
    ran = []

    @app.teardown_websocket
    def first(_error):
        ran.append("first")

    @app.teardown_websocket
    def second(_error):
        raise KeyError("second")

    with pytest.raises(KeyError, match="second"):
        converse(app)
    assert ran == ["first"]


@pytest.mark.parametrize(
    ("origin", "setting", "accepted"),
    [
        ("http://localhost", None, True),
        ("https://localhost", None, True),
        ("http://localhost:81", None, False),
        ("http://evil.example", None, False),
        ("null", None, False),
        ("http://[", None, False),
        ("ftp://localhost", None, False),
        ("https://a.example", ["https://a.example"], True),
        ("http://a.example", ["https://a.example"], False),
        ("http://localhost", ["https://a.example"], False),
        ("https://b.example", "https://a.example, https://B.example/", True),
        ("null", ["*"], True),
    ],
)
def test_origin_of_a_page_is_checked(origin, setting, accepted):
    """SECURITY(CSWSH): by default pages of the same host only; else those that are listed."""
    app = echo_app()
    app.config["WEBSOCKET_ORIGINS"] = setting
    sent = converse(app, headers=[("origin", origin)])
    assert accepted == (sent[0]["type"] == "websocket.accept")
    assert accepted or status(sent) == 403


def test_page_in_the_clear_may_not_use_an_encrypted_socket():
    """SECURITY: anybody on the way could have changed the page."""
    app = echo_app()
    app.wsgi_app = app.wsgi_app

    async def main(scheme):
        async with app.async_test_client().websocket(
            "/", base_url="https://localhost", headers={"Origin": f"{scheme}://localhost"}
        ):
            pass

    asyncio.run(main("https"))
    with pytest.raises(Exception, match="rejected with 403"):
        asyncio.run(main("http"))


def test_client_that_leaves_cancels_a_view_that_waits_for_something_else(monkeypatch):
    """The view is cancelled, and its teardown runs once, with that error."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    app = Flask(__name__)
    ended = []

    @app.websocket("/")
    async def view():
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(websocket.close_code)

    app.teardown_websocket(lambda error: ended.append(type(error)))
    converse(app, texts=["unread"], code=4001)
    assert ended == [4001, asyncio.CancelledError]


def test_messages_received_ahead_reach_the_view_in_order(monkeypatch):
    """Looking for a client that left loses nothing, even where a receive was given up."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    app = Flask(__name__)
    received = []

    async def main():
        go_on, gave_up = asyncio.Event(), asyncio.Event()

        @app.websocket("/")
        async def view():
            await websocket.accept()
            await go_on.wait()
            received.extend([await websocket.receive() for _ in range(3)])
            try:
                async with asyncio.timeout(0.02):
                    await websocket.receive()
            except TimeoutError:
                gave_up.set()
            received.append(await websocket.receive())

        client = Client(app)
        await client.until("websocket.accept")
        for text in "abc":
            client.text(text)
        async with asyncio.timeout(5):
            while not client.incoming.empty():  # noqa: ASYNC110  no server to wait for
                await asyncio.sleep(0)
            go_on.set()
            await gave_up.wait()
        client.text("d")
        await client.end()

    asyncio.run(main())
    assert received == ["a", "b", "c", "d"]


def test_no_more_than_the_bound_is_received_ahead(monkeypatch):
    """A client that sends on and on is held up by its server, and memory does not grow."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    app = Flask(__name__)

    async def main():
        go_on = asyncio.Event()

        @app.websocket("/")
        async def view():
            await websocket.accept()
            await go_on.wait()

        client = Client(app)
        for _ in range(socketwatch.MESSAGES_AHEAD + 5):
            client.text("x")
        async with asyncio.timeout(5):
            while client.incoming.qsize() > 5:  # noqa: ASYNC110  no server to wait for
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)  # several looks later
        assert client.incoming.qsize() == 5
        go_on.set()
        await client.end()

    asyncio.run(main())


@pytest.mark.parametrize("count", [1, 63, 64, 65, 500, socketwatch.MESSAGES_AHEAD - 1])
@pytest.mark.parametrize("kind", ["text", "bytes"])
def test_client_that_sends_much_and_leaves_cancels_the_view(kind, count, monkeypatch):
    """As many messages as it may have sent before that nobody received."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    app, errors = waiting_app()

    async def main():
        client = Client(app)
        await client.until("websocket.accept")
        for _ in range(count):
            client.put({"type": "websocket.receive", kind: "x" if kind == "text" else b"x"})
        client.leave()
        await client.end()

    asyncio.run(main())
    assert errors == [asyncio.CancelledError]


def waiting_app():
    """Make an application whose view waits for ever, and the errors that its teardown is told."""
    app = Flask(__name__)
    errors = []
    app.teardown_websocket(lambda error: errors.append(type(error)))

    @app.websocket("/")
    async def view():
        await websocket.accept()
        await asyncio.Event().wait()

    return app, errors


@pytest.mark.parametrize(
    ("count", "size"), [(socketwatch.MESSAGES_AHEAD * 2, 1), (40, socketwatch.BYTES_AHEAD // 10)]
)
def test_client_that_floods_and_leaves_cancels_the_view(count, size, monkeypatch):
    """More than is kept is dropped when the view had its time, so that the end is seen."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    monkeypatch.setattr(socketwatch, "HOLD_UP_S", 0.02)
    app, errors = waiting_app()

    async def main():
        client = Client(app)
        await client.until("websocket.accept")
        for _ in range(count):
            client.text("x" * size)
        client.leave()
        await client.end()

    asyncio.run(main())
    assert errors == [asyncio.CancelledError]


@pytest.mark.parametrize("leaves", [True, False])
def test_view_that_receives_after_all_gets_what_was_kept_and_then_the_end(leaves, monkeypatch):
    """No message is missing between two that it gets, and 1008 tells of those that are lost."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    monkeypatch.setattr(socketwatch, "HOLD_UP_S", 0.02)
    monkeypatch.setattr(socketwatch, "MESSAGES_AHEAD", 5)
    app = Flask(__name__)
    received, codes = [], []

    async def main():
        go_on = asyncio.Event()

        @app.websocket("/")
        async def view():
            await websocket.accept()
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                assert leaves
            try:
                while True:
                    received.append(await websocket.receive())
            except WebSocketClosed as closed:
                codes.append(closed.code)

        client = Client(app)
        await client.until("websocket.accept")
        for number in range(10):
            client.text(str(number))
        if leaves:
            client.leave()
        async with asyncio.timeout(5):
            while not client.incoming.empty():  # noqa: ASYNC110  no server to wait for
                await asyncio.sleep(0)
        client.text("late")
        go_on.set()
        return await client.end()

    sent = asyncio.run(main())
    # One whose client left is closed already when it is told.
    assert (received, codes) == ([] if leaves else list("01234"), [1008])
    if not leaves:
        assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1008)


def test_view_that_takes_its_time_is_sent_everything(monkeypatch):
    """A slow view that does receive loses nothing: its client is held up again each time."""
    monkeypatch.setattr(socketwatch, "INTERVAL_S", 0.001)
    monkeypatch.setattr(socketwatch, "MESSAGES_AHEAD", 3)
    app = Flask(__name__)
    received = []

    @app.websocket("/")
    async def view():
        await websocket.accept()
        async for message in websocket:
            received.append(message)
            await asyncio.sleep(0.01)

    texts = [str(number) for number in range(30)]

    async def main():
        client = Client(app)
        for text in texts:
            client.text(text)
        async with asyncio.timeout(5):
            while len(received) < len(texts):  # noqa: ASYNC110  no server to wait for
                await asyncio.sleep(0)
        client.leave()
        await client.end()

    asyncio.run(main())
    assert received == texts


def test_cancelled_socket_says_goodbye_and_is_torn_down():
    """What a stopping server cancels closes with 1012, runs its teardown and stays cancelled."""
    app = echo_app()
    errors = []
    app.teardown_websocket(lambda error: errors.append(type(error)))

    async def main():
        client = Client(app)
        await client.until("websocket.accept")
        client.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client.end()
        return client.sent[-1]["code"]

    assert asyncio.run(main()) == 1012
    assert errors == [asyncio.CancelledError]


def test_two_tasks_of_a_view_end_quietly_with_the_client(caplog):
    """Sending and receiving in a `TaskGroup` accepts once, and its end is no error."""
    app = Flask(__name__)

    @app.websocket("/")
    async def view():
        async with asyncio.TaskGroup() as group:
            group.create_task(websocket.send("hello"))
            group.create_task(_receive_all())

    sent = converse(app)
    assert [m["type"] for m in sent] == ["websocket.accept", "websocket.send"]
    assert caplog.records == []


async def _receive_all():
    while True:
        await websocket.receive()


def test_nothing_is_left_of_a_socket():
    """Contexts go without the garbage collector, tasks and timers with the last socket."""
    app = Flask(__name__)
    contexts = weakref.WeakSet()

    @app.websocket("/")
    async def view():
        contexts.add(request_ctx._get_current_object())
        assert request.path == websocket.path
        await websocket.send(await websocket.receive())

    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(3):
            client = Client(app)
            client.text("x")
            await client.end()
            del client
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        assert socketwatch._groups[loop]._timer is None

    gc.disable()
    try:
        asyncio.run(main())
        assert len(contexts) == 0
    finally:
        gc.enable()


def test_send_and_receive_make_no_task_and_no_timer():
    """What a message costs must not grow: the loop is asked for nothing."""
    app = echo_app()

    async def main():
        client = Client(app)
        await client.until("websocket.accept")
        loop = asyncio.get_running_loop()
        made = []
        loop.set_task_factory(lambda *args, **kwargs: made.append(args))
        call_at = loop.call_at
        loop.call_at = lambda *args, **kwargs: made.append(args) or call_at(*args, **kwargs)
        for number in range(5):
            client.text(str(number))
            while len(client.sent) < number + 2:  # noqa: ASYNC110  no server to wait for
                await asyncio.sleep(0)
        loop.set_task_factory(None)
        loop.call_at = call_at
        assert made == []
        client.leave()
        await client.end()

    asyncio.run(main())


def test_socket_may_be_used_by_those_who_send_to_many():
    """Without a context; and once it ended, it says so."""
    app = Flask(__name__)
    kept = []

    @app.websocket("/")
    async def view():
        kept.append(websocket._get_current_object())
        await websocket.receive()

    async def main():
        client = Client(app)
        await client.until("websocket.accept")
        await kept[0].send_json({"to": "all"})
        client.leave(1001)
        sent = await client.end()
        with pytest.raises(WebSocketClosed) as closed:
            await kept[0].send("late")
        return sent[-1]["text"], closed.value.code

    assert asyncio.run(main()) == ('{"to": "all"}', 1001)


def test_sync_view_and_late_hook_are_refused_at_set_up():
    """Errors of set-up come at set-up."""
    app = echo_app()
    with pytest.raises(TypeError, match="async def"):
        app.websocket("/sync")(lambda: None)
    converse(app)
    with pytest.raises(AssertionError, match="before_websocket"):
        app.before_websocket(lambda: None)


def test_sockets_that_are_open_when_the_server_stops_are_left_first():
    """COMPAT(Granian): by the life's end, also where the server tells no view."""
    app = Flask(__name__)
    order = []
    app.teardown_websocket(lambda _error: order.append("socket"))
    app.after_serving(lambda: order.append("life"))

    @app.websocket("/")
    async def view():
        await websocket.accept()
        await asyncio.Event().wait()

    async def main():
        async with app.async_test_client():
            client = Client(app)
            await client.until("websocket.accept")
        assert client.task.cancelled()
        return client.sent[-1]["code"]

    assert asyncio.run(main()) == 1012
    assert order == ["socket", "life"]


def test_accepting_releases_what_the_hooks_have_opened():
    """The teardown of the application runs before the client hears of it, and at the end."""
    app = Flask(__name__)
    app.teardown_appcontext(lambda error: seen.append(("teardown", error, g.get("user"))))
    app.teardown_websocket(lambda error: seen.append("end"))
    seen = []

    @app.before_websocket
    def load():
        g.user = "ada"

    @app.websocket("/")
    async def view():
        await websocket.accept()
        seen.append("accepted")
        await websocket.send(g.user)

    sent = converse(app)
    assert [message["type"] for message in sent][:2] == ["websocket.accept", "websocket.send"]
    torn = ("teardown", None, "ada")
    assert seen == [torn, "accepted", "end", torn]


def test_a_handshake_is_refused_if_its_teardown_fails():
    """The client does not hear of an accepted connection whose set-up has failed."""
    app = Flask(__name__)

    @app.teardown_appcontext
    def fail(error):
        if error is None:
            raise LookupError("at the end of the set-up")

    @app.websocket("/")
    async def view():
        await websocket.accept()

    first = converse(app)[0]
    assert (first["type"], first["status"]) == ("websocket.http.response.start", 500)


def test_a_scope_has_its_own_g_and_the_connection_s_proxies():
    """Its teardown gets the block's error; the outer context is as before afterwards."""
    app = Flask(__name__)
    seen = []

    @app.teardown_appcontext
    async def torn(error):
        seen.append((g.get("n"), error and str(error)))

    @app.websocket("/<name>")
    async def view(name):
        g.n = "outer"
        await websocket.accept()
        async with websocket.scope():
            assert "n" not in g
            g.n = "inner"
            assert (request.path, request.view_args) == ("/ada", {"name": "ada"})
            await websocket.send(await asyncio.to_thread(lambda: g.n))
        with pytest.raises(LookupError):
            async with websocket.scope():
                raise LookupError("no")
        await websocket.send(g.n)

    async def main():
        client = Client(app, "/ada")
        await client.until("websocket.close")
        return await client.end()

    sent = asyncio.run(main())
    texts = [message["text"] for message in sent if message["type"] == "websocket.send"]
    assert texts == ["inner", "outer"]
    assert seen == [("outer", None), ("inner", None), (None, "no"), ("outer", None)]


def test_an_application_context_within_a_view_leaves_its_socket_current():
    """As `request` stays that of the request."""
    app = Flask(__name__)

    @app.websocket("/")
    async def view():
        with app.app_context():
            await websocket.send("sent")

    assert converse(app)[1]["text"] == "sent"


def test_a_scope_cannot_be_opened_after_the_view():
    """It says so, rather than using the context of another connection."""
    app = Flask(__name__)
    kept = []

    @app.websocket("/")
    async def view():
        kept.append(websocket._get_current_object())

    converse(app)
    with pytest.raises(RuntimeError, match="this one ended"):
        kept[0].scope()
