"""Find the application that ``--app`` or `FLASK_APP` names.

The value has up to three parts, ``folder/module:name(arguments)``; each has its
function here. Applications are recognised by the methods of their class and typed
`t.Any`, because this module must not import a higher layer.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import sys
import traceback
import types
import typing as t

import click

from ..ground import frames

APP_NAMES = ("app", "application")
"""The names of an application that are tried first."""

FACTORY_NAMES = ("create_app", "make_app")
"""The names of a factory that are tried if there is no application."""


class NoAppException(click.UsageError):
    """Raised if no application can be found or loaded.

    Click prints the message after the usage line and exits with status 2.
    """


def is_app(value: object) -> bool:
    """Return whether `value` is an application, not its class or a proxy."""
    kind = type(value)
    return all(hasattr(kind, step) for step in ("wsgi_app", "app_context", "add_url_rule"))


def split_import_path(path: str) -> tuple[str, str | None]:
    """Split ``module:name`` at its colon; the name may be missing.

    A colon before a slash belongs to a Windows drive, not to the name.
    """
    module, *rest = re.split(r":(?![\\/])", path, maxsplit=1)
    return module, rest[0] if rest else None


def prepare_import(path: str) -> str:
    """Make a file or folder importable and return its dotted module name.

    For ``src/shop/web.py`` in a package ``shop``, puts ``src`` first on
    `sys.path` and returns ``shop.web``. A dotted name is looked up in the working
    directory. Does not check that the module exists.
    """
    base, extension = os.path.splitext(os.path.realpath(path))
    if extension != ".py":
        base += extension
    if os.path.basename(base) == "__init__":
        base = os.path.dirname(base)

    folder, name = os.path.split(base)
    names = [name]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.append(name)

    if sys.path[0] != folder:
        sys.path.insert(0, folder)
    return ".".join(reversed(names))


@t.overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: t.Literal[True] = True
) -> t.Any: ...


@t.overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = ...
) -> t.Any | None: ...


def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = True
) -> t.Any | None:
    """Import a module and return the application it holds.

    Raises `NoAppException` if the module is missing, holds no application, or
    fails to import something itself; any other error of the module propagates.
    If `raise_if_not_found` is false, returns `None` for a missing module.
    """
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        if not _is_missing_itself(error, module_name):
            raise NoAppException(
                f"While importing {module_name!r}, an ImportError was raised:"
                f"\n\n{format_app_error(error)}"
            ) from None
        if not raise_if_not_found:
            return None
        raise NoAppException(
            f"Could not import {module_name!r}: {error}. Give the name of a .py file or package in"
            " the current directory, or a dotted name such as 'package.module'."
            f"{_near(module_name.rpartition('.')[2], _modules_here())}"
        ) from None

    if app_name is None:
        return find_best_app(module)
    return find_app_by_string(module, app_name)


def find_best_app(module: types.ModuleType) -> t.Any:
    """Return the application of a module if no name is given.

    That is ``app`` or ``application``, else the only application in the module,
    else the result of ``create_app()`` or ``make_app()``. Raises `NoAppException`
    if there is none, if there are several, or if the factory needs arguments.
    """
    for name in APP_NAMES:
        value = getattr(module, name, None)
        if is_app(value):
            return _ours(value, module)

    found = {name: value for name, value in vars(module).items() if is_app(value)}
    if found:
        # Two names for the same application are fine.
        if len({id(value) for value in found.values()}) == 1:
            return _ours(next(iter(found.values())), module)
        raise NoAppException(
            f"Detected multiple applications in module {module.__name__!r}:"
            f" {', '.join(found)}. Choose one, for example"
            f" --app {module.__name__}:{next(iter(found))}"
        )

    return _ours(_call_usual_factory(module), module)


def _call_usual_factory(module: types.ModuleType) -> t.Any:
    """Return the application that ``create_app()`` or ``make_app()`` makes."""
    returned_none: str | None = None
    for name in FACTORY_NAMES:
        factory = getattr(module, name, None)
        if not callable(factory) or _is_command(factory):
            continue
        reason = _arguments_refused(factory, (), {})
        if reason is not None:
            raise NoAppException(
                f"Detected factory {name!r} in module {module.__name__!r}, but it cannot be called"
                f" without arguments ({reason}). Pass them: --app '{module.__name__}:{name}(args)'"
            )
        value = _called(factory)
        if is_app(value):
            return value
        if value is None:
            returned_none = name

    if returned_none is not None:
        raise NoAppException(
            f"Failed to find an application in module {module.__name__!r}: the factory"
            f" {_defined(getattr(module, returned_none))} returned None. End it with 'return"
            " app'."
        )
    raise NoAppException(
        f"Failed to find an application or factory in module {module.__name__!r}. Looked for"
        f" {', '.join((*APP_NAMES, *(f'{name}()' for name in FACTORY_NAMES)))} and any instance of"
        f" Flask. If your factory has another name, use --app {module.__name__}:name"
    )


def find_app_by_string(module: types.ModuleType, app_name: str) -> t.Any:
    """Return the application named by ``name`` or ``name(arguments)``.

    Arguments are Python literals, positional or keyword; nothing is evaluated.
    Raises `NoAppException` if the text has neither form, the name is missing, the
    arguments do not fit, or the result is not an application.
    """
    name, args, kwargs = _parse_app_name(app_name)
    where = f"{module.__name__}:{app_name.strip()}"
    try:
        value = getattr(module, name)
    except AttributeError:
        candidates = _candidates(module)
        raise NoAppException(
            f"Failed to find attribute {name!r} in {module.__name__!r}."
            f"{_near(name, candidates) or _known(candidates)}"
        ) from None

    if _is_command(value):
        raise NoAppException(
            f"{where!r} is a click command ({type(value).__name__}), not an application. Name the"
            " application or its factory instead. To run the command, run its own script, or add"
            " it to the application with app.cli.add_command(...)."
        )
    if inspect.isclass(value):
        raise NoAppException(
            f"{where!r} is a class, not an application or a factory. Name the application, or a"
            " function that returns it."
        )
    factory = None
    if not is_app(value) and callable(value):
        reason = _arguments_refused(value, args, kwargs)
        if reason is not None:
            raise NoAppException(
                f"The factory {name!r} in module {module.__name__!r} could not be called as"
                f" {where!r}: {reason}."
            )
        factory, value = value, _called(value, *args, **kwargs)
        if value is None:
            raise NoAppException(
                f"A valid application was not obtained from {where!r}: the factory"
                f" {_defined(factory)} returned None. End it with 'return app'."
            )
    if is_app(value):
        return _ours(value, module)
    by = "" if factory is None else f", returned by the factory {_defined(factory)}"
    raise NoAppException(
        f"A valid application was not obtained from {where!r}: it is of type"
        f" {type(value).__name__!r}{by}."
    )


def format_app_error(error: BaseException) -> str:
    """Format the traceback of an error raised while an app was loaded.

    The frames before the first line of the user's code are left out. Of settings that are wrong,
    only the report is returned.
    """
    # Imported here, because only a failure needs it.
    from ..settings import SettingsError

    if isinstance(error, SettingsError):
        return str(error)
    lines = traceback.format_exception(type(error), error, users_frames(error))
    return "".join(lines).rstrip()


def users_frames(error: BaseException) -> types.TracebackType | None:
    """Return the traceback of an error in a command, from the user's code on."""
    return frames.users_frames(error, (click,))


