"""Markers on what no request fills are refused where it is registered, wherever that is."""

from __future__ import annotations

import functools
import re
import typing as t

import click
import pytest
from msgspec import Meta

from costrel import Blueprint, Costrel, Flask, after_this_request
from costrel.api import APIKey, Body, Cookie, Depends, File, Form, Header, Path, Query
from costrel.dispatch.typed import check_views
from costrel.login import Login
from costrel.security import limit
from costrel.views import MethodView, View


def user() -> str:
    """Return who sends the request."""
    return "Ada"


def depends(
    *_args: t.Any, name: t.Annotated[str, Depends(user)] = "anon", **_kwargs: t.Any
) -> t.Any:
    """Depend on something."""
    return name


def header(*_args: t.Any, token: t.Annotated[str, Header()] = "", **_kwargs: t.Any) -> t.Any:
    """Have a place of the request."""
    return token


def query(*_args: t.Any, page: t.Annotated[int, Meta(ge=1), Query] = 1, **_kwargs: t.Any) -> t.Any:
    """Have the class of a marker, beside a constraint."""
    return page


def credentials(*_args: t.Any, key: t.Any = APIKey("key"), **_kwargs: t.Any) -> t.Any:  # noqa: B008
    """Have a marker as its default."""
    return key


def _command(app: t.Any, function: t.Any) -> None:
    """Add a command that was made elsewhere."""
    app.cli.add_command(click.Command("made", callback=functools.wraps(function)(lambda: None)))


OF_BOTH: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "before_request": lambda on, function: on.before_request(function),
    "after_request": lambda on, function: on.after_request(function),
    "teardown_request": lambda on, function: on.teardown_request(function),
    "before_websocket": lambda on, function: on.before_websocket(function),
    "after_websocket": lambda on, function: on.after_websocket(function),
    "teardown_websocket": lambda on, function: on.teardown_websocket(function),
    "context_processor": lambda on, function: on.context_processor(function),
    "url_value_preprocessor": lambda on, function: on.url_value_preprocessor(function),
    "url_defaults": lambda on, function: on.url_defaults(function),
    "errorhandler": lambda on, function: on.errorhandler(404)(function),
    "register_error_handler": lambda on, function: on.register_error_handler(KeyError, function),
    "problem": lambda on, function: on.problem(KeyError, 409)(function),
    "cli.command": lambda on, function: on.cli.command("run-it")(function),
    "cli.group": lambda on, function: on.cli.group("group-it")(function),
    "cli.add_command": _command,
}
OF_APP: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "teardown_appcontext": lambda on, function: on.teardown_appcontext(function),
    "shell_context_processor": lambda on, function: on.shell_context_processor(function),
    "template_filter": lambda on, function: on.template_filter()(function),
    "template_test": lambda on, function: on.template_test()(function),
    "template_global": lambda on, function: on.template_global()(function),
    "before_serving": lambda on, function: on.before_serving(function),
    "after_serving": lambda on, function: on.after_serving(function),
    "while_serving": lambda on, function: on.while_serving(function),
}
OF_BLUEPRINT: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "before_app_request": lambda on, function: on.before_app_request(function),
    "after_app_request": lambda on, function: on.after_app_request(function),
    "teardown_app_request": lambda on, function: on.teardown_app_request(function),
    "before_app_websocket": lambda on, function: on.before_app_websocket(function),
    "after_app_websocket": lambda on, function: on.after_app_websocket(function),
    "teardown_app_websocket": lambda on, function: on.teardown_app_websocket(function),
    "app_context_processor": lambda on, function: on.app_context_processor(function),
    "app_url_value_preprocessor": lambda on, function: on.app_url_value_preprocessor(function),
    "app_url_defaults": lambda on, function: on.app_url_defaults(function),
    "app_errorhandler": lambda on, function: on.app_errorhandler(404)(function),
    "app_template_filter": lambda on, function: on.app_template_filter()(function),
    "app_template_test": lambda on, function: on.app_template_test()(function),
    "app_template_global": lambda on, function: on.app_template_global()(function),
}
PLACES = [
    *((cls, *item) for cls in (Costrel, Flask) for item in {**OF_BOTH, **OF_APP}.items()),
    *((Blueprint, *item) for item in {**OF_BOTH, **OF_BLUEPRINT}.items()),
]


def made(cls: type[t.Any]) -> t.Any:
    """Make an application or a blueprint."""
    return cls("b", __name__) if cls is Blueprint else cls(__name__)


@pytest.mark.parametrize("function", [depends, header, query, credentials])
@pytest.mark.parametrize(
    ("cls", "register"),
    [(cls, register) for cls, _name, register in PLACES],
    ids=[f"{cls.__name__}.{name}" for cls, name, _register in PLACES],
)
def test_marker_is_refused_where_it_is_registered(
    cls: type[t.Any], register: t.Any, function: t.Any
) -> None:
    """SECURITY: it would run with its defaults; the error has file and line."""
    with pytest.raises(TypeError, match=r"test_ignored_markers\.py:\d+\)") as caught:
        register(made(cls), function)
    assert re.search(
        r"Call the function in|request\.|websocket\.|remove the marker", str(caught.value)
    )


