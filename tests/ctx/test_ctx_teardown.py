"""Leaving a request tears it down, and what needs a request says so outside of one."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest

from costrel import (
    Flask,
    after_this_request,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    request,
    session,
)


def logging_app():
    """Make an application that logs each teardown with its error."""
    app = Flask(__name__)
    app.log = []
    app.teardown_request(lambda error: app.log.append(("request", error)))
    app.teardown_appcontext(lambda error: app.log.append(("app", error)))
    return app


# Teardown


def test_every_teardown_runs_though_others_fail():
    """The first failure is raised, the next ones are noted on it, and none is skipped."""
    app = Flask(__name__)
    log = []

    def add(name, error=None):
        def teardown(_):
            log.append(name)
            if error is not None:
                raise error

        return teardown

    errors = {"a": None, "b": ValueError("second"), "c": KeyError("first"), "d": None}
    for name, error in errors.items():
        app.teardown_request(add(name, error))
        app.teardown_appcontext(add(f"app {name}"))
    with pytest.raises(KeyError, match="first") as caught, app.test_request_context():
        pass
    assert log == ["d", "c", "b", "a", "app d", "app c", "app b", "app a"]
    assert "ValueError('second')" in caught.value.__notes__[0]
    assert not has_app_context()


@pytest.mark.usefixtures("path")
def test_teardowns_are_told_of_an_error_that_nobody_handled():
    """A handled error is none to them; one that became a 500 is."""
    app = logging_app()
    error = ZeroDivisionError()

    @app.get("/<kind>")
    def view(kind):
        if kind == "good":
            return ""
        raise {"unhandled": error, "handled": KeyError()}[kind]

    app.register_error_handler(KeyError, lambda error: ("", 400))
    client = app.test_client()
    expected = (("good", 200, None), ("handled", 400, None), ("unhandled", 500, error))
    for kind, status, told in expected:
        app.log.clear()
        assert client.get(f"/{kind}").status_code == status
        assert app.log == [("request", told), ("app", told)]


@pytest.mark.usefixtures("path")
def test_teardowns_run_once_per_request():
    """One request of any outcome is left once, inside of which it is current."""
    app = logging_app()
    app.get("/")(lambda: "")
    app.teardown_request(lambda error: app.log.append(request.path))
    client = app.test_client()
    for path, method in (("/", "GET"), ("/nothing", "GET"), ("/", "POST"), ("/", "OPTIONS")):
        app.log.clear()
        client.open(path, method=method)
        assert app.log == [path, ("request", None), ("app", None)]


@pytest.mark.usefixtures("path")
def test_request_inside_a_request_is_left_alone():
    """A nested request of the same application shares ``g``; the outer one tears it down."""
    app = logging_app()

    @app.get("/inner")
    def inner():
        g.log.append(request.path)
        return ""

    @app.get("/outer")
    def outer():
        g.log = []
        app.test_client().get("/inner")
        assert app.log == [("request", None)]
        g.log.append(request.path)
        return g.log

    assert app.test_client().get("/outer").json == ["/inner", "/outer"]
    assert app.log == [("request", None), ("request", None), ("app", None)]


def test_uploaded_files_are_closed_when_the_request_is_left():
    """Leaving closes what parsing the form opened."""
    app = Flask(__name__)
    with app.test_request_context(method="POST", data={"f": (BytesIO(b"x"), "f.txt")}):
        stream = request.files["f"].stream
        assert not stream.closed
    assert stream.closed


# Functions that need a request


@pytest.mark.usefixtures("path")
def test_after_this_request_runs_once_and_before_other_hooks():
    """It gets the response of this request only, in the order of registration."""
    app = Flask(__name__)
    app.after_request(lambda response: add(response, "hook"))

    def add(response, text):
        response.data += text.encode()
        return response

    @app.get("/<int:twice>")
    def view(twice):
        if twice:
            after_this_request(lambda response: add(response, "one"))
            after_this_request(lambda response: add(response, "two"))
        return "-"

    client = app.test_client()
    assert client.get("/1").text == "-onetwohook"
    assert client.get("/0").text == "-hook"


@pytest.mark.usefixtures("path")
def test_after_this_request_works_where_there_is_no_other_hook():
    """A hook, a handler and an async function may register as well."""
    app = Flask(__name__)

    @app.before_request
    def before():
        async def mark(response):
            response.headers["X-Mark"] = "1"
            return response

        assert after_this_request(mark) is mark

    app.get("/")(lambda: "plain")
    response = app.test_client().get("/")
    assert (response.text, response.headers["X-Mark"]) == ("plain", "1")


def test_functions_that_need_a_request_refuse_outside_of_one():
    """The error says where to call them."""
    with pytest.raises(RuntimeError, match=r"after_this_request\(\).*in a view"):
        after_this_request(lambda response: response)
    with pytest.raises(RuntimeError, match=r"in the view that starts the thread"):
        copy_current_request_context(lambda: None)


@pytest.mark.usefixtures("path")
def test_copied_request_runs_in_two_threads_at_once():
    """Each call has a context of its own for the same request, also after it was left."""
    app = logging_app()
    app.secret_key = "dev"
    barrier = threading.Barrier(3, timeout=10)
    results = []

    @app.get("/<name>")
    def view(name):
        session["value"] = 1
        g.value = "view"

        @copy_current_request_context
        def work(number):
            """Work in a thread."""
            assert "value" not in g
            g.value = number
            barrier.wait()
            barrier.wait()
            results.append((number, g.value, request.path, session["value"], current_app.name))

        assert work.__doc__ == "Work in a thread."
        app.threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2)]
        for thread in app.threads:
            thread.start()
        barrier.wait()
        return g.value

    assert app.test_client().get("/x").text == "view"
    assert app.log == [("request", None), ("app", None)]
    barrier.wait()
    for thread in app.threads:
        thread.join()
    assert sorted(results) == [(n, n, "/x", 1, __name__) for n in (1, 2)]
    assert sorted(app.log) == sorted([("request", None), ("app", None)] * 3)


@pytest.mark.usefixtures("path")
def test_copied_request_runs_async_functions_and_returns_their_value():
    """The wrapped function is called like a sync one."""
    app = Flask(__name__)

    @app.get("/here")
    def view():
        @copy_current_request_context
        async def work():
            return request.path

        return work()

    assert app.test_client().get("/here").text == "/here"
