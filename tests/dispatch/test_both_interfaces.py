"""What `tests/property/test_interfaces.py` found to differ between WSGI and ASGI, one by one."""

from __future__ import annotations

import asyncio
import gc

import pytest
from werkzeug.routing import BaseConverter

from costrel import (
    EventStream,
    Flask,
    Response,
    abort,
    render_template_string,
    request,
    stream_with_context,
)
from costrel.globals import app_ctx
from costrel.signals import appcontext_popped, request_tearing_down

ways = pytest.mark.parametrize("way", ["wsgi", "asgi", "asgi in a thread"])


@pytest.fixture(autouse=True)
def _no_collector():
    """Nothing is put off to the next garbage collection."""
    gc.disable()
    yield
    gc.enable()


def noting_app():
    """Make an application that notes what its teardown functions are told of."""
    app = Flask(__name__)
    app.logger.disabled = True
    app.order = []
    app.teardown_request(lambda error: app.order.append(f"request {error!r}"))
    app.teardown_appcontext(lambda error: app.order.append(f"context {error!r}"))
    return app


def ask(app, way):
    """Return the body that the application gives, or the error that reaches the server."""
    if way == "asgi in a thread":
        original = app.wsgi_app
        app.wsgi_app = lambda *args: original(*args)  # noqa: PLW0108  another function
    try:
        if way == "wsgi":
            return app.test_client().get("/", buffered=True).text
        return asyncio.run(app.async_test_client().get("/")).text
    except Exception as error:  # noqa: BLE001  what is asked for
        return error


async def pieces():
    """Yield what needs the request."""
    yield request.path


def pieces_sync():
    """Yield what needs the request."""
    yield request.path


BODIES = {
    "async": pieces,
    "context": lambda: stream_with_context(pieces_sync()),
    "events": lambda: EventStream(pieces_sync()),
    "async events": lambda: EventStream(pieces()),
}
bodies = pytest.mark.parametrize("body", BODIES)


def given_back(body):
    """Whether the context is also torn down before the stream, so that it holds nothing."""
    return body in {"events", "async events"}


@ways
@bodies
def test_stream_in_whose_place_an_error_is_sent_holds_no_teardown(way, body):
    """It is not left to the garbage collector, and the teardowns are told of the error."""
    app = noting_app()
    kept = []

    @app.get("/")
    async def view():
        return BODIES[body]()

    @app.after_request
    async def fail(response):
        kept.append(response)
        raise LookupError

    @app.errorhandler(500)
    def answer(error):
        return "failed"

    assert ask(app, way) == "failed"
    assert app.order == ["request LookupError()", "context LookupError()"]
    assert kept


@ways
@bodies
def test_stream_of_a_view_that_aborts_holds_no_teardown(way, body):
    """The error that answers itself keeps nothing alive that the view made."""
    app = noting_app()

    @app.get("/")
    async def view():
        stream = BODIES[body]()
        abort(418, repr(stream))

    assert "teapot" in ask(app, way)
    assert app.order == ["request None", "context None"]


@ways
def test_stream_that_fails_to_close_is_noted_on_the_error(way):
    """The error that came first is the one that is handled."""
    app = noting_app()
    app.testing = True

    class Parts:
        def __aiter__(self):
            return self

        async def __anext__(self):
            raise StopAsyncIteration

        async def aclose(self):
            raise ZeroDivisionError

    @app.get("/")
    async def view():
        return Parts()

    @app.after_request
    async def fail(response):
        raise LookupError

    error = ask(app, way)
    assert isinstance(error, LookupError)
    assert "ZeroDivisionError()" in error.__notes__[0]
    assert app.order == ["request LookupError()", "context LookupError()"]


@ways
@bodies
def test_stream_of_the_handler_of_500_tells_teardowns_the_first_error(way, body):
    """They run when it ended, and know why it was sent, also if it fails itself."""
    app = noting_app()

    @app.get("/")
    async def view():
        raise LookupError

    @app.errorhandler(500)
    def answer(error):
        return BODIES[body]()

    assert "/" in ask(app, way)
    order = ["request LookupError()", "context LookupError()"]
    assert app.order == order[1:] * given_back(body) + order


@ways
def test_handler_that_fails_leaves_teardowns_the_first_error(way):
    """What they are told is why the request failed."""
    app = noting_app()

    @app.get("/")
    async def view():
        raise LookupError

    @app.errorhandler(500)
    def answer(error):
        raise ZeroDivisionError

    assert isinstance(ask(app, way), ZeroDivisionError)
    assert app.order == ["request LookupError()", "context LookupError()"]


@ways
@pytest.mark.parametrize("body", ["text", *BODIES])
def test_response_is_closed_after_the_teardown(way, body):
    """Whatever its body is made from."""
    app = noting_app()

    @app.get("/")
    async def view():
        response = app.make_response("text" if body == "text" else BODIES[body]())
        response.call_on_close(lambda: app.order.append("closed"))
        return response

    ask(app, way)
    order = ["request None", "context None", "closed"]
    assert app.order == ["context None"] * given_back(body) + order


