"""Responses that no server can send, and what only a server may write into one."""

from __future__ import annotations

import logging

import pytest
from werkzeug.exceptions import HTTPException

from costrel import Flask, Response, abort, after_this_request


class Odd(HTTPException):
    """An HTTP error of a code that HTTP does not have."""

    code = 1000


def set_afterwards(status):
    """Answer well, and spoil the status in an after-hook."""

    @after_this_request
    def spoil(response):
        response.status_code = status
        return response

    return "text"


def wsgi(environ, start_response):
    """Be a WSGI application that starts with a status of its own."""
    start_response("99 Too Low", [("Content-Type", "text/plain")])
    return [b"text"]


def raise_odd():
    """Raise an HTTP error."""
    raise Odd


def respond(*fields, status=None):
    """Make a response with these header fields."""
    return Response("text", status=status, headers=fields)


def abort_with_response():
    """End with a response that can't be sent."""
    abort(respond(status=5))


UNSENDABLE = {
    "tuple-99": lambda: ("text", 99),
    "tuple-1000": lambda: ("text", 1000),
    "tuple-0": lambda: ("text", 0),
    "tuple-negative": lambda: ("text", -200),
    "tuple-70000": lambda: ("text", 70000),
    "tuple-100": lambda: ("text", 100),
    "early-hints": lambda: ("text", "103 Early Hints"),
    "no-number": lambda: ("text", "FOO"),
    "low-number-and-text": lambda: ("text", "99 Too Low"),
    "line-break-in-the-text": lambda: ("text", "200 OK\r\nX-Injected: yes"),
    "response": lambda: respond(status=1000),
    "after-hook": lambda: set_afterwards(1000),
    "http-error": raise_odd,
    "abort-with-response": abort_with_response,
    "wsgi-application": lambda: wsgi,
    "json": lambda: ({"key": "value"}, 1000),
    "content-length-differs": lambda: Response(
        iter(["text"]), headers=[("Content-Length", "4"), ("Content-Length", "5")]
    ),
    "content-length-no-number": lambda: Response(iter(["text"]), headers={"Content-Length": "abc"}),
    "content-length-negative": lambda: Response(iter(["text"]), headers={"Content-Length": "-1"}),
    "content-length-empty": lambda: Response(iter(["text"]), headers={"Content-Length": ""}),
    "content-length-endless": lambda: Response(
        iter(["text"]), headers={"Content-Length": "9" * 30}
    ),
    "space-in-a-name": lambda: respond(("Bad Name", "x")),
    "colon-in-a-name": lambda: respond(("X:Y", "x")),
    "control-in-a-name": lambda: respond(("X\x01", "x")),
    "empty-name": lambda: respond(("", "x")),
    "name-not-ascii": lambda: respond(("Xé", "x")),
    "nul-in-a-value": lambda: respond(("X-A", "a\x00b")),
    "escape-in-a-value": lambda: respond(("X-A", "\x1b[1m")),
    "delete-in-a-value": lambda: respond(("X-A", "\x7f")),
    "value-beyond-latin-1": lambda: respond(("X-A", "€")),
}

PATHS = {
    "planned": lambda app: None,
    "general": lambda app: setattr(app, "dispatch_request", app.dispatch_request),
    "hooked": lambda app: app.before_request(lambda: None),
}


def make_app(path, is_async, view):
    """Make an application whose one view is sync or async, on one of the paths."""
    app = Flask(__name__)
    PATHS[path](app)
    if is_async:

        @app.get("/", endpoint="the_view")
        async def called():
            return view()

    else:
        app.get("/", endpoint="the_view")(view)
    return app


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_cannot_be_sent_is_the_views_error(name, path, is_async, caplog):
    """The client sees 500, and the log says which view it was, and why."""
    app = make_app(path, is_async, UNSENDABLE[name])
    app.logger.propagate = True

    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/")

    assert answer.status_code == 500
    record = caplog.records[0]  # a hook that spoils every response fails on that of 500 as well
    assert record.getMessage() == "Exception on / [GET]"
    assert "'the_view'" in str(record.exc_info[1])


@pytest.mark.parametrize("status", [200, 299, 404, 599, 600, 999, "299 Of My Own"])
def test_status_of_three_digits_is_sent(status):
    """Whether HTTP has it or not."""
    app = make_app("planned", False, lambda: ("", status))

    assert app.test_client().get("/").status_code == int(str(status)[:3])


def test_unsendable_answer_of_the_handler_of_500_is_replaced():
    """The client gets a plain 500 then."""
    app = make_app("planned", False, lambda: 1 / 0)
    app.register_error_handler(500, lambda error: ("text", 1000))

    answer = app.test_client().get("/")

    assert answer.status_code == 500
    assert b"Internal Server Error" in answer.data


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "field",
    [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "gzip, chunked"),
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Trailer", "Expires"),
    ],
)
def test_field_about_a_connection_is_left_to_the_server(field, path):
    """A view that relays another service's response sends the rest of it."""
    app = make_app(path, False, lambda: respond(field, ("X-Kept", "yes")))

    answer = app.test_client().get("/")

    assert (answer.status_code, answer.data) == (200, b"text")
    assert answer.headers["X-Kept"] == "yes"
    assert field[0] not in answer.headers


@pytest.mark.parametrize(
    "field",
    [
        ("Connection", "close"),
        ("X-A", "a\tb"),
        ("X-A", "é"),
        ("X_A.b!", "x"),
        ("Content-Length", "4"),
    ],
)
def test_unusual_field_is_sent_as_it_is(field):
    """Nothing is refused that HTTP allows."""
    app = make_app("planned", False, lambda: respond(field))

    answer = app.test_client().get("/")

    assert (answer.status_code, answer.headers[field[0]]) == (200, field[1])


def test_content_length_given_twice_alike_is_sent_once():
    """Any number of the same length is that length."""
    fields = [("Content-Length", "4"), ("Content-Length", "4 ")]
    app = make_app("planned", False, lambda: Response(iter(["text"]), headers=fields))

    answer = app.test_client().get("/")

    assert (answer.status_code, answer.headers.getlist("Content-Length")) == (200, ["4"])


@pytest.mark.parametrize("field", ["Location", "content-location"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_url_of_any_characters_is_sent_encoded(field, kind, path):
    """COMPAT(Werkzeug): as these two are, a client's text of any alphabet may be in them."""
    app = Flask(__name__)
    app.add_url_rule("/sync", "sync", lambda: respond((field, "/\u04d8?a=\u20ac"), status=302))

    async def answer():
        return respond((field, "/\u04d8?a=\u20ac"), status=302)

    app.add_url_rule("/async", "async", answer)
    response = app.test_client().get(f"/{kind}")
    assert (response.status_code, response.headers[field]) == (302, "/%D3%98?a=%E2%82%AC")
