"""Errors are freed with their requests, and not by the next garbage collection."""

from __future__ import annotations

import asyncio
import gc

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.test import create_environ

from costrel import Flask, abort, request
from costrel.dispatch.plan import FORCE_LOOP

pytestmark = pytest.mark.usefixtures("path")

REQUESTS = 4


@pytest.fixture(autouse=True, scope="module")
def _frozen():
    """Take all that other modules made out of the collections, so that these are fast."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def make_app(handler, *, hooks):  # noqa: C901  a list of views
    """Make an application with views that fail in all ways."""
    app = Flask(__name__)

    @app.get("/get")
    def get():
        return "got"

    @app.get("/abort")
    def stop():
        abort(403)

    @app.get("/while_handling")
    def stop_while_handling():
        try:
            return request.args["missing"]
        except KeyError:
            abort(404)

    @app.get("/key")
    def key():
        return request.args["missing"]

    @app.get("/fails")
    def fail():
        raise LookupError

    @app.get("/slash/")
    def slash():
        return "slash"

    if handler is not None:
        app.register_error_handler(HTTPException, handler)
    if hooks:

        @app.before_request
        def before():
            request.path  # noqa: B018  creates the request

        @app.after_request
        def after(response):
            response.headers["X-After"] = "1"
            return response

        @app.teardown_request
        def teardown(error):
            pass

    return app


def answer_text(error):
    """Return text: a handler."""
    return "handled", error.code


def answer_response(error):
    """Return the response of the error: a handler."""
    response = error.get_response()
    response.data = "handled"
    return response


def answer_error(error):
    """Return the error: a handler."""
    return error


async def answer_later(error):
    """Return text: a coroutine function."""
    return "handled", error.code


def over_wsgi(app, path, method):
    """Return a function that sends a request as many times as it is told."""

    def send(times):
        for _ in range(times):
            body = app(create_environ(path, method=method), lambda *args: None)
            b"".join(body)
            if hasattr(body, "close"):
                body.close()

    return send


def over_asgi(app, path, method):
    """Return a function that sends a request as many times as it is told."""
    loop = asyncio.new_event_loop()

    async def send_all(times):
        for _ in range(times):
            scope = {
                "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
                "method": method, "scheme": "http", "path": path, "raw_path": path.encode(),
                "root_path": "", "query_string": b"", "headers": [(b"host", b"localhost")],
                "client": ("127.0.0.1", 1), "server": ("localhost", 80),
            }  # fmt: skip
            events = [{"type": "http.request", "body": b"", "more_body": False}]

            async def receive(events=events):
                return events.pop() if events else {"type": "http.disconnect"}

            async def send(message):
                pass

            await app.asgi(scope, receive, send)

    return lambda times: loop.run_until_complete(send_all(times)) if times else loop.close()


def count_unreachable(send):
    """Return how many objects each request leaves to the garbage collector."""
    send(REQUESTS)  # so that everything is compiled
    gc.collect()
    gc.disable()
    try:
        send(1)
        once = gc.collect()
        counts = []
        for _ in range(3):  # a thread that is started meanwhile leaves something, but once
            send(1 + REQUESTS)
            counts.append((gc.collect() - once) / REQUESTS)
        return min(counts)
    finally:
        gc.enable()
        send(0)


def count_of_adapter():
    """Return how many objects Werkzeug's matching leaves, whose inner function calls itself."""
    adapter = make_app(None, hooks=False).url_map.bind("localhost")

    def send(times):
        for _ in range(times):
            adapter.match("/get")

    return count_unreachable(send)


@pytest.mark.parametrize("interface", ["wsgi", "asgi", "loop"])
@pytest.mark.parametrize(
    ("handler", "hooks"),
    [
        (None, False),
        (None, True),
        (answer_text, False),
        (answer_response, True),
        (answer_error, False),
        (answer_error, True),
        (answer_later, True),
    ],
)
def test_errors_leave_nothing_to_the_garbage_collector(monkeypatch, interface, hooks, handler):
    """Neither 404, 405, redirects nor aborts do, but for what matching itself leaves."""
    if interface == "loop":
        monkeypatch.setenv(FORCE_LOOP, "1")
    app = make_app(handler, hooks=hooks)
    over = over_wsgi if interface == "wsgi" else over_asgi
    left = {
        (path, method): count_unreachable(over(app, path, method))
        for path, method in (
            ("/nothing", "GET"),
            ("/get", "POST"),
            ("/abort", "GET"),
            ("/while_handling", "GET"),
            ("/key", "GET"),
            ("/slash", "GET"),
        )
    }
    of_matching = count_of_adapter()
    assert {case: count for case, count in left.items() if count > of_matching} == {}


def test_unhandled_errors_leave_nothing_under_wsgi(caplog):
    """They are logged, and then freed with the frames in their tracebacks."""
    caplog.set_level("CRITICAL")
    app = make_app(None, hooks=True)
    assert count_unreachable(over_wsgi(app, "/fails", "GET")) <= count_of_adapter()
