"""Hooks run in their order, around the view, for what they were registered for."""

from __future__ import annotations

import pytest

from costrel import (
    Blueprint,
    Flask,
    Response,
    abort,
    after_this_request,
    g,
    request,
    request_finished,
    session,
)
from costrel.dispatch.hooks import inside_out, outside_in
from costrel.globals import request_ctx
from costrel.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
)

pytestmark = pytest.mark.usefixtures("path")


def nested_app():
    """Make an application with nested blueprints, all of whose hooks log."""
    app = Flask(__name__)
    app.log = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    for owner, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
        for number in (1, 2):

            def log(kind, name=name, number=number):
                app.log.append(f"{kind} {name}{number}")

            owner.url_value_preprocessor(lambda endpoint, values, log=log: log("value"))
            owner.before_request(lambda log=log: log("before"))
            owner.after_request(lambda response, log=log: (log("after"), response)[1])
            owner.teardown_request(lambda error, log=log: log("teardown"))
    app.teardown_appcontext(lambda error: app.log.append("appcontext 1"))
    app.teardown_appcontext(lambda error: app.log.append("appcontext 2"))
    for owner, name in ((app, "app"), (outer, "outer"), (inner, "inner")):

        def view(name=name):
            app.log.append(f"view {name}")
            return name

        owner.add_url_rule(f"/{name}", "view", view)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return app


def test_hooks_of_nested_blueprints_run_outside_in_and_back():
    """Before the view from the application inwards, after it in reverse."""
    app = nested_app()
    assert app.test_client().get("/inner").text == "inner"
    inwards = [f"{name}{n}" for name in ("app", "outer", "inner") for n in (1, 2)]
    outwards = [f"{name}{n}" for name in ("inner", "outer", "app") for n in (2, 1)]
    assert app.log == [
        *(f"value {name}" for name in inwards),
        *(f"before {name}" for name in inwards),
        "view inner",
        *(f"after {name}" for name in outwards),
        *(f"teardown {name}" for name in outwards),
        "appcontext 2",
        "appcontext 1",
    ]


@pytest.mark.parametrize(("path", "names"), [("/app", {"app"}), ("/outer", {"app", "outer"})])
def test_hooks_of_other_blueprints_do_not_run(path, names):
    """A blueprint's hooks run for its own views and those nested in it."""
    app = nested_app()
    app.test_client().get(path)
    hooks = {entry.split()[1][:-1] for entry in app.log if "context" not in entry}
    hooks = {name for name in hooks if name in {"app", "outer", "inner"}}
    assert hooks == names


def test_hooks_of_the_application_run_where_nothing_matched():
    """A 404 has no blueprint, but the application's hooks."""
    app = nested_app()
    assert app.test_client().get("/nothing").status_code == 404
    assert [entry for entry in app.log if entry.startswith(("value", "before"))] == [
        "value app1",
        "value app2",
        "before app1",
        "before app2",
    ]


def test_orders_of_names_are_each_others_reverse():
    """The application's key is None."""
    assert outside_in("a.b.c") == (None, "a", "a.b", "a.b.c")
    assert inside_out("a.b.c") == ("a.b.c", "a.b", "a", None)
    assert outside_in(None) == inside_out(None) == (None,)


@pytest.mark.parametrize(
    ("rv", "status", "body"),
    [
        ("stop", 200, b"stop"),
        ("", 200, b""),
        (("stop", 403), 403, b"stop"),
        ({"a": 1}, 200, b'{"a":1}\n'),
        ([], 200, b"[]\n"),
        (None, 200, b"view"),
    ],
)
def test_before_hook_that_returns_something_answers(rv, status, body):
    """Anything but None is the response: the next hooks and the view do not run."""
    app = Flask(__name__)
    log = []
    app.before_request(lambda: rv)
    app.before_request(lambda: log.append("second"))
    app.after_request(lambda response: (log.append("after"), response)[1])
    app.get("/")(lambda: "view")
    response = app.test_client().get("/")
    assert (response.status_code, response.data) == (status, body)
    assert log == (["after"] if rv is not None else ["second", "after"])


def test_after_hook_may_return_another_response():
    """The next hook, the signal and the client get what it returned."""
    app = Flask(__name__)
    seen = []
    app.after_request(lambda response: (seen.append(response.data), response)[1])
    app.after_request(lambda response: Response(b"other"))
    app.get("/")(lambda: "view")

    def finished(sender, response, **extra):
        seen.append(response.data)

    with request_finished.connected_to(finished, app):
        assert app.test_client().get("/").data == b"other"
    assert seen == [b"other", b"other"]


def test_after_hooks_run_for_handled_errors_and_for_the_500():
    """Every response that is sent went through them."""
    app = Flask(__name__)

    @app.after_request
    def mark(response):
        response.headers["X-Mark"] = "1"
        return response

    app.get("/abort", endpoint="abort")(lambda: abort(403))
    app.get("/error", endpoint="error")(lambda: 1 / 0)
    client = app.test_client()
    for path, status in (("/abort", 403), ("/error", 500), ("/nothing", 404)):
        response = client.get(path)
        assert (response.status_code, response.headers["X-Mark"]) == (status, "1")


