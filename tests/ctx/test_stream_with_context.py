"""A stream keeps its request, and tears it down once, however it ends."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from werkzeug.test import create_environ

from costrel import (
    Flask,
    Response,
    current_app,
    g,
    has_app_context,
    request,
    session,
    stream_with_context,
)

pytestmark = pytest.mark.usefixtures("path")


def streaming_app(make):
    """Make an application that streams what `make` gives at ``/``, and logs teardowns."""
    app = Flask(__name__)
    app.secret_key = "dev"
    app.log = []
    app.teardown_request(lambda error: app.log.append(("request", error)))
    app.teardown_appcontext(lambda error: app.log.append(("app", error)))

    @app.get("/")
    def index():
        g.value = "g"
        return Response(stream_with_context(make()))

    return app


def call(app):
    """Return what the application gives a server for ``GET /``."""
    return app(create_environ("/"), lambda status, headers, exc_info=None: None)


DONE = [("request", None), ("app", None)]


def letters():
    """Yield three parts that need the request."""
    yield request.path
    yield g.value
    yield current_app.name


def test_stream_read_to_its_end_sees_the_request_and_tears_down_once():
    """The request is there in each step; its teardowns run at the end, once."""
    app = streaming_app(letters)
    body = call(app)
    assert app.log == []
    assert b"".join(body).decode() == f"/g{__name__}"
    assert app.log == DONE
    body.close()
    assert app.log == DONE


def test_nothing_stays_current_between_two_steps():
    """The thread that serves the stream may serve something else meanwhile."""
    app = streaming_app(letters)
    body = iter(call(app))
    assert not has_app_context()
    assert next(body) == b"/"
    assert not has_app_context()
    with Flask("other").app_context():
        assert next(body) == b"g"
        assert current_app.name == "other"
    assert len(list(body)) == 1


def test_stream_closed_early_closes_its_generator_in_the_request():
    """A client that went away makes the server close; ``finally`` still has the request."""

    def parts():
        try:
            yield "a"
            yield "b"
        finally:
            app.log.append(request.path)

    app = streaming_app(parts)
    body = call(app)
    assert next(iter(body)) == b"a"
    body.close()
    body.close()
    assert app.log == ["/", *DONE]


def test_stream_that_is_dropped_tears_down():
    """A server that forgets to close it can't keep the teardowns from running."""
    app = streaming_app(letters)
    body = call(app)
    next(iter(body))
    del body
    gc.collect()
    assert app.log == DONE


@pytest.mark.parametrize("method", ["close", "drop"])
def test_stream_that_never_started_tears_down(method):
    """It is enough that it was made."""
    app = streaming_app(letters)
    body = call(app)
    if method == "close":
        body.close()
    del body
    gc.collect()
    assert app.log == DONE


def test_stream_that_is_made_and_not_returned_tears_down():
    """A stream nobody sends does not hold its request."""
    app = streaming_app(letters)

    @app.get("/forgotten")
    def forgotten():
        stream_with_context(letters())
        return "text"

    assert app.test_client().get("/forgotten").text == "text"
    gc.collect()
    assert app.log == DONE


def test_stream_of_a_head_request_tears_down():
    """Its body is not read at all."""
    app = streaming_app(letters)
    app.test_client().head("/").close()
    gc.collect()
    assert app.log == DONE


def test_stream_that_fails_tells_the_teardowns():
    """The error reaches the server and the teardown functions."""
    error = ZeroDivisionError()

    def parts():
        yield "a"
        raise error

    app = streaming_app(parts)
    body = call(app)
    with pytest.raises(ZeroDivisionError):
        list(body)
    body.close()
    assert app.log == [("request", error), ("app", error)]
    assert not has_app_context()


def test_stream_after_whose_making_the_view_fails_tears_down():
    """The response is another one then, and the request is left."""
    app = streaming_app(letters)
    app.log_exception = lambda exc_info: None  # a log record would keep the frame alive

    @app.get("/fails")
    def fails():
        stream = stream_with_context(letters())
        raise ZeroDivisionError(repr(stream))

    assert app.test_client().get("/fails").status_code == 500
    gc.collect()
    assert [name for name, _ in app.log] == ["request", "app"]


def test_two_streams_of_a_request_tear_down_when_both_have_ended():
    """The last one that ends leaves the request."""
    app = streaming_app(letters)

    @app.get("/two")
    def two():
        g.value = "two"
        app.other = stream_with_context(letters())
        return Response(stream_with_context(letters()))

    assert app.test_client().get("/two").text == f"/twotwo{__name__}"
    assert app.log == []
    assert next(app.other) == "/two"
    app.other.close()
    assert app.log == DONE


def test_stream_from_an_async_view_sees_the_request():
    """The view ran in another thread, the stream runs in the server's."""
    app = streaming_app(letters)

    @app.get("/async")
    async def view():
        g.value = "async"
        return Response(stream_with_context(letters()))

    assert app.test_client().get("/async").text == f"/asyncasync{__name__}"
    assert app.log == DONE


def test_stream_may_be_read_by_another_thread():
    """Servers may hand the body to a thread of their own."""
    app = streaming_app(letters)
    body = call(app)
    read = []
    thread = threading.Thread(target=lambda: read.extend(body))
    thread.start()
    thread.join()
    assert b"".join(read).decode() == f"/g{__name__}"
    assert app.log == DONE


