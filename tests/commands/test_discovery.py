"""Finding the application that ``--app`` names."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import click
import pytest

from costrel import Flask, render_template
from costrel.cli import (
    FlaskGroup,
    NoAppException,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)
from costrel.commands.discovery import format_app_error, is_app, split_import_path


def _module(**names: object) -> types.ModuleType:
    module = types.ModuleType("shop")
    vars(module).update(names)
    return module


def test_class_and_proxy_are_no_apps() -> None:
    """Only instances count, not the classes that a module imports."""
    from costrel import current_app

    assert is_app(Flask("shop"))
    assert not is_app(Flask)
    assert not is_app(current_app)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("hello", ("hello", None)),
        ("hello:app", ("hello", "app")),
        ("pkg.mod:create_app('a:b')", ("pkg.mod", "create_app('a:b')")),
        ("C:\\code\\hello.py:app", ("C:\\code\\hello.py", "app")),
        ("C:/code/hello.py", ("C:/code/hello.py", None)),
    ],
)
def test_import_path_splits_at_the_name(path: str, parts: tuple[str, str | None]) -> None:
    """The colon of a drive letter is not a separator."""
    assert split_import_path(path) == parts


def test_app_under_two_names_is_one() -> None:
    """Two names for the same application are not ambiguous."""
    app = Flask("shop")

    assert find_best_app(_module(shop=app, same=app)) is app


def test_several_apps_are_listed() -> None:
    """The error lists the names and shows how to choose."""
    module = _module(first=Flask("a"), second=Flask("b"))

    with pytest.raises(NoAppException, match=r"first, second.*--app shop:first"):
        find_best_app(module)


def test_factory_that_needs_arguments_is_named() -> None:
    """The error names the argument and how to pass it."""
    module = _module(create_app=lambda name: Flask(f"shop-{name}"))

    with pytest.raises(NoAppException, match=r"'name'.*--app 'shop:create_app\(args\)'"):
        find_best_app(module)


def test_type_error_inside_of_a_factory_is_not_hidden() -> None:
    """A TypeError raised inside the factory propagates; the call was correct."""

    def create_app(number: int = 1) -> Flask:
        raise TypeError("inside")

    with pytest.raises(TypeError, match="inside"):
        find_best_app(_module(create_app=create_app))
    with pytest.raises(TypeError, match="inside"):
        find_app_by_string(_module(create_app=create_app), "create_app(2)")


def test_module_without_app_says_what_was_looked_for() -> None:
    """The error lists the names tried."""
    with pytest.raises(NoAppException, match=r"app, application, create_app\(\), make_app\(\)"):
        find_best_app(_module())


def test_factory_gets_literals_by_position_and_name() -> None:
    """Strings, numbers, lists and keyword arguments arrive as written."""

    def create_app(*args: object, **kwargs: object) -> Flask:
        app = Flask("shop")
        app.config["GIVEN"] = (args, kwargs)
        return app

    app = find_app_by_string(_module(make=create_app), " make('a', 2, [None], key=True, ) ")

    assert app.config["GIVEN"] == (("a", 2, [None]), {"key": True})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "Failed to find attribute 'nothing' in 'shop'. It has "),
        ("app.config", "Failed to parse 'app.config'"),
        ("create_app(", "Failed to parse"),
        ("", "Failed to parse"),
        ("create_app(name)", "names and expressions are not evaluated"),
        ("create_app(**{})", "Failed to parse"),
        ("create_app()", "missing a required argument"),
        ("create_app(1, 2)", "too many positional arguments"),
        ("create_app('x')", r"it is of type 'str', returned by the factory \S*<lambda>\(\) \("),
        ("number", "it is of type 'int'"),
    ],
)
def test_unusable_name_is_explained(name: str, message: str) -> None:
    """Each kind of wrong name has its own message."""
    module = _module(create_app=lambda given: given, number=3)

    with pytest.raises(NoAppException, match=message):
        find_app_by_string(module, name)


def test_app_of_the_real_flask_is_refused() -> None:
    """An application of the Flask package would be served by the wrong engine."""
    foreign = type("Flask", (Flask,), {"__module__": "flask.app"})

    with pytest.raises(NoAppException, match="application of the Flask package"):
        find_best_app(_module(app=foreign("shop")))


def test_path_of_a_nested_module_gives_its_dotted_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder above the outermost package goes to the import path."""
    import sys

    inner = tmp_path / "outer_pkg" / "inner"
    inner.mkdir(parents=True)
    (inner / "__init__.py").touch()
    (inner.parent / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)

    assert prepare_import("outer_pkg/inner/web.py") == "outer_pkg.inner.web"
    assert sys.path[0] == str(tmp_path)
    assert prepare_import(str(inner / "__init__.py")) == "outer_pkg.inner"