@ways
@pytest.mark.parametrize("kind", ["planned", "of a subclass"])
def test_response_is_closed_if_a_teardown_fails(way, kind):
    """The server gets an error, and so nothing that it could close."""
    app = noting_app()
    if kind == "of a subclass":
        app.make_response = app.make_response

    @app.get("/")
    async def view():
        response = Response("text")
        response.call_on_close(lambda: app.order.append("closed"))
        return response

    @app.teardown_request
    def fail(error):
        raise LookupError

    assert isinstance(ask(app, way), LookupError)
    assert app.order == ["request None", "context None", "closed"]


@ways
def test_first_of_two_teardown_errors_is_raised(way):
    """Also where signals are sent in between, the second is noted on it."""
    app = noting_app()
    app.get("/")(pieces)

    @app.teardown_appcontext
    def fail_later(error):
        raise ZeroDivisionError

    @app.teardown_request
    async def fail(error):
        raise LookupError

    with request_tearing_down.connected_to(lambda *_, **__: None, app):
        error = ask(app, way)
    assert isinstance(error, LookupError)
    assert "ZeroDivisionError()" in error.__notes__[0]


@ways
@bodies
def test_signal_of_leaving_follows_the_teardown_of_a_stream(way, body):
    """Its receivers find the request over, once."""
    app = noting_app()

    @app.get("/")
    async def view():
        return BODIES[body]()

    def note(*_, **__):
        app.order.append("popped")

    with appcontext_popped.connected_to(note, app):
        ask(app, way)
    order = ["request None", "context None", "popped"]
    assert app.order == ["context None"] * given_back(body) + order


@ways
def test_signal_of_leaving_is_not_sent_if_a_teardown_fails(way):
    """The error reaches the server instead."""
    app = noting_app()

    @app.get("/")
    async def view():
        return "text"

    @app.teardown_request
    def fail(error):
        raise LookupError

    def note(*_, **__):
        app.order.append("popped")

    with appcontext_popped.connected_to(note, app):
        assert isinstance(ask(app, way), LookupError)
    assert app.order == ["request None", "context None"]


@ways
def test_value_preprocessors_all_run_though_one_changes_the_application(way):
    """What comes after them is run as it is registered now."""
    app = noting_app()

    @app.url_value_preprocessor
    def change(endpoint, values):
        app.config["CHANGED"] = True

    @app.url_value_preprocessor
    async def preprocess(endpoint, values):
        app.order.append("preprocessor")

    @app.before_request
    async def before():
        app.order.append("hook")

    app.get("/")(lambda: "text")
    ask(app, way)
    assert app.order == ["preprocessor", "hook", "request None", "context None"]


@ways
@bodies
def test_request_that_was_entered_again_is_left_with_its_stream(way, body):
    """A view may enter its own context once more."""
    app = noting_app()

    @app.get("/")
    async def view():
        with app_ctx._get_current_object():
            return BODIES[body]()

    assert "/" in ask(app, way)
    order = ["request None", "context None"]
    assert app.order == ["context None"] * given_back(body) + order


@ways
@pytest.mark.parametrize("is_async", [True, False])
def test_after_hook_that_returns_nothing_is_named_with_its_place(way, is_async):
    """The error leads to the hook, not to what calls it."""
    app = noting_app()
    app.testing = True
    app.get("/")(pieces)

    async def forgetful(response):
        pass

    def forgetful_too(response):
        pass

    app.after_request(forgetful if is_async else forgetful_too)
    error = ask(app, way)
    assert "forgetful" in str(error)
    assert __file__ in str(error)


@ways
def test_async_code_that_waits_for_itself_is_refused(way):
    """A template rendered on the loop can't wait for an async context processor there."""
    app = noting_app()
    app.testing = True

    @app.context_processor
    async def process():
        return {}

    @app.get("/")
    async def view():
        return render_template_string("text")

    error = ask(app, way)
    assert isinstance(error, RuntimeError)
    assert "Make the caller async" in str(error)


@ways
def test_overridden_async_to_sync_runs_coroutines_by_both(way):
    """COMPAT(Flask): an application may bring a way of its own."""
    app = noting_app()

    @app.get("/")
    async def view():
        return "view"

    app.async_to_sync = lambda func: lambda **values: "mine"
    assert ask(app, way) == "mine"


@ways
def test_host_decides_by_both_if_asked_for(way):
    """A coroutine among the views does not let another host's rule match."""
    app = Flask(__name__, host_matching=True, static_folder=None)

    @app.get("/")
    async def any_host():
        return "any"

    @app.get("/", host="localhost")
    async def this_host():
        return "this"

    assert ask(app, way) == "this"


@ways
def test_converter_that_fails_is_an_error_of_the_request(way):
    """It is answered and logged like any other."""
    app = noting_app()

    class Broken(BaseConverter):
        regex = ""

        def to_python(self, value):
            raise ZeroDivisionError

    app.url_map.converters["broken"] = Broken

    @app.get("/<broken:value>")
    async def view(value):
        return value

    assert "Internal Server Error" in ask(app, way)
    assert app.order == ["request ZeroDivisionError()", "context ZeroDivisionError()"]