def _called(factory: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:
    """Return what a factory returns, unless it is ``async def``."""
    if inspect.iscoroutinefunction(inspect.unwrap(factory)):
        raise NoAppException(
            f"The factory {_defined(factory)} is 'async def' and has to be 'def': it is called"
            " before there is an event loop. Move what it awaits into a function with"
            " @app.before_serving."
        )
    return factory(*args, **kwargs)


def _candidates(module: types.ModuleType) -> list[str]:
    """Return the names that may be meant: applications, then factories, then other functions.

    Functions that the module imports come last, and only if there is nothing else.
    """
    apps: list[str] = []
    own: list[str] = []
    imported: list[str] = []
    for name, value in vars(module).items():
        if is_app(value):
            apps.append(name)
        elif inspect.isfunction(value) and not name.startswith("_"):
            (own if value.__module__ == module.__name__ else imported).append(name)
    # The sort is stable.
    own.sort(key=lambda name: name not in FACTORY_NAMES)
    return [*apps, *own] or imported


def _defined(function: t.Any) -> str:
    """Return the name of a function, with its file and line if they are known."""
    name = getattr(function, "__qualname__", repr(function))
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{name}() ({code.co_filename}:{code.co_firstlineno})" if code else f"{name}()"


def _near(name: str, known: t.Iterable[str]) -> str:
    """Return a sentence that offers the known names that look like this one, or nothing."""
    # Imported here, because only a mistake needs it.
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=3)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _known(names: t.Sequence[str]) -> str:
    """Return a sentence with the first of the names that there are, or nothing."""
    return f" It has {', '.join(map(repr, names[:_SHOWN]))}." if names else ""


