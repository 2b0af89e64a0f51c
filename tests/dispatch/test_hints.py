"""Errors at run time name the view, its file and line, and what to look at."""

from __future__ import annotations

import re
import sys
import traceback
import types

import pytest
from jinja2 import TemplateNotFound

from costrel import Blueprint, Flask, jsonify, render_template
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


async def _later():
    return "later"


def _error_of(app, path="/"):
    """Return the error of a request, formatted as the log has it."""
    app.testing = True
    with pytest.raises(Exception) as raised:  # noqa: PT011  (each test checks the type)
        app.test_client().get(path)
    return raised.value, "".join(traceback.format_exception_only(raised.value))


@pytest.mark.parametrize("rv", [None, 3, ("a", 200, {}, 1), (None, 204)])
def test_wrong_return_value_names_the_view(rv):
    """The message has the view's name, file and line."""
    app = Flask(__name__)

    @app.get("/")
    def show():
        return rv

    error, text = _error_of(app)
    line = show.__code__.co_firstlineno
    assert type(error) is TypeError
    assert re.search(rf"View: \S*show \(.*test_hints\.py:{line}\)", text)


def test_wrong_return_value_of_a_class_names_its_method():
    """A class-based view is named with the method that ran."""
    app = Flask(__name__)

    class Books(MethodView):
        def get(self):
            return 3

    app.add_url_rule("/", view_func=Books.as_view("books"))
    _, text = _error_of(app)
    assert re.search(rf"Books\.get \(.*:{Books.get.__code__.co_firstlineno}\)", text)


def test_returned_coroutine_asks_about_await():
    """It is closed, so that Python does not warn as well."""
    app = Flask(__name__)
    app.get("/")(lambda: _later())  # noqa: PLW0108  (a coroutine function would be awaited)

    error, text = _error_of(app)
    assert type(error) is TypeError
    assert "it was a coroutine. Did you forget `await`" in text
    assert "test_hints.py" in text


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"books": [{}, {"added": {1}}]}, "books[1].added"),
        ([1, {1}], "[1]"),
        ({"a b": {"c": {1}}}, "['a b'].c"),
        ({"a": {(1, 2): 3}}, "a"),
    ],
)
def test_value_that_json_cannot_hold_is_named_by_its_path(document, path, debug):
    """So is the view; the message itself stays that of the standard library."""
    app = Flask(__name__)
    app.debug = debug

    @app.get("/")
    def show():
        return document

    app.get("/called", endpoint="called")(lambda: jsonify(document))
    error, text = _error_of(app)
    assert type(error) is TypeError
    assert f"In the JSON document: {path}\n" in text
    assert re.search(
        rf"The view of the request is \S*show \(.*:{show.__code__.co_firstlineno}", text
    )
    assert f"In the JSON document: {path}\n" in _error_of(app, "/called")[1]


def test_circular_document_keeps_its_error():
    """Looking for the value ends, and the error stays the same."""
    document = {"bad": {1}}
    document["again"] = [document]
    app = Flask(__name__)
    app.get("/")(lambda: document)
    assert isinstance(_error_of(app)[0], (TypeError, ValueError))


def test_arguments_that_do_not_match_the_rule_name_both():
    """The note has the rule, what it passes, and the view with its place."""
    app = Flask(__name__)

    @app.get("/books/<int:number>")
    def show(id):  # noqa: A002
        return str(id)

    error, text = _error_of(app, "/books/7")
    assert type(error) is TypeError
    line = show.__code__.co_firstlineno
    assert "The rule '/books/<int:number>' passes number to the view" in text
    assert f"test_hints.py:{line})" in text


def test_other_type_errors_are_left_alone():
    """A wrong call inside the view says nothing about the rule."""
    app = Flask(__name__)

    def helper(a):
        return a

    @app.get("/")
    def show():
        return helper()

    assert "The rule" not in _error_of(app)[1]


def test_missing_template_lists_folders_and_near_names(tmp_path):
    """The folders of the application and its blueprints are listed."""
    for folder, name in (("app", "books.html"), ("bp", "members.html")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    app = Flask(__name__, template_folder=str(tmp_path / "app"))
    bp = Blueprint("bp", __name__, template_folder=str(tmp_path / "bp"))
    app.register_blueprint(bp)
    app.get("/")(lambda: render_template("bookss.html"))
    app.get("/folder", endpoint="folder")(lambda: render_template("area/members.html"))

    error, text = _error_of(app)
    assert type(error) is TemplateNotFound
    assert str(tmp_path / "app") in text
    assert str(tmp_path / "bp") in text
    assert "Did you mean 'books.html'?" in text
    assert "'members.html'" in _error_of(app, "/folder")[1]


@pytest.mark.parametrize(
    ("error", "other", "hinted"),
    [
        (AttributeError("'NoneType' object has no attribute 'is_authenticated'"), "flask", True),
        (RuntimeError("Working outside of application context."), "flask", True),
        (RuntimeError("Working outside of application context."), "costrel", False),
        (AttributeError("'Book' object has no attribute 'titel'"), "flask", False),
        (RuntimeError("something else"), "flask", False),
    ],
)
def test_extension_that_found_the_real_flask_is_suspected(monkeypatch, error, other, hinted):
    """What it finds no context in is not this application: the alias would help."""
    monkeypatch.setitem(sys.modules, "flask", types.ModuleType(other))
    app = Flask(__name__)

    @app.get("/")
    def fail():
        raise error

    _, text = _error_of(app)
    assert ("call costrel.install_as_flask()" in text) is hinted
