"""A mistake in setting up says what is wrong, in which line, and what to write instead.

The types of the errors are Flask's, where Flask notices the mistake.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import re

import pytest
from werkzeug.exceptions import HTTPException

from costrel import Blueprint, Flask
from costrel.registration.origin import caller
from costrel.views import MethodView


def one():
    """Be a view."""


def two():
    """Be another view."""


class Users(MethodView):
    """Be a view as a class."""


def after_first_request():
    """Make an application that has served a request."""
    app = Flask(__name__)
    app.test_client().get("/")
    return app


def registered():
    """Make a blueprint that is registered."""
    blueprint = Blueprint("users", __name__)
    Flask(__name__).register_blueprint(blueprint)
    return blueprint


def app_with(**views):
    """Make an application with an endpoint for each view."""
    app = Flask(__name__)
    for endpoint, view in views.items():
        app.add_url_rule(f"/{endpoint}", endpoint, view)
    return app


def app_with_blueprint():
    """Make an application with a blueprint called users."""
    app = Flask(__name__)
    app.register_blueprint(Blueprint("users", __name__))
    return app


# What is done, the error, what it says is wrong, and what to do instead.
MISTAKES = {
    "rule without a slash": (
        lambda: Flask(__name__).route("users")(one),
        ValueError,
        "must start with a slash",
        "Write '/users'",
    ),
    "empty rule": (
        lambda: Flask(__name__).route("")(one),
        ValueError,
        "must start with a slash",
        "Write '/'",
    ),
    "malformed rule": (
        lambda: Flask(__name__).get("/users/<int:id")(one),
        ValueError,
        "'/users/<int:id'.* malformed url rule",
        "like '/users/<int:id>'",
    ),
    "unknown converter": (
        lambda: Flask(__name__).get("/users/<integer:id>")(one),
        LookupError,
        "'/users/<integer:id>'.* converter 'integer' does not exist",
        "converters are any, default, float, int, path, string, uuid; .*url_map.converters",
    ),
    "unknown argument of a converter": (
        lambda: Flask(__name__).get("/<int(least=1):id>")(one),
        TypeError,
        "unexpected keyword argument 'least'",
        "like '/users/<int:id>'",
    ),
    "variable twice": (
        lambda: Flask(__name__).get("/<id>/<id>")(one),
        SyntaxError,
        "duplicate argument 'id'",
        "Use each name once",
    ),
    "unknown option": (
        lambda: Flask(__name__).get("/", strict=True)(one),
        TypeError,
        "takes no argument 'strict'",
        "",
    ),
    "rule that is no text": (
        lambda: Flask(__name__).add_url_rule(None, view_func=one),
        AttributeError,
        "The rule None",
        "like '/users/<int:id>'",
    ),
    "methods as a string": (
        lambda: Flask(__name__).route("/", methods="POST")(one),
        TypeError,
        "methods='POST' is a string",
        r"Pass a list: methods=\['POST'\]",
    ),
    "methods of a method": (
        lambda: Flask(__name__).post("/", methods=["PUT"])(one),
        TypeError,
        "is for POST only",
        r"Use @route\('/', methods=\[...\]\)",
    ),
    "no view and no endpoint": (
        lambda: Flask(__name__).add_url_rule("/"),
        AssertionError,
        "needs a view function",
        "or endpoint='...'",
    ),
    "view without a name": (
        lambda: Flask(__name__).add_url_rule("/", view_func=functools.partial(one)),
        AttributeError,
        "functools.partial.* has no __name__",
        "Pass endpoint='...'",
    ),
    "endpoint taken": (
        lambda: app_with(users=one).add_url_rule("/people", "users", two),
        AssertionError,
        "overwriting an existing endpoint: the rule '/people'",
        "Pass endpoint='...' to one of the two",
    ),
    "set-up after the first request": (
        lambda: after_first_request().add_url_rule("/", view_func=one),
        AssertionError,
        "setup method 'add_url_rule' was called .*after it handled its first request",
        "during setup",
    ),
    "hook after the first request": (
        lambda: after_first_request().before_request(one),
        AssertionError,
        "setup method 'before_request'",
        "during setup",
    ),
    "handler of an unknown status": (
        lambda: Flask(__name__).register_error_handler(999, one),
        ValueError,
        "no HTTP error 999",
        "Use a subclass of HTTPException",
    ),
    "handler of an instance": (
        lambda: Flask(__name__).errorhandler(KeyError())(one),
        TypeError,
        r"KeyError\(\) is an instance",
        "an Exception class or a status code",
    ),
    "handler of another class": (
        lambda: Flask(__name__).errorhandler(list)(one),
        ValueError,
        "'list' is not a subclass of Exception",
        "an Exception class or a status code",
    ),
    "handler of a text": (
        lambda: Flask(__name__).register_error_handler("404", one),
        TypeError,
        "'404' is neither",
        r"a status code \(a number\)",
    ),
    "handler of a blueprint for all": (
        lambda: Blueprint("users", __name__).app_errorhandler(999),
        ValueError,
        "no HTTP error 999",
        "Use a subclass of HTTPException",
    ),
    "instance path that is relative": (
        lambda: Flask(__name__, instance_path="instance"),
        ValueError,
        "must be absolute, but 'instance' is not",
        r"os.path.abspath\('instance'\)",
    ),
    "blueprint without a name": (
        lambda: Blueprint("", __name__),
        ValueError,
        "name can't be empty",
        "",
    ),
    "blueprint with a dot": (
        lambda: Blueprint("admin.users", __name__),
        ValueError,
        "'admin.users' contains a dot",
        "like 'admin_users'",
    ),
    "blueprint's name taken": (
        lambda: app_with_blueprint().register_blueprint(Blueprint("users", __name__)),
        ValueError,
        "name 'users' is taken",
        r"Pass name='...' to register_blueprint\(\)",
    ),
    "blueprint on itself": (
        lambda: (blueprint := Blueprint("users", __name__)).register_blueprint(blueprint),
        ValueError,
        "'users' can't be registered on itself",
        "",
    ),
    "blueprint changed after its registration": (
        lambda: registered().before_request(one),
        AssertionError,
        "setup method 'before_request' was called on the blueprint 'users'",
        r"before register_blueprint\(\)",
    ),
    "endpoint of a blueprint with a dot": (
        lambda: Blueprint("users", __name__).route("/", endpoint="users.one")(one),
        ValueError,
        "endpoint='users.one' contains a dot",
        "Remove the part before the dot",
    ),
}


# What is accepted as in Flask, but can't work: it is warned of.
DOUBTFUL = {
    "route without parentheses": (
        lambda: Flask(__name__).route(one),
        "@route needs a rule but got <function one",
        r"@app.route\('/path'\)",
    ),
    "view that can't be called": (
        lambda: Flask(__name__).add_url_rule("/", "users", "views.users"),
        "'views.users', of type str",
        "Pass a function",
    ),
    "class that is no view": (
        lambda: Flask(__name__).add_url_rule("/", view_func=Users),
        "is the class Users itself",
        r"Pass Users.as_view\('name'\)",
    ),
    "errorhandler without parentheses": (
        lambda: Flask(__name__).errorhandler(one),
        "needs a status code or an Exception class",
        r"@app.errorhandler\(404\)",
    ),
    "view of a blueprint that can't be called": (
        lambda: Blueprint("users", __name__).add_url_rule("/", "one", "views.one"),
        "'views.one', of type str",
        "Pass a function",
    ),
    "class as a view of a blueprint": (
        lambda: Blueprint("users", __name__).add_url_rule("/", view_func=Users),
        "is the class Users itself",
        r"Pass Users.as_view\('name'\)",
    ),
    "errorhandler of a blueprint without parentheses": (
        lambda: Blueprint("users", __name__).errorhandler(one),
        "needs a status code or an Exception class",
        r"@app.errorhandler\(404\)",
    ),
}


def lines_of(function):
    """Return the lines that a function takes in this file."""
    lines, first = inspect.getsourcelines(function)
    return range(first, first + len(lines))


def place_in(message):
    """Return the first line of this file that a message names."""
    name = re.escape(os.path.basename(__file__))
    found = re.search(rf"([^\s(]*{name}):(\d+)", message)
    assert found, message
    assert os.path.samefile(found[1], __file__)
    return int(found[2])


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named_with_its_line_and_a_way_out(name):
    """Each error has what is wrong, the file and line of the call, and what to do."""
    make, kind, wrong, instead = MISTAKES[name]
    with pytest.raises(kind) as caught:
        make()
    message = str(caught.value)
    assert type(caught.value) is kind
    assert re.search(wrong, message, re.DOTALL)
    assert re.search(instead, message, re.DOTALL)
    assert place_in(message) in lines_of(make)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_doubtful_set_up_is_accepted_with_a_warning_at_its_line(name):
    """What Flask accepts does not stop the program, and says where it is and what to do."""
    make, wrong, instead = DOUBTFUL[name]
    with pytest.warns(UserWarning, match=wrong) as caught:
        make()
    [warning] = caught
    assert re.search(instead, str(warning.message), re.DOTALL)
    assert os.path.samefile(warning.filename, __file__)
    assert warning.lineno in lines_of(make)


def register(app, target, view):
    """Register a view at ``/users``, on an application or on its blueprint."""
    target.add_url_rule("/users", "users", view)
    if target is not app:
        app.register_blueprint(target)


@pytest.mark.parametrize("view", [Users, "views.users", 3])
@pytest.mark.parametrize("place", ["app", "blueprint"])
def test_view_that_is_none_answers_500_and_others_are_served(view, place):
    """Only the requests of such a view fail, and it is warned of once."""
    app = Flask(__name__)
    app.logger.disabled = True
    target = app if place == "app" else Blueprint("users", __name__)
    with pytest.warns(UserWarning, match="give a 500") as caught:
        register(app, target, view)
    app.add_url_rule("/", "one", lambda: "one")
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/users", "/", "/users")] == [500, 200, 500]
    assert len(caught) == 1


def test_endpoint_taken_names_both_views_and_both_lines():
    """Whose endpoint it is can be read in the error, and where it got it."""
    app = Flask(__name__)

    app.add_url_rule("/users", "users", one)
    with pytest.raises(AssertionError) as caught:
        app.add_url_rule("/people", "users", two)
    message = str(caught.value)
    here = inspect.currentframe().f_lineno
    file = re.escape(os.path.basename(__file__))
    assert re.search(rf"the rule '/people' \(.*{file}:{here - 2}\)", message)
    assert re.search(rf"view two \(.*{file}:{two.__code__.co_firstlineno}\)", message)
    assert re.search(rf"view one \(.*{file}:{one.__code__.co_firstlineno}\)", message)
    assert re.search(rf"registered at .*{file}:{here - 4}", message)


def test_blueprint_name_taken_names_both_lines():
    """Where the other blueprint was registered is in the error."""
    app = Flask(__name__)
    app.register_blueprint(Blueprint("users", __name__))
    with pytest.raises(ValueError, match="different blueprint") as caught:
        app.register_blueprint(Blueprint("users", __name__))
    here = inspect.currentframe().f_lineno
    named = re.findall(rf"{re.escape(os.path.basename(__file__))}:(\d+)", str(caught.value))
    assert [int(line) for line in named] == [here - 1, here - 3]


@pytest.mark.parametrize("rule", ["/<integer:id>", "users", "/<id"])
def test_rule_of_a_blueprint_is_named_where_it_was_written(rule):
    """A blueprint's rule fails when it is registered; the line is the rule's own."""
    blueprint = Blueprint("users", __name__)

    @blueprint.route(rule)
    def users():
        """Be a view."""

    written = inspect.currentframe().f_lineno
    app = Flask(__name__)
    with pytest.raises((LookupError, ValueError)) as caught:
        app.register_blueprint(blueprint)
    assert repr(rule) in str(caught.value)
    assert written - 5 <= place_in(str(caught.value)) < written


def test_two_views_of_a_blueprint_with_one_name_are_named_where_they_were_written():
    """Also what two views of a blueprint have in common is told with their lines."""
    blueprint = Blueprint("users", __name__)
    blueprint.add_url_rule("/one", "users", one)
    blueprint.add_url_rule("/two", "users", two)
    written = inspect.currentframe().f_lineno
    with pytest.raises(AssertionError, match=r"'users\.users'") as caught:
        Flask(__name__).register_blueprint(blueprint)
    assert place_in(str(caught.value)) == written - 1
    registered_at = re.search(r"registered at .*?:(\d+)", str(caught.value))
    assert int(registered_at[1]) == written - 2


def test_error_of_its_own_kind_gets_a_note():
    """An exception that takes more than a message is raised as it is, with the place."""
    app = Flask(__name__)

    class OwnError(LookupError):
        def __init__(self, code, reason):
            super().__init__(code, reason)

    class Converter(app.url_map.converters["default"]):
        def __init__(self, url_map):
            raise OwnError(1, "no")

    app.url_map.converters["own"] = Converter
    with pytest.raises(OwnError) as caught:
        app.add_url_rule("/<own:id>", view_func=one)
    assert "'/<own:id>'" in caught.value.__notes__[0]
    assert place_in(caught.value.__notes__[0])


def test_place_is_that_of_the_call_from_outside_of_the_package():
    """Methods that call each other inside don't hide whose call it was."""
    app = Flask(__name__)
    with pytest.raises(ValueError, match="slash") as caught:
        app.get("users")(one)
    line = place_in(str(caught.value))
    assert 'app.get("users")(one)' in linecache.getline(__file__, line)


def test_place_outside_of_the_working_directory_is_absolute(tmp_path, monkeypatch):
    """A path that the reader can open from where the program runs."""
    monkeypatch.chdir(tmp_path)
    assert caller().startswith(os.path.abspath(__file__))


def test_correct_set_up_raises_nothing():
    """What is not a mistake is not taken for one."""
    app = app_with(one=one, two=two)
    app.add_url_rule("/again", "one", one)
    app.add_url_rule("/users", view_func=Users.as_view("users"))
    app.add_url_rule("/later", "later")
    app.endpoint("later")(one)
    app.register_error_handler(404, one)
    app.register_error_handler(HTTPException, one)
    blueprint = Blueprint("users", __name__, url_prefix="/users")
    blueprint.add_url_rule("", "one", one)
    blueprint.add_url_rule("relative", "two", two)
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name="again", url_prefix="/others")
    assert app.view_functions["again.two"] is two
