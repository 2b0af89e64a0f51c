"""What middleware and foreign responses give to a server, before it gets it."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Flask
from costrel.dispatch.sendable import UnsendableError
from costrel.serve.checked import checked
from costrel.servers.reception import receiving

UNSENDABLE = [
    (200, []),
    (b"200 OK", []),
    ("200 OK\n", []),
    ("200\tOK", []),
    ("200 OK", [("X-A", None)]),
    ("200 OK", [("X-A", 5)]),
    ("200 OK", [("X-A", b"a")]),
    ("200 OK", [(b"X-A", "a")]),
    ("200 OK", [(None, "a")]),
    ("200 OK", [("X-A\r\n", "a")]),
    ("200 OK", [("Content-Length", "1"), ("content-length", "2")]),
    ("200 OK", [("Content-Length", "")]),
    ("200 OK", [("Content-Length", "1, 1")]),
    ("200 OK", [("Content-Length", "+1")]),
    ("200 OK", [("Content-Length", "²")]),
]


def starting(status, headers):
    """Make a WSGI application that starts with these."""

    def wsgi(_environ, start_response):
        start_response(status, headers)
        return [b"x"]

    return wsgi


@pytest.mark.parametrize(("status", "headers"), UNSENDABLE, ids=ascii)
def test_head_that_cannot_be_sent_is_an_error_of_who_gives_it(status, headers):
    """The server never sees it."""
    given = []

    with pytest.raises(UnsendableError, match="start_response was called with"):
        checked(starting(status, headers))({}, lambda *head: given.append(head))
    assert given == []


def test_head_that_can_be_sent_reaches_the_server_as_it_is():
    """With the error that it replaces another one for, and the way to write."""
    given = []
    headers = [("Content-Length", "1"), ("content-length", "1"), ("X-A", "\xe4\t")]

    def start_response(*head):
        given.append(head)
        return given.append

    def wsgi(_environ, start_response):
        start_response("299", headers)
        start_response("404 Not Found", headers, None)(b"written")
        return [b"x"]

    assert checked(wsgi)({}, start_response) == [b"x"]
    assert given == [("299", headers), ("404 Not Found", headers, None), b"written"]
    assert given[0][1] is headers


def call_class(app):
    """Replace the call of the application's class."""

    class Called(Flask):
        def __call__(self, environ, start_response):
            return starting("99 X", [])(environ, start_response)

    return Called(app.import_name)


def wsgi_class(app):
    """Replace the WSGI application of the class."""

    class Wrapped(Flask):
        def wsgi_app(self, environ, start_response):
            return starting("99 X", [])(environ, start_response)

    return Wrapped(app.import_name)


def wrap(app):
    """Wrap the WSGI application as middleware does."""
    app.wsgi_app = starting("99 X", [])
    return app


@pytest.mark.parametrize("spoil", [call_class, wsgi_class, wrap])
def test_granian_gets_nothing_of_middleware_that_it_cannot_send(spoil):
    """Wherever it comes in; an application with none is called as it is."""
    app = spoil(Flask(__name__))
    plain = Flask(__name__)
    called = []
    for each in (app, plain):
        receiving(lambda callback, *_settings: called.append(callback), each, 1)(each, {}, None)

    with pytest.raises(UnsendableError):
        called[0]({}, lambda *_head: None)
    assert called[1] is plain


@pytest.mark.parametrize("spoil", [call_class, wsgi_class, wrap])
def test_asgi_server_gets_nothing_of_middleware_that_it_cannot_send(spoil):
    """It is told by an error, and answers 500."""
    app = spoil(Flask(__name__))
    app.add_url_rule("/", view_func=lambda: "text")
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    with pytest.raises(UnsendableError, match="99 X"):
        asyncio.run(app.asgi(scope, receive, send))
    assert sent == []
