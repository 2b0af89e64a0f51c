"""Handlers get the response of Werkzeug's from an error, whether its page was kept or not."""

from __future__ import annotations

import json

import pytest
import werkzeug.wrappers.response
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    default_exceptions,
)
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as BaseResponse

from costrel import Flask, abort, request
from costrel.dispatch import errorpages

pytestmark = pytest.mark.usefixtures("path")


def everything_of(response):
    """Return all that a response consists of, and its class."""
    own = dict(vars(response))
    return type(response), list(own.pop("headers")), own


def error_app(error, seen):
    """Make an application whose view raises an error, and whose handler sees its responses."""
    app = Flask(__name__)

    @app.get("/")
    def view():
        raise error

    @app.errorhandler(HTTPException)
    def handle(error):
        first = error.get_response()
        seen.extend((everything_of(first), everything_of(error.get_response()), vars(error).copy()))
        return first

    return app


def ask(error):
    """Return what the handler of an error saw, and the answer."""
    seen = []
    response = error_app(error, seen).test_client().get("/")
    return seen, (response.status_code, list(response.headers), response.data)


@pytest.fixture
def made(monkeypatch):
    """Return the list of the errors whose responses were made from a page that was kept."""
    found = []
    make = errorpages._response_of

    def record(error):
        response = make(error)
        if response is not None:
            found.append(error)
        return response

    monkeypatch.setattr(errorpages, "_response_of", record)
    return found


@pytest.mark.parametrize("kind", default_exceptions.values(), ids=lambda kind: kind.__name__)
def test_error_gives_its_handler_the_response_of_werkzeug(kind, made):
    """It is the same in all its parts, also for the second error of a class."""
    for _ in range(2):
        error = kind()
        expected = everything_of(error.get_response())
        own = dict(vars(error))
        seen, answer = ask(error)
        assert seen == [expected, expected, own]
        assert answer == (kind.code, expected[1], expected[2]["response"][0])
        assert vars(error) == own
    # That of a 500 holds the original error.
    assert len(made) == (0 if kind is InternalServerError else 2)


def test_error_with_fields_of_its_own_sends_them(made):
    """The page is kept, and the header fields are those of this error."""
    seen, answer = ask(MethodNotAllowed(["GET", "PUT"]))
    assert ("Allow", "GET, PUT") in seen[0][1]
    assert seen[0] == seen[1]
    assert ("Allow", "GET, PUT") in answer[1]
    assert made


class OwnPageError(NotFound):
    """Write a page of its own."""

    def get_body(self, environ=None, scope=None):
        """Return the page."""
        return "own page"


class OwnFieldsError(NotFound):
    """Have a header field of its own."""

    def get_headers(self, environ=None, scope=None):
        """Return the fields."""
        return [*super().get_headers(environ, scope), ("X-Own", "1")]


def _changed_code():
    error = NotFound()
    error.code = 410
    return error


@pytest.mark.parametrize(
    "make",
    [
        OwnPageError,
        OwnFieldsError,
        _changed_code,
        lambda: NotFound("described"),
        lambda: NotFound(response=BaseResponse("given", 410)),
        lambda: MethodNotAllowed(["GET\nX: 1"]),
    ],
    ids=["body", "headers", "code", "description", "response", "invalid"],
)
def test_unusual_error_makes_its_response_itself(make, made):
    """What is not an error of Werkzeug's as it was created is left to its own methods."""

    def outcome(of):
        try:
            return everything_of(of.get_response())
        except ValueError as error:
            return str(error)

    expected = outcome(make())
    found = []
    app = Flask(__name__)

    @app.get("/")
    def view():
        raise make()

    @app.errorhandler(HTTPException)
    def handle(error):
        try:
            found.append(everything_of(error.get_response()))
        except ValueError as invalid:
            found.append(str(invalid))
        return "handled"

    assert app.test_client().get("/").text == "handled"
    assert found == [expected]
    assert made == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (HTTPException, "get_body"),
        (HTTPException, "get_description"),
        (HTTPException, "get_response"),
        (NotFound, "get_body"),
        (NotFound, "get_response"),
        (BaseResponse, "__init__"),
        (BaseResponse, "set_data"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_replaced_method_is_called(monkeypatch, owner, name, made):
    """Tracers patch these, and they are called again from then on."""
    ask(NotFound())
    made.clear()
    original = getattr(owner, name)
    called = []

    def replaced(self, *args, **kwargs):
        called.append(name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, replaced)
    seen, answer = ask(NotFound())
    assert answer[0] == 404
    assert seen[0] == seen[1]
    assert called
    assert made == []


def test_replaced_class_of_responses_is_used(monkeypatch, made):
    """Werkzeug looks it up for each error."""

    class Own(BaseResponse):
        pass

    monkeypatch.setattr(werkzeug.wrappers.response, "Response", Own)
    seen, answer = ask(NotFound())
    assert seen[0][0] is Own
    assert answer[0] == 404
    assert made == []


def test_page_with_another_name_or_description_is_written_again(monkeypatch):
    """The status names are in a dict of Werkzeug's, and descriptions on the classes."""
    ask(NotFound())
    monkeypatch.setitem(HTTP_STATUS_CODES, 404, "Nowhere")
    assert b"<h1>Nowhere</h1>" in ask(NotFound())[1][2]
    monkeypatch.setattr(NotFound, "description", "Nothing.")
    assert b"<p>Nothing.</p>" in ask(NotFound())[1][2]


def test_error_changed_by_its_handler_shows_that(made):
    """The response is made when the handler asks for it."""
    app = Flask(__name__)

    @app.errorhandler(404)
    def handle(error):
        error.description = "I looked."
        return error.get_response()

    assert "I looked." in app.test_client().get("/nothing").text
    assert made == []


def test_response_for_an_environ_is_made_by_the_error(made):
    """An error may look at the request that it is given."""
    app = Flask(__name__)

    @app.errorhandler(404)
    def handle(error):
        return error.get_response(request.environ)

    assert app.test_client().get("/nothing").status_code == 404
    assert made == []


def test_handler_that_fails_leaves_the_error_as_it_was():
    """The error may be kept, and is then like any other."""
    app = Flask(__name__)
    app.testing = True
    error = NotFound()

    @app.get("/")
    def view():
        raise error

    @app.errorhandler(404)
    def handle(error):
        if request.args:
            error.get_response()
        raise LookupError

    for path in "/", "/?after=1":
        with pytest.raises(LookupError):
            app.test_client().get(path)
        assert vars(error) == {"response": None}


def test_documented_handler_answers_with_json(made):
    """As Flask's documentation has it, for errors of routing and of views."""
    app = Flask(__name__)

    @app.get("/forbidden")
    def forbidden():
        abort(403)

    @app.errorhandler(HTTPException)
    def handle(error):
        response = error.get_response()
        response.data = json.dumps({"code": error.code, "name": error.name})
        response.content_type = "application/json"
        return response

    client = app.test_client()
    for path, method, code in (
        ("/nothing", "GET", 404),
        ("/forbidden", "POST", 405),
        ("/forbidden", "GET", 403),
    ):
        response = client.open(path, method=method)
        assert (response.status_code, response.json["code"]) == (code, code)
        assert response.headers["Content-Type"] == "application/json"
        assert len(response.headers.getlist("Content-Length")) == 1
    assert len(made) == 3