@pytest.mark.parametrize(
    ("cls", "register"),
    [(cls, register) for cls, _name, register in PLACES],
    ids=[f"{cls.__name__}.{name}" for cls, name, _register in PLACES],
)
def test_functions_without_markers_are_registered(cls: type[t.Any], register: t.Any) -> None:
    """Whatever else is in their annotations, also what only a type checker knows."""

    def plain(value: t.Annotated[int, Meta(ge=1)] = 1, other: Unknown = None) -> t.Any:  # type: ignore[name-defined] # noqa: F821
        return value, other

    register(made(cls), plain)


def test_every_method_that_registers_a_function_is_among_the_places() -> None:
    """So that a new one is not forgotten; views and what is recorded are looked at later."""
    views = {
        "add_url_rule", "add_websocket", "cli", "endpoint", "record", "record_once",
        "register_blueprint", "route", "websocket", "get", "post", "put", "delete", "patch",
        "add_template_filter", "add_template_test", "add_template_global",
        "add_app_template_filter", "add_app_template_test", "add_app_template_global",
    }  # fmt: skip
    known = {*OF_BOTH, *OF_APP, *OF_BLUEPRINT}
    for cls in (Costrel, Blueprint):
        checked = {
            name
            for name in dir(cls)
            if getattr(getattr(cls, name), "__wrapped__", None) is not None
            and getattr(cls, name).__code__.co_name == "checked"
        }
        assert checked
        assert not checked - known - views


@pytest.mark.parametrize(
    ("marker", "advice"),
    [
        (Query(), r"Read request\.args instead"),
        (Header(), r"Read request\.headers instead"),
        (Cookie(), r"Read request\.cookies instead"),
        (Form(), r"Read request\.form instead"),
        (File(), r"Read request\.files instead"),
        (Body(), r"Read request\.get_json\(\) instead"),
        (Path(), r"Read request\.view_args instead"),
        (Depends(user), r"Call the function in the handler"),
    ],
)
def test_error_says_what_to_write(marker: t.Any, advice: str) -> None:
    """By where the value is."""

    def handle(_error: Exception, value: t.Any = None) -> str:
        return str(value)

    handle.__annotations__["value"] = t.Annotated[t.Any, marker]
    with pytest.raises(TypeError, match=advice):
        Costrel(__name__).register_error_handler(404, handle)


def test_loader_and_rate_limits_are_refused() -> None:
    """The functions of other features, too."""
    app = Costrel(__name__, static_folder=None)
    app.secret_key = "k" * 40
    with pytest.raises(TypeError, match="what loads users"):
        Login(app, load_user=depends)
    for options in ({"key": depends}, {"cost": header}):
        with pytest.raises(TypeError, match="rate limits"):
            limit("10/minute", **t.cast("t.Any", options))


def test_after_this_request_is_refused() -> None:
    """In the request that asks for it."""
    app = Flask(__name__)
    with app.test_request_context():
        after_this_request(lambda response, _status=200: response)
        with pytest.raises(TypeError, match="depends on user"):
            after_this_request(depends)


def hook(given: t.Any, name: t.Annotated[str, Depends(user)] = "anon") -> t.Any:
    """Do nothing with what a hook is given."""
    return given


@pytest.mark.parametrize("registry", ["after_request_funcs", "teardown_request_funcs"])
def test_hooks_in_the_lists_are_refused(registry: str) -> None:
    """What an extension adds there has not been registered by a method; no view runs."""
    app = Flask(__name__)
    app.get("/")(lambda: "ran")
    getattr(app, registry).setdefault(None, []).append(hook)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert app.test_client().get("/").status_code == 500


def of_path(name: t.Annotated[str, Path()]) -> str:
    """Take a variable."""
    return name


def of_query(name: str = "", page: t.Annotated[int, Query()] = 1) -> str:
    """Take a parameter that nothing fills."""
    return f"{name}{page}"


async def socket_of_query(name: str = "", page: t.Annotated[int, Query()] = 1) -> None:
    """Take one for a WebSocket."""


def test_views_that_are_not_typed_take_variables_only() -> None:
    """The rule fills what is marked as its variable, and nothing else."""
    app = Flask(__name__)
    app.add_url_rule("/<name>", view_func=of_path)
    check_views(app)
    assert app.test_client().get("/Ada").data == b"Ada"
    app = Flask(__name__)
    app.add_url_rule("/query/<name>", view_func=of_query)
    with pytest.raises(TypeError, match=r"views that are not typed from the query\. Read request"):
        check_views(app)
    socket = Costrel(__name__)
    socket.add_websocket("/<name>", view_func=socket_of_query)
    with pytest.raises(TypeError, match=r"WebSockets.* from the query\. Read websocket\.args"):
        check_views(socket)


class Init(View):
    """A class that is made with what nothing fills."""

    def __init__(self, name: t.Annotated[str, Depends(user)] = "anon") -> None:
        self.name = name

    def dispatch_request(self) -> str:
        """Answer."""
        return self.name


class InitOfMethods(Init, MethodView):
    """The same by method."""

    dispatch_request = MethodView.dispatch_request  # type: ignore[assignment]

    def get(self) -> str:
        """Answer."""
        return self.name


@pytest.mark.parametrize("cls", [Costrel, Flask])
@pytest.mark.parametrize("view", [Init, InitOfMethods])
def test_init_of_class_based_views_is_refused(cls: type[Flask], view: type[View]) -> None:
    """Its arguments are those of ``as_view``, whether the views are typed or not."""
    app = cls(__name__)
    app.add_url_rule("/", view_func=view.as_view("made"))
    with pytest.raises(TypeError, match=r"'name' of Init.__init__ \(.*depends on user"):
        check_views(app)