_SHOWN = 5
"""How many names an error offers."""


def _modules_here() -> list[str]:
    """Return the names of the modules in the first folder of `sys.path`."""
    try:
        names = os.listdir(sys.path[0] or os.curdir)
    except OSError:
        return []
    return [name.removesuffix(".py") for name in names if name.endswith(".py")]


def _is_missing_itself(error: ImportError, module_name: str) -> bool:
    """Return whether the module itself is missing, rather than one that it imports."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return False
    return f"{module_name}.".startswith(f"{error.name}.")


def _parse_app_name(app_name: str) -> tuple[str, list[t.Any], dict[str, t.Any]]:
    try:
        expression = ast.parse(app_name.strip(), mode="eval").body
    except SyntaxError:
        expression = None

    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if (
        not isinstance(expression, ast.Call)
        or not isinstance(expression.func, ast.Name)
        or any(keyword.arg is None for keyword in expression.keywords)
    ):
        raise NoAppException(
            f"Failed to parse {app_name!r} as an attribute name or function call. Write"
            " 'module:name' or, for a factory with arguments, 'module:name(\"text\", 2, key=True)'."
        )
    try:
        args = [ast.literal_eval(value) for value in expression.args]
        kwargs = {str(kw.arg): ast.literal_eval(kw.value) for kw in expression.keywords}
    except ValueError:
        raise NoAppException(
            f"Failed to parse arguments as literal values: {app_name!r}. Put strings in quotes;"
            " names and expressions are not evaluated."
        ) from None
    return expression.func.id, args, kwargs


def _arguments_refused(
    factory: t.Callable[..., t.Any], args: t.Sequence[t.Any], kwargs: t.Mapping[str, t.Any]
) -> str | None:
    """Return why `factory` cannot take these arguments; `None` if it can.

    Checked before the call, so that a TypeError raised inside the factory is
    not mistaken for wrong arguments.
    """
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None


def _is_command(value: t.Any) -> bool:
    """Return whether a value is a click command or group: calling it would run it."""
    click = sys.modules.get("click")
    return click is not None and isinstance(value, click.Command)


def _ours(app: t.Any, module: types.ModuleType) -> t.Any:
    """Return `app` unless it is an application of the real Flask."""
    if any(kind.__module__ == "flask.app" for kind in type(app).__mro__):
        raise NoAppException(
            f"{module.__name__!r} holds an application of the Flask package, which was imported"
            " before Costrel could replace it. Start the application with the 'costrel' command,"
            " or import Flask from costrel."
        )
    return app