def test_async_hooks_run_like_others():
    """Each kind of hook may be a coroutine function; the context is the request's."""
    app = Flask(__name__)
    log = []

    @app.before_request
    async def before():
        g.value = request.path

    @app.after_request
    async def after(response):
        response.headers["X-Path"] = g.value
        return response

    @app.teardown_request
    async def teardown(error):
        log.append(g.value)

    @app.teardown_appcontext
    async def teardown_app(error):
        log.append(g.value)

    app.get("/x")(lambda: "sync")
    response = app.test_client().get("/x")
    assert (response.text, response.headers["X-Path"], log) == ("sync", "/x", ["/x", "/x"])


def test_value_preprocessor_changes_what_the_view_gets():
    """It gets endpoint and values; taking a value away hides it from the view."""
    app = Flask(__name__)
    seen = []

    @app.url_value_preprocessor
    def pull(endpoint, values):
        seen.append(endpoint)
        if values:
            g.lang = values.pop("lang")

    @app.get("/<lang>/<name>")
    def view(name):
        return f"{g.lang} {name}"

    client = app.test_client()
    assert client.get("/de/x").text == "de x"
    assert client.get("/").status_code == 404
    assert seen == ["view", None]


# The session


class Interface(SessionInterface):
    """Log what is done, in `log`."""

    def __init__(self, log, make=SecureCookieSession):
        self.log = log
        self.make = make

    def open_session(self, app, request):
        self.log.append("open")
        return self.make()

    def save_session(self, app, session, response):
        self.log.append(f"save {response.status_code}")


def test_session_is_opened_first_and_saved_last():
    """COMPAT(Flask-Session): before the URL is matched; after all after-hooks."""
    log = []
    app = Flask(__name__)
    app.session_interface = Interface(log)
    app.url_value_preprocessor(lambda endpoint, values: log.append("value"))
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: (log.append("after"), response)[1])
    app.teardown_request(lambda error: log.append("teardown"))

    @app.get("/")
    def view():
        after_this_request(lambda response: (log.append("this"), response)[1])
        return "", 202

    app.test_client().get("/")
    assert log == ["open", "value", "before", "this", "after", "save 202", "teardown"]
    log.clear()
    app.test_client().get("/nothing")
    assert log == ["open", "value", "before", "after", "save 404", "teardown"]


def test_session_that_could_not_be_opened_is_not_saved():
    """COMPAT(Flask-Session): `open_session` may return None, which makes a null session."""
    log = []
    app = Flask(__name__)
    app.session_interface = Interface(log, make=lambda: None)

    @app.get("/")
    def view():
        assert isinstance(session._get_current_object(), NullSession)
        with pytest.raises(RuntimeError, match="secret key"):
            session["a"] = 1
        return ""

    assert app.test_client().get("/").status_code == 200
    assert log == ["open"]


def test_session_that_fails_to_open_is_a_500():
    """It is an unhandled error of the request, and the request is left."""
    app = Flask(__name__)
    told = []
    app.session_interface = Interface([], make=lambda: 1 / 0)
    app.teardown_request(told.append)
    app.get("/")(lambda: "view")
    assert app.test_client().get("/").status_code == 500
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_session_assigned_in_the_view_is_saved():
    """COMPAT(Flask-SocketIO): ``_session`` of the context may be replaced."""
    app = Flask(__name__)
    app.secret_key = "dev"

    @app.get("/")
    def view():
        replaced = SecureCookieSession()
        replaced["value"] = 1
        request_ctx._session = replaced
        return ""

    app.get("/value")(lambda: str(session["value"]))
    client = app.test_client()
    assert "session=" in client.get("/").headers.get("Set-Cookie", "")
    assert client.get("/value").text == "1"


def test_session_first_touched_by_an_after_hook_is_saved():
    """Saving comes after the hooks, whoever touched it."""
    app = Flask(__name__)
    app.secret_key = "dev"

    @app.after_request
    def count(response):
        session["count"] = session.get("count", 0) + 1
        response.data = str(session["count"])
        return response

    app.get("/")(lambda: "")
    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_permanent_session_is_sent_again_though_nobody_touched_it():
    """``SESSION_REFRESH_EACH_REQUEST`` moves its end with each response."""
    app = Flask(__name__)
    app.secret_key = "dev"

    @app.get("/set")
    def set_it():
        session.permanent = True
        return ""

    app.get("/")(lambda: "untouched")
    client = app.test_client()
    client.get("/set")
    response = client.get("/")
    assert "session=" in response.headers["Set-Cookie"]
    assert response.headers["Vary"] == "Cookie"
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert "Set-Cookie" not in client.get("/").headers


def test_session_class_that_fills_itself_is_saved_for_every_request():
    """An interface with a class of its own may want to, whether a view touched it or not."""

    class Filled(SecureCookieSession):
        def __init__(self, initial=None):
            super().__init__(initial)
            self.setdefault("visitor", 1)
            self.modified = True

    class Filling(SecureCookieSessionInterface):
        session_class = Filled

    app = Flask(__name__)
    app.secret_key = "dev"
    app.session_interface = Filling()
    app.get("/")(lambda: "untouched")
    assert "session=" in app.test_client().get("/").headers.get("Set-Cookie", "")
