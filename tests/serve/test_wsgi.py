"""What a server gets from the application is what PEP 3333 promises it."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref
from io import BytesIO
from wsgiref.validate import validator

import pytest
from werkzeug.test import create_environ

from costrel import (
    Flask,
    Request,
    Response,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    current_app,
    g,
    has_app_context,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
)
from costrel.globals import app_ctx, request_ctx
from costrel.ground.current import PRESERVE

pytestmark = pytest.mark.usefixtures("path")


class Server:
    """Call an application like a server does, and keep what it sent."""

    def __init__(self, app):
        self.app = app
        self.status = ""
        self.headers = {}

    def start_response(self, status, headers, exc_info=None):
        self.status, self.headers = status, dict(headers)
        return lambda data: None

    def get(self, path="/", **environ):
        """Return the body of a GET; variables that are None are left out."""
        made = create_environ("/") | {"PATH_INFO": path} | environ
        made = {name: value for name, value in made.items() if value is not None}
        body = self.app(made, self.start_response)
        try:
            return b"".join(body)
        finally:
            getattr(body, "close", lambda: None)()


def hello_app():
    """Make an application with a view of each common kind."""
    app = Flask(__name__)
    app.secret_key = "dev"
    app.get("/", endpoint="text")(lambda: "text")
    app.get("/json", endpoint="json")(lambda: {"a": 1})
    app.get("/stream", endpoint="stream")(lambda: iter(["a", "b"]))
    app.get("/response", endpoint="response")(lambda: Response("r", 201, {"X-A": "1"}))
    app.get("/error", endpoint="error")(lambda: 1 / 0)

    @app.get("/session")
    def touch():
        session["a"] = 1
        return ""

    @app.post("/")
    def echo():
        return request.get_data()

    return app


@pytest.mark.parametrize(
    "path", ["/", "/json", "/stream", "/response", "/error", "/session", "/nothing"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_answer_of_any_kind_keeps_to_the_protocol(path, method):
    """`wsgiref.validate` finds nothing to complain about."""
    app = hello_app()
    environ = create_environ(path, method=method)
    environ["wsgi.input"] = BytesIO()
    environ["QUERY_STRING"] = ""
    # Werkzeug sends a content type with 204 and HEAD as well, as it does with Flask.
    statuses = []

    def start_response(status, headers, exc_info=None):
        statuses.append(status)
        return lambda data: None

    body = validator(app)(environ, start_response)
    data = b"".join(body)
    body.close()
    assert len(statuses) == 1
    assert data == b"" or method != "HEAD"
    assert not has_app_context()


def test_body_reaches_the_view():
    """What the server's input holds is the request's data."""
    app = hello_app()
    environ = create_environ("/", method="POST", data=b"sent")
    assert b"".join(app(environ, Server(app).start_response)) == b"sent"


def test_application_is_called_by_its_class_and_wsgi_app_is_looked_up_late():
    """COMPAT(sentry, Flask-SocketIO): `__call__` patched on the class, `wsgi_app` anywhere."""
    app = hello_app()
    server = Server(app)
    log = []

    class Middleware:
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, environ, start_response):
            log.append("middleware")
            return self.inner(environ, start_response)

    assert server.get() == b"text"
    app.wsgi_app = Middleware(app.wsgi_app)
    original = Flask.__call__

    def patched(self, environ, start_response):
        log.append("call")
        return original(self, environ, start_response)

    Flask.__call__ = patched
    try:
        assert server.get() == b"text"
    finally:
        Flask.__call__ = original
    assert log == ["call", "middleware"]


def test_context_is_current_while_start_response_is_called():
    """COMPAT(opentelemetry): the server's callback may look at the request."""
    app = hello_app()
    seen = []

    def start_response(status, headers, exc_info=None):
        seen.append((request.path, current_app.name, status))

    for path in ("/", "/response", "/nothing", "/error"):
        app(create_environ(path), start_response)
    assert [path for path, _name, _status in seen] == ["/", "/response", "/nothing", "/error"]
    assert not has_app_context()


