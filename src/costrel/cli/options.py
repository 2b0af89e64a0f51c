"""The options of every command group: application, env file, debug, version."""

from __future__ import annotations

import platform
import typing as t

import click
from click.core import ParameterSource

from ..commands.envfiles import load_dotenv, require_dotenv
from ..commands.groups import ScriptInfo
from ..ground.environment import (
    FLASK_LEVEL,
    choose_debug,
    get_load_dotenv,
    names_from_env_files,
)


def _set_env_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        require_dotenv(ctx, param)
    load_defaults = ctx.ensure_object(ScriptInfo).load_dotenv_defaults and get_load_dotenv()
    if value is not None or load_defaults:
        load_dotenv(value, load_defaults=load_defaults)
    return value


def _set_app(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001  (click calls with three)
    value: str | None,
) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool | None) -> bool | None:
    source = ctx.get_parameter_source(param.name or "")
    if source is None or source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        return None
    variable = f"{ctx.auto_envvar_prefix}_DEBUG"
    by_file = source is ParameterSource.ENVIRONMENT and variable in names_from_env_files()
    # Set in the environment, so that factories see it while they run, and so does the
    # reloader's child process.
    choose_debug(bool(value), by_file=by_file)
    return value


def get_version(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001  (click calls with three)
    value: t.Any,
) -> None:
    """Print the versions that belong in a bug report, and exit.

    The Flask line names the release whose interface this package implements.
    """
    if not value or ctx.resilient_parsing:
        return
    # Imported here because it is slow, and `import flask` loads this module.
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("costrel")
    except PackageNotFoundError:
        own = "(not installed)"
    click.echo(
        f"Python {platform.python_version()}\n"
        f"Costrel {own}\n"
        f"Flask {FLASK_LEVEL} (the interface implemented)\n"
        f"Werkzeug {version('werkzeug')}",
        color=ctx.color,
    )
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show version numbers and exit.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)
"""``--version``, for groups that are not a `FlaskGroup`."""

# Eager and in this order: the env file may name the application, and both must be known
# before the application's commands can be listed.
env_file_option = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Load environment variables from this file. Precedence: variables that are already set,"
        " this file, '.env', '.flaskenv'. Needs python-dotenv."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_env_file,
)

app_option = click.Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The application or factory to load, as 'module:name'. The module is a dotted name or a"
        " path to a file. The name may be left out if it is 'app', 'application', 'create_app' or"
        " 'make_app'. Pass arguments to a factory as 'name(args)'."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)

debug_option = click.Option(
    ["--debug/--no-debug"],
    help="Switch debug mode on or off.",
    expose_value=False,
    callback=_set_debug,
)
