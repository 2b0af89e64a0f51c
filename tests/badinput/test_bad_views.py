"""A mistake in a view is a 500 for the client and an explanation in the log."""

from __future__ import annotations

import logging
import re

import pytest

from costrel import Flask, abort

pytestmark = pytest.mark.usefixtures("path")

MISTAKES = {
    "none": (lambda: None, "view function for 'view' did not return a valid response"),
    "number": (lambda: 5, "must be a string, dict, list"),
    "set": (lambda: {1}, "but it was a set"),
    "empty tuple": (tuple, "tuple of 0 items"),
    "tuple of one": (lambda: ("a",), "tuple of 1 items"),
    "tuple of four": (lambda: ("a", 200, {}, 1), "tuple of 4 items"),
    "none and a status": (lambda: (None, 204), "did not return a valid response"),
    "status that is none": (lambda: ("a", object()), "no attribute 'strip'"),
    "headers that are none": (lambda: ("a", 200, 5), "not iterable"),
    "header with a line break": (lambda: ("a", {"X-A": "b\nc"}), "newline"),
    "dict that is no json": (lambda: {"a": object()}, "Object of type object is not JSON"),
    "list that is no json": (lambda: [1, {2}], "Object of type set is not JSON"),
    "lone surrogate": (lambda: "\udc80", "surrogates not allowed"),
    "unknown status": (lambda: abort(999), "no exception for"),
}


def make_app(view, **config):
    """Make an application with one view."""
    app = Flask(__name__)
    app.config.update(config)
    app.logger.propagate = True
    app.add_url_rule("/", "view", view)
    return app


@pytest.mark.parametrize("name", MISTAKES)
def test_view_that_returns_no_response_answers_500_and_is_logged(name, caplog):
    """The client sees a plain 500; the log has the reason and the traceback, once."""
    view, reason = MISTAKES[name]
    response = make_app(view).test_client().get("/")
    assert response.status_code == 500
    assert "Traceback" not in response.text
    assert "Error</h1>" in response.text
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage() == "Exception on / [GET]"
    assert re.search(reason, str(record.exc_info[1]))


@pytest.mark.parametrize("name", MISTAKES)
def test_view_that_returns_no_response_raises_in_tests(name):
    """A test of the application sees the error itself."""
    view, reason = MISTAKES[name]
    with pytest.raises(Exception, match=reason):
        make_app(view, TESTING=True).test_client().get("/")


def test_handler_of_500_gets_the_mistake():
    """A handler of 500 is asked, with the error as ``original_exception``."""
    app = make_app(lambda: None)

    @app.errorhandler(500)
    def failed(error):
        return f"sorry: {type(error.original_exception).__name__}", 500

    assert app.test_client().get("/").text == "sorry: TypeError"


@pytest.mark.parametrize("where", ["before", "handler"])
def test_mistake_beside_the_view_answers_500(where):
    """Hooks and handlers that return what is no response are answered alike."""
    app = make_app(lambda: "fine" if where != "handler" else abort(404))
    if where == "before":
        app.before_request(lambda: 5)
    if where == "handler":
        app.register_error_handler(404, lambda _error: None)
    response = app.test_client().get("/")
    assert response.status_code == 500


def test_rule_without_a_view_answers_500_and_names_the_endpoint(caplog):
    """A rule whose view was never registered fails when it is asked for, as in Flask."""
    app = make_app(lambda: "")
    app.add_url_rule("/nothing", "nothing")
    assert app.test_client().get("/nothing").status_code == 500
    assert "nothing" in str(caplog.records[-1].exc_info[1])
