"""Give commands their application: script info, context and command groups.

What `app.cli`, `bp.cli` and extensions' commands are made of. The ``costrel``
command itself is in `costrel.cli`. Applications are typed `t.Any` here, so that
imports go down only.
"""

from __future__ import annotations

import typing as t
from functools import update_wrapper

import click

from ..ground.current import context
from ..ground.environment import get_debug_flag
from .discovery import NoAppException, locate_app, prepare_import, split_import_path

__all__ = ["AppGroup", "NoAppException", "ScriptInfo", "pass_script_info", "with_appcontext"]

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

_NOT_FOUND = (
    "Could not locate a Flask application. Use the '--app' option, the 'FLASK_APP' environment"
    " variable, or a 'wsgi.py' or 'app.py' file in the current directory."
)


class ScriptInfo:
    """Hold what one run of the command line knows of its application.

    Click carries it as ``ctx.obj``. Usually nobody makes one by hand, except
    to run a command on an application of a test.

    - `app_import_path`: ``module:name`` as ``--app`` takes it, or `None` to look
      for ``wsgi.py`` and ``app.py``;
    - `create_app`: called without arguments instead of importing anything;
    - `set_debug_flag`: let `FLASK_DEBUG` decide ``app.debug``;
    - `load_dotenv_defaults`: whether ``.env`` and ``.flaskenv`` are loaded by
      who builds this object; nothing is loaded here.

    `data` is a dict for commands to leave things in for each other.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: t.Callable[..., t.Any] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = load_dotenv_defaults
        self.data: dict[t.Any, t.Any] = {}
        self._loaded_app: t.Any = None

    def load_app(self) -> t.Any:
        """Return the application; import or create it the first time.

        Sets ``app.debug`` from `FLASK_DEBUG` unless that was declined. Raises
        `NoAppException` if there is no application to be found; whatever the
        module or factory itself raises propagates.
        """
        if self._loaded_app is None:
            app = self.create_app() if self.create_app is not None else self._find_app()
            if app is None:
                raise NoAppException(_NOT_FOUND)
            if self.set_debug_flag:
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app

    def _find_app(self) -> t.Any | None:
        if self.app_import_path:
            path, name = split_import_path(self.app_import_path)
            return locate_app(prepare_import(path), name)
        for path in ("wsgi.py", "app.py"):
            app = locate_app(prepare_import(path), None, raise_if_not_found=False)
            if app is not None:
                return app
        return None


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)
"""Pass the `ScriptInfo` of this run as the first argument of a command."""


def enter_app_context(ctx: click.Context) -> t.Any:
    """Load the application and keep its context until `ctx` is closed.

    Does nothing to the context if one of the same application is active.
    Returns the application.
    """
    app = ctx.ensure_object(ScriptInfo).load_app()
    active = context.get(None)
    if active is None or active.app is not app:
        ctx.with_resource(app.app_context())
    return app


def with_appcontext(f: F) -> F:
    """Run a click callback inside of the application's context.

    Commands made by `AppGroup.command` have it already. Leaves a context alone
    that is active when the command starts. The one entered here lives as long as
    the click context, so resources closed on its way out still see the app.
    """

    @click.pass_context
    def in_context(ctx: click.Context, /, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if context.get(None) is None:
            enter_app_context(ctx)
        return ctx.invoke(f, *args, **kwargs)

    return t.cast(F, update_wrapper(in_context, f))


class AppGroup(click.Group):
    """Group commands that run inside of the application's context."""

    @t.overload
    def command(self, f: t.Callable[..., t.Any], /) -> click.Command: ...

    @t.overload
    def command(
        self, *args: t.Any, **kwargs: t.Any
    ) -> t.Callable[[t.Callable[..., t.Any]], click.Command]: ...

    def command(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Make a command of the decorated function and add it.

        Takes what `click.Group.command` takes, and ``with_appcontext=False`` to
        leave the function as it is.
        """
        wrap = with_appcontext if kwargs.pop("with_appcontext", True) else _unchanged
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return super().command(wrap(args[0]))

        def decorator(f: t.Callable[..., t.Any]) -> click.Command:
            make: t.Any = super(AppGroup, self).command(*args, **kwargs)
            return t.cast(click.Command, make(wrap(f)))

        return decorator

    def group(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Make a nested group of the decorated function and add it.

        Takes what `click.Group.group` takes; the group is an `AppGroup` unless
        ``cls`` says otherwise.
        """
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


def _unchanged(f: F) -> F:
    return f