def test_stream_in_an_outer_application_context_leaves_that_to_its_owner():
    """A borrowed context is torn down once, when the stream and the block are left."""
    app = streaming_app(letters)
    client = app.test_client()
    with app.app_context():
        response = client.get("/")
    assert app.log == []
    assert len(list(response.response)) == 3
    assert app.log == DONE
    app.log.clear()
    with app.app_context():
        assert len(list(client.get("/").response)) == 3
        assert app.log == [("request", None)]
    assert app.log == DONE


def test_decorated_generator_function_streams():
    """As a decorator it wraps what each call gives, and looks like the function."""
    app = Flask(__name__)

    @app.get("/x")
    def view():
        @stream_with_context
        def parts(greeting):
            """Greet."""
            yield greeting
            yield request.path

        assert (parts.__name__, parts.__doc__) == ("parts", "Greet.")
        return Response(parts("hello "))

    assert app.test_client().get("/x").text == "hello /x"


def test_iterator_of_ones_own_is_closed():
    """An iterator with ``close`` is told of the end, with the request current."""

    class Parts:
        closed = 0

        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

        def close(self):
            self.closed += bool(request)

    parts = Parts()
    assert list(call(streaming_app(lambda: parts))) == []
    assert parts.closed == 1


def test_iterator_that_fails_to_close_still_tears_down():
    """What ``close`` raises does not keep the teardowns from running."""

    class Parts:
        def __iter__(self):
            return self

        def __next__(self):
            return "a"

        def close(self):
            raise ZeroDivisionError

    app = streaming_app(Parts)
    body = call(app)
    with pytest.raises(ZeroDivisionError):
        body.close()
    assert app.log == DONE


def test_session_can_be_read_in_a_stream():
    """The session is the request's, opened in the stream or before."""
    app = streaming_app(lambda: iter([]))

    @app.get("/set")
    def set_it():
        session["value"] = "kept"
        return ""

    @app.get("/stream")
    def stream():
        return Response(stream_with_context(session["value"] for _ in range(1)))

    client = app.test_client()
    client.get("/set")
    assert client.get("/stream").text == "kept"


def test_outside_of_a_request_it_is_refused():
    """The error says where to call it, for an iterator at once and a function when called."""
    with pytest.raises(RuntimeError, match="in a view"):
        stream_with_context(iter(["a"]))
    with pytest.raises(RuntimeError, match="in a view"):
        stream_with_context(lambda: iter(["a"]))()


async def _coroutine():
    return ""


async def pieces():
    """Make a stream that needs its request."""
    yield request.path
    await asyncio.sleep(0)
    yield g.name


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("form", ["wrapped", "decorated", "in a response"])
def test_async_generator_streams_with_its_request(form, is_async):
    """Wrapped or decorated, in a view of either kind, and torn down once at its end."""
    app = Flask(__name__)
    app.testing = True
    log = []
    app.teardown_request(log.append)

    def view():
        g.name = "name"
        if form == "decorated":
            return stream_with_context(pieces)()
        stream = stream_with_context(pieces())
        return Response(stream) if form == "in a response" else stream

    async def async_view():
        return view()

    app.add_url_rule("/path", "view", async_view if is_async else view)
    assert app.test_client().get("/path").text == "/pathname"
    assert log == [None]


@pytest.mark.parametrize(
    ("value", "message"), [(3, "not 3"), (_coroutine, "got the coroutine _coroutine")]
)
def test_what_is_no_stream_is_named(value, message):
    """A coroutine makes one value, and a number none: the error says what to write."""
    with Flask(__name__).test_request_context(), pytest.raises(TypeError, match=message):
        stream_with_context(value() if callable(value) else value)


async def get_by_asgi(app, path):
    """Return the text that an application sends over ASGI."""
    return (await app.async_test_client().get(path)).text


@pytest.mark.parametrize("view", ["sync", "async"])
@pytest.mark.parametrize("stream", ["sync", "async"])
def test_context_that_a_stream_enters_stays_until_it_is_left(view, stream):
    """It is current in the next pieces too, and nothing is between them."""
    app, other = Flask("app"), Flask("other")

    def show():
        return f"{current_app.name} {request.path} {g.n},"

    def pieces():
        yield show()
        with other.app_context():
            g.n = 2
            yield show()
            with app.test_request_context("/inner"):
                g.n = 3
                yield show()
                yield show()
            yield show()
        yield show()

    async def async_pieces():
        for piece in pieces():
            yield piece
            await asyncio.sleep(0)

    def index():
        g.n = 1
        return Response(stream_with_context(pieces() if stream == "sync" else async_pieces()))

    async def async_index():
        return index()

    app.add_url_rule("/path", "index", async_index if view == "async" else index)
    outer, nested, inner = "app /path 1,", "other /path 2,", "app /inner 3,"
    if stream == "sync":
        text = app.test_client().get("/path").text
    else:
        # Under WSGI, each piece of an async stream is made in a context of its own.
        text = asyncio.run(get_by_asgi(app, "/path"))
    assert text == outer + nested + inner + inner + nested + outer
    assert not has_app_context()


def test_stream_that_is_thrown_an_error_tells_the_teardowns():
    """As Flask does, whose stream is a generator in a `with` block."""
    app = streaming_app(letters)
    error = ZeroDivisionError()
    with app.test_request_context():
        stream = stream_with_context(letters())
        next(stream)
    with pytest.raises(ZeroDivisionError):
        stream.throw(error)
    assert app.log == [("request", error), ("app", error)]
