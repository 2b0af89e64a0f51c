"""Load ``.env`` and ``.flaskenv`` files into the process environment."""

from __future__ import annotations

import os

import click

from ..ground.environment import note_from_env_files

DEFAULT_ENV_FILES = (".flaskenv", ".env")
"""The files that are loaded by default, the one with lower precedence first."""

INSTALL_DOTENV = "pip install python-dotenv"
"""The command that installs python-dotenv, which reads env files."""


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from env files.

    If a variable has several values, the first of these wins: the environment,
    the file at `path`, ``.env``, ``.flaskenv``. The last two are searched for in
    the working directory and its parents, and only if `load_defaults` is true.
    Files are read as UTF-8; a `path` that is not a file counts as empty. The
    working directory does not change.

    Returns true if a file defines at least one variable. Without python-dotenv
    nothing is read; if there are files to read, one line on stderr says how to
    install it.
    """
    try:
        import dotenv
    except ImportError:
        if path is not None or (load_defaults and _default_files_in(os.getcwd())):
            click.secho(
                " * Tip: There are .env files present. To load them, install python-dotenv:"
                f" {INSTALL_DOTENV}",
                fg="yellow",
                err=True,
            )
        return False

    values: dict[str, str | None] = {}
    if load_defaults:
        for name in DEFAULT_ENV_FILES:
            found = dotenv.find_dotenv(name, usecwd=True)
            if found:
                values.update(dotenv.dotenv_values(found, encoding="utf-8"))
    by_default = set(values)
    if path is not None and os.path.isfile(path):
        named = dotenv.dotenv_values(path, encoding="utf-8")
        values.update(named)
        by_default -= set(named)
    new: list[str] = []
    for name, value in values.items():
        # A line that holds only a name declares the variable without a value.
        if value is not None and name not in os.environ:
            os.environ[name] = value
            new.append(name)
    # What these files set is for development: `costrel.settings` reads it nowhere else.
    note_from_env_files(by_default.intersection(new))
    return bool(values)


def require_dotenv(ctx: click.Context, param: click.Parameter) -> None:
    """Raise an error if ``--env-file`` is given but python-dotenv is missing.

    The error, a `click.BadParameter`, shows how to install it.
    """
    try:
        import dotenv  # noqa: F401  (only its presence matters)
    except ImportError:
        raise click.BadParameter(
            f"reading env files needs python-dotenv. Install it: {INSTALL_DOTENV}",
            ctx=ctx,
            param=param,
        ) from None


def _default_files_in(folder: str) -> bool:
    """Return whether `folder` or one of its parents holds a default env file."""
    while True:
        if any(os.path.isfile(os.path.join(folder, name)) for name in DEFAULT_ENV_FILES):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
