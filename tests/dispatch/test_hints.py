"""Errors at run time name the view, its file and line, and what to look at."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sys
import traceback
import types
import typing as t

import pytest
from jinja2 import TemplateNotFound

from costrel import Blueprint, Flask, jsonify, render_template, websocket
from costrel.json import paths
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


def test_hooks_and_handlers_are_named_too_since_they_may_have_answered():
    """The value may be theirs; an application without any says nothing of them."""
    app = Flask(__name__)
    blueprint = Blueprint("bp", __name__)
    blueprint.get("/", endpoint="show")(lambda: None)

    @blueprint.before_request
    def check():
        return 5

    @app.errorhandler(LookupError)
    def handle(error):
        return None

    app.register_blueprint(blueprint)
    _, text = _error_of(app)
    assert re.search(r"A hook or error handler may have returned it instead: \S*check \(", text)
    assert re.search(rf"handle \(.*test_hints\.py:{handle.__code__.co_firstlineno}\)", text)
    alone = Flask(__name__)
    alone.get("/")(lambda: None)
    assert "instead" not in _error_of(alone)[1]


def test_many_hooks_are_counted():
    """The first three are named."""
    app = Flask(__name__)
    app.get("/")(lambda: None)
    for _ in range(5):
        app.before_request(lambda: None)
    assert "and 2 more" in _error_of(app)[1]


def test_response_that_cannot_be_sent_names_the_view():
    """Its status is checked after the view has returned."""
    app = Flask(__name__)

    @app.get("/")
    def show():
        return "text", 99999

    _, text = _error_of(app)
    assert re.search(rf"View: \S*show \(.*test_hints\.py:{show.__code__.co_firstlineno}\)", text)


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


def _path_of(document):
    with pytest.raises(TypeError) as raised:
        Flask(__name__).json.dumps(document)
    return [note for note in raised.value.__notes__ if note.startswith("In the JSON document")]


def _doubled(last, levels=15):
    for _ in range(levels):
        last = {"left": last, "right": last}
    return last


def test_shared_values_are_looked_into_once(monkeypatch):
    """Looking for the value takes steps for each value, not for each path to one."""
    looked = []
    inside = paths._inside
    monkeypatch.setattr(paths, "_inside", lambda *args: looked.append(args) or inside(*args))
    assert _path_of([_doubled({}), {1}]) == ["In the JSON document: [1]"]
    assert len(looked) < 50
    assert _path_of(_doubled({1})) == [f"In the JSON document: {'.'.join(15 * ['left'])}"]


def test_containers_of_every_kind_are_looked_into():
    """Dicts, lists, tuples and dataclasses, which may contain themselves."""

    @dataclasses.dataclass
    class Shelf:
        books: t.Any
        again: t.Any = dataclasses.field(default=None, init=False, repr=False)

    @dataclasses.dataclass
    class Incomplete:
        missing: t.Any = dataclasses.field(init=False)

    shelf = Shelf(({"a": []}, {"b": {1}}))
    assert paths._find(shelf, "set", in_keys=False) == ".books[1].b"
    shelf.again, shelf.books = [shelf, {"shelf": shelf}, Incomplete()], None
    assert paths._find(shelf, "set", in_keys=False) is None


def test_search_in_a_large_document_ends(monkeypatch):
    """The error then has no path."""
    monkeypatch.setattr(paths, "_LIMIT", 10)
    assert paths._find([*range(5), {1}], "set", in_keys=False) == "[5]"
    assert paths._find([*range(50), {1}], "set", in_keys=False) is None


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


@pytest.mark.parametrize("method", ["get", "post"])
def test_arguments_of_a_class_that_do_not_match_the_rule_name_its_method(method):
    """Also if the method is async."""
    app = Flask(__name__)

    class Books(MethodView):
        def get(self, id):  # noqa: A002
            return str(id)

        async def post(self, id):  # noqa: A002
            return str(id)

    app.add_url_rule("/books/<int:number>", view_func=Books.as_view("books"))
    app.testing = True
    with pytest.raises(TypeError) as raised:
        app.test_client().open("/books/7", method=method)
    line = getattr(Books, method).__code__.co_firstlineno
    (note,) = raised.value.__notes__
    assert "The rule '/books/<int:number>' passes number to the view" in note
    assert re.search(rf"Books\.{method} \(.*test_hints\.py:{line}\)", note)


@pytest.mark.usefixtures("planned")
def test_errors_of_websocket_views_have_hints():
    """The rule and the view, and the path of a value that JSON cannot hold."""
    app = Flask(__name__)
    app.testing = True

    @app.websocket("/rooms/<name>")
    async def chat(room):
        pytest.fail("it must not run")

    @app.websocket("/json")
    async def send():
        await websocket.send_json({"books": [{1}]})

    async def main(path):
        async with app.async_test_client().websocket(path):
            pass

    with pytest.raises(TypeError) as raised:
        asyncio.run(main("/rooms/a"))
    assert "The rule '/rooms/<name>' passes name to the view" in raised.value.__notes__[0]
    with pytest.raises(TypeError) as raised:
        asyncio.run(main("/json"))
    path, view = raised.value.__notes__
    assert path == "In the JSON document: books[0]"
    assert f"test_hints.py:{send.__code__.co_firstlineno})" in view


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


def test_view_that_is_written_as_if_it_were_typed_is_told_how_to_make_it_so():
    """A view whose parameter is only named otherwise than in the rule is told that."""
    app = Flask(__name__)

    def add(item: dict[str, int]): ...
    def show(item: int): ...

    app.add_url_rule("/", view_func=add)
    app.add_url_rule("/items/<int:number>", view_func=show)
    _, text = _error_of(app)
    assert "passes no arguments to the view" in text
    assert "that of 'item' take values from the request on typed views only" in text
    for way in ("costrel.Costrel", "typed_views=True", "app.config['TYPED_VIEWS']"):
        assert way in text

    _, text = _error_of(app, "/items/1")
    assert "Name the parameters of the view as in the rule." in text
    assert "typed views" not in text