def test_server_that_refuses_the_response_gets_its_error_back():
    """The request is left; the teardowns are told nothing, for the view was fine."""
    app = hello_app()
    told = []
    app.teardown_request(told.append)

    def start_response(status, headers, exc_info=None):
        raise ConnectionError

    for path in ("/", "/response"):
        with pytest.raises(ConnectionError):
            app(create_environ(path), start_response)
        assert not has_app_context()
    assert told == [None, None]


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_HOST": None}, "200 OK"),
        ({"HTTP_HOST": "[::1]:80"}, "200 OK"),
        ({"HTTP_HOST": "a.b:65535"}, "200 OK"),
        ({"HTTP_HOST": "a..b"}, "400 BAD REQUEST"),
        ({"SCRIPT_NAME": "/mounted"}, "200 OK"),
        ({"HTTP_UPGRADE": "h2c"}, "200 OK"),
        (
            {"path": "/json", "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
            "400 BAD REQUEST",
        ),
        ({"REQUEST_METHOD": "get"}, "200 OK"),
        ({"REQUEST_METHOD": "BREW"}, "405 METHOD NOT ALLOWED"),
        ({"path": ""}, "308 PERMANENT REDIRECT"),
        ({"path": "//"}, "200 OK"),
        ({"path": "json"}, "200 OK"),
        ({"path": "/\xff"}, "404 NOT FOUND"),
        ({"path": "/json\n"}, "404 NOT FOUND"),
    ],
)
def test_unusual_environ_is_answered_as_werkzeug_matches_it(environ, status):
    """Hosts, methods and paths that clients rarely send."""
    server = Server(hello_app())
    server.get(**{"path": "/"} | environ)
    assert server.status == status


def test_path_is_decoded_as_utf8():
    """SPEC(PEP 3333): the server gives bytes as Latin-1; what is not UTF-8 is replaced."""
    app = Flask(__name__)
    app.get("/é/<name>", endpoint="a")(lambda name: name)
    app.get("/<name>", endpoint="b")(lambda name: name)
    server = Server(app)
    assert server.get("/é".encode().decode("latin-1")) == "é".encode()
    assert server.get("/é/ü".encode().decode("latin-1")) == "ü".encode()
    assert server.get("/é/".encode().decode("latin-1") + "\xff") == "\ufffd".encode()