def test_missing_module_is_told_from_a_failing_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a module that does not exist may be ignored."""
    (tmp_path / "needy_module.py").write_text("import really_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert locate_app("not_there_at_all", None, raise_if_not_found=False) is None
    assert locate_app("not_there.at_all", None, raise_if_not_found=False) is None
    with pytest.raises(NoAppException, match="Could not import 'not_there_at_all'"):
        locate_app("not_there_at_all", None)
    with pytest.raises(NoAppException, match="No module named 'really_not_there'"):
        locate_app("needy_module", None, raise_if_not_found=False)


def test_error_of_an_app_is_shown_from_its_first_line_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames before the module are left out of the traceback."""
    (tmp_path / "failing_module.py").write_text("{}['missing']\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        locate_app("failing_module", None)
    except KeyError as error:
        # The first frame is this test, where the command would be otherwise.
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        text = format_app_error(error)

    assert text.count("  File ") == 1
    assert "failing_module.py" in text
    assert text.endswith("KeyError: 'missing'")


@pytest.mark.parametrize("make", [click.Group, FlaskGroup, click.Command])
def test_click_command_is_told_from_a_factory(make: t.Callable[[str], click.Command]) -> None:
    """A command is callable, but calling it would run it and not create an application."""
    command = make("commands")

    with pytest.raises(NoAppException, match=r"'shop:cli' is a click command .*app\.cli"):
        find_app_by_string(_module(cli=command), "cli")
    with pytest.raises(NoAppException, match="Failed to find an application"):
        find_best_app(_module(create_app=command))


def test_factory_that_returns_none_says_so() -> None:
    """The error names the factory, its file and line, and what is missing."""

    def create_app() -> None:
        pass

    module = _module(create_app=create_app)
    place = rf"create_app\(\) \(.*test_discovery\.py:{create_app.__code__.co_firstlineno}\)"

    with pytest.raises(NoAppException, match=rf"{place} returned None.*'return app'"):
        find_best_app(module)
    with pytest.raises(NoAppException, match=rf"{place} returned None.*'return app'"):
        find_app_by_string(module, "create_app()")


def test_near_names_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt application, factory or module is answered with those that exist."""
    (tmp_path / "bookshop.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def create_site() -> Flask:
        return Flask("a")

    create_site.__module__ = "shop"
    module = _module(website=Flask("a"), create_site=create_site, number=3)

    with pytest.raises(NoAppException, match=r"'shop'\. Did you mean 'website'\?"):
        find_app_by_string(module, "webiste")
    with pytest.raises(NoAppException, match=r"Did you mean 'create_site'\?"):
        find_app_by_string(module, "creat_site()")
    with pytest.raises(NoAppException, match=r"'shop'\. It has 'website', 'create_site'\.$"):
        find_app_by_string(module, "numbers")
    with pytest.raises(NoAppException, match=r"Did you mean 'bookshop'\?"):
        locate_app("bokshop", None)


def test_names_of_the_module_come_before_those_it_imports() -> None:
    """A wrong name is answered with applications, factories and views, in this order."""

    def index() -> str:
        return ""

    def create_app() -> Flask:
        return Flask("a")

    index.__module__ = create_app.__module__ = "shop"
    names = {"render_template": render_template, "index": index, "create_app": create_app}
    module = _module(**names, app=Flask("a"))

    with pytest.raises(NoAppException, match=r"It has 'app', 'create_app', 'index'\.$"):
        find_app_by_string(module, "nope")


def test_async_factory_is_refused_with_the_reason() -> None:
    """It is not called: its coroutine would never be awaited."""

    async def create_app() -> Flask:
        return Flask("a")

    module = _module(create_app=create_app)

    for find in (find_best_app, lambda module: find_app_by_string(module, "create_app")):
        with pytest.raises(
            NoAppException, match=r"test_discovery\.py:\d+\) is 'async def' and has"
        ):
            find(module)


def test_class_is_not_called() -> None:
    """A model is no factory."""
    created = []

    class User:
        def __init__(self) -> None:
            created.append(self)

    with pytest.raises(NoAppException, match="'shop:User' is a class, not an application"):
        find_app_by_string(_module(User=User), "User")
    assert not created
