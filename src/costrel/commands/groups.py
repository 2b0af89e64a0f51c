"""Give commands access to the application: script info, context, command groups.

`app.cli`, `bp.cli` and the commands of extensions use these. The ``costrel``
command itself is in `costrel.cli`. Applications are typed `t.Any` here, because
this module must not import a higher layer.
"""

from __future__ import annotations

import typing as t
from functools import update_wrapper

import click

from ..ground.current import context
from ..ground.environment import get_debug_flag
from ..ground.markers import COMMAND, refuse_markers
from .discovery import NoAppException, locate_app, prepare_import, split_import_path

__all__ = ["AppGroup", "NoAppException", "ScriptInfo", "pass_script_info", "with_appcontext"]

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

_NOT_FOUND = (
    "Could not locate a Flask application. Use the '--app' option, the 'FLASK_APP' environment"
    " variable, or a 'wsgi.py' or 'app.py' file in the current directory."
)


class ScriptInfo:
    """Hold what one run of the command line knows about its application.

    Click passes it on as ``ctx.obj``. You rarely create one yourself, except to
    run a command on the application of a test.

    - `app_import_path`: ``module:name`` as for ``--app``, or `None` to look for
      ``wsgi.py`` and ``app.py``;
    - `create_app`: called without arguments instead of importing anything;
    - `set_debug_flag`: set ``app.debug`` from `FLASK_DEBUG`;
    - `load_dotenv_defaults`: whether the caller loads ``.env`` and
      ``.flaskenv``; this object loads nothing.

    `data` is a dict in which commands can share values.
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

        Sets ``app.debug`` from `FLASK_DEBUG` if `set_debug_flag` is true. Raises
        `NoAppException` if no application is found. Errors raised by the module
        or the factory itself propagate.
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
    """Load the application and push its context until `ctx` is closed.

    Pushes nothing if a context of the same application is active. Returns the
    application.
    """
    app = ctx.ensure_object(ScriptInfo).load_app()
    active = context.get(None)
    if active is None or active.app is not app:
        ctx.with_resource(app.app_context())
    return app


def with_appcontext(f: F) -> F:
    """Run a click callback inside the application's context.

    Commands created with `AppGroup.command` do that already. If a context is
    active when the command starts, it is used. Otherwise one is pushed that lasts
    as long as the click context, so that resources which click closes at the end
    still see the application.
    """

    @click.pass_context
    def in_context(ctx: click.Context, /, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if context.get(None) is None:
            enter_app_context(ctx)
        return ctx.invoke(f, *args, **kwargs)

    return t.cast(F, update_wrapper(in_context, f))


class AppGroup(click.Group):
    """Group commands that run inside the application's context."""

    @t.overload
    def command(self, f: t.Callable[..., t.Any], /) -> click.Command: ...

    @t.overload
    def command(
        self, *args: t.Any, **kwargs: t.Any
    ) -> t.Callable[[t.Callable[..., t.Any]], click.Command]: ...

    def command(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Turn the decorated function into a command and add it.

        Takes the arguments of `click.Group.command`. With
        ``with_appcontext=False`` the command runs without the application's
        context.
        """
        wrap = with_appcontext if kwargs.pop("with_appcontext", True) else _unchanged
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return super().command(wrap(args[0]))

        def decorator(f: t.Callable[..., t.Any]) -> click.Command:
            make: t.Any = super(AppGroup, self).command(*args, **kwargs)
            return t.cast(click.Command, make(wrap(f)))

        return decorator

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command or a group, as `click.Group.add_command` does."""
        refuse_markers(cmd.callback, COMMAND)
        super().add_command(cmd, name)

    def group(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Turn the decorated function into a nested group and add it.

        Takes the arguments of `click.Group.group`; the group is an `AppGroup`
        unless ``cls`` names another class.
        """
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


def _unchanged(f: F) -> F:
    return f