def test_requests_in_many_threads_do_not_see_each_other():
    """Each thread has its request and its ``g``, whatever the application is."""
    app = Flask(__name__)
    barrier = threading.Barrier(4, timeout=10)

    @app.get("/<name>")
    def view(name):
        g.name = name
        barrier.wait()
        return f"{g.name} {request.path}"

    results = {}

    def work(name):
        results[name] = Server(app).get(f"/{name}")

    threads = [threading.Thread(target=work, args=(f"n{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {f"n{number}": f"n{number} /n{number}".encode() for number in range(4)}


def test_application_may_run_in_a_copied_context():
    """COMPAT(Dash, a2wsgi): servers call it in contexts and threads of their own."""
    app = hello_app()
    assert contextvars.copy_context().run(Server(app).get) == b"text"
    with app.app_context():
        copied = contextvars.copy_context()
    assert copied.run(Server(app).get, "/json") == b'{"a":1}\n'


def test_signals_of_a_request_are_sent_whatever_the_view_is():
    """COMPAT(sentry): also where nothing else wants to know of the request."""
    app = hello_app()
    seen = []
    signals = (appcontext_pushed, request_started, request_tearing_down, appcontext_popped)

    def receive(name):
        return lambda sender, **extra: seen.append((name, sender))

    receivers = [(signal, receive(signal.name)) for signal in signals]
    for signal, receiver in receivers:
        signal.connect(receiver, app)
    try:
        Server(app).get()
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver, app)
    assert seen == [(signal.name, app) for signal in signals]
    Server(app).get()
    assert len(seen) == 4


@pytest.mark.parametrize(
    "signal",
    [
        appcontext_pushed,
        request_started,
        request_finished,
        request_tearing_down,
        appcontext_tearing_down,
        appcontext_popped,
    ],
    ids=lambda signal: signal.name,
)
def test_signal_that_is_the_only_one_heard_is_sent(signal):
    """Each makes a request go the way that sends it, once."""
    app = hello_app()
    seen = []

    def receive(sender, **extra):
        seen.append(sender)

    with signal.connected_to(receive, app):
        Server(app).get()
    assert seen == [app]


def test_client_in_an_application_context_enters_no_other():
    """Its request borrows the active one, so nothing is pushed or popped."""
    app = hello_app()
    seen = []

    def receive(sender, **extra):
        seen.append(sender)

    with (
        app.app_context(),
        appcontext_pushed.connected_to(receive, app),
        appcontext_popped.connected_to(receive, app),
        appcontext_tearing_down.connected_to(receive, app),
    ):
        app.test_client().get("/")
        assert seen == []


def test_request_is_closed_by_its_class():
    """A ``close`` of one's own is called once, when the request is left."""
    closed = []

    class Closing(Request):
        def close(self):
            closed.append(self.path)
            super().close()

    app = hello_app()
    app.request_class = Closing
    app.add_url_rule("/path", "path", lambda: request.path)
    Server(app).get("/path")
    assert closed == ["/path"]


@pytest.mark.parametrize("path", ["/", "/fixed", "/dynamic"])
def test_request_is_freed_when_it_is_left(path):
    """Nothing of it waits for the collector of cycles: neither request nor context."""
    app = Flask(__name__)
    gone = []

    def view(**values):
        gone.extend(weakref.ref(proxy._get_current_object()) for proxy in (request, request_ctx, g))
        return ""

    app.get("/", endpoint="quiet")(view)
    app.get("/fixed", endpoint="fixed", defaults={"a": 1})(view)
    app.get("/<name>", endpoint="dynamic")(view)
    Server(app).get("/")
    gone.clear()
    gc.collect()
    gc.disable()
    try:
        Server(app).get(path)
        assert [reference() for reference in gone] == [None, None, None]
    finally:
        gc.enable()


def test_signals_of_another_application_are_not_heard():
    """A receiver of one sender changes nothing for the others."""
    app, other = hello_app(), hello_app()
    seen = []

    def receive(sender, **extra):
        seen.append(sender)

    with request_started.connected_to(receive, other):
        assert Server(app).get() == b"text"
        assert seen == []
        assert Server(other).get() == b"text"
    assert seen == [other]


def test_each_request_has_an_application_context_of_its_own():
    """COMPAT(Flask-SQLAlchemy): the identity of the context is a scope."""
    app = Flask(__name__)
    contexts = []

    @app.get("/")
    def view():
        first, second = (app_ctx._get_current_object() for _ in range(2))
        assert first is second
        contexts.append(first)
        return ""

    server = Server(app)
    server.get()
    server.get()
    assert contexts[0] is not contexts[1]


def test_context_is_handed_to_a_debugger_that_asks():
    """COMPAT(Werkzeug): the debugger keeps what ``preserve_context`` is given."""
    app = hello_app()
    kept = []
    Server(app).get("/error", **{PRESERVE: kept.append})
    assert kept[-1].request.path == "/error"
    with kept[-1]:
        assert request.path == "/error"


@pytest.mark.parametrize("path", ["/", "/session", "/nothing", "/error"])
def test_first_request_ends_the_set_up(path):
    """COMPAT: it is told by ``_got_first_request``, which may be put back."""
    app = hello_app()
    assert app._got_first_request is False
    Server(app).get(path)
    assert app._got_first_request is True
    with pytest.raises(AssertionError, match="first request"):
        app.get("/late")
    app._got_first_request = False
    app.get("/late", endpoint="late")(lambda: "late")
    assert Server(app).get("/late") == b"late"


@pytest.mark.usefixtures("path")
def test_error_of_the_server_is_not_answered_by_the_application():
    """What start_response raises reaches the server, once, and nothing stays current."""
    app = Flask(__name__)
    app.get("/")(lambda: "text")
    app.test_client().get("/")
    calls = []

    def start_response(*_args):
        calls.append(1)
        raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        app(create_environ("/"), start_response)
    assert calls == [1]
