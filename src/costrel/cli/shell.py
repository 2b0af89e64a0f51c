"""``costrel shell``: an interactive Python shell with the application loaded."""

from __future__ import annotations

import os
import sys
import typing as t
from importlib import import_module
from importlib.util import find_spec

import click

from ..commands.groups import with_appcontext
from ..ground.current import current_app


@click.command("shell", short_help="Open a Python shell in the application's context.")
@with_appcontext
def shell_command() -> None:
    """Open an interactive Python shell in the application's context.

    It defines the names 'app' and 'g', the models of Flask-SQLAlchemy and their
    'db', and everything that the application's shell context processors return.
    The file named by PYTHONSTARTUP runs first. The shell is IPython if that is
    installed.
    """
    banner = (
        f"Python {sys.version} on {sys.platform}\n"
        f"App: {current_app.import_name}\n"
        f"Instance: {current_app.instance_path}"
    )
    context = {**_models(), **current_app.make_shell_context()}
    # Not for input that is piped in: IPython would print a prompt for each line.
    if sys.stdin.isatty() and find_spec("IPython") is not None:
        _run_ipython(banner, context)
        return
    names: dict[str, t.Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), names)  # noqa: S102  (the user's own)
    names.update(context)
    _set_up_completion(names)
    import code

    code.interact(banner=banner, local=names)


def _models() -> dict[str, t.Any]:
    """Return the models of Flask-SQLAlchemy by their names, and ``db``; empty without it."""
    db = current_app.extensions.get("sqlalchemy")
    registry = getattr(getattr(db, "Model", None), "registry", None)
    if registry is None:
        return {}
    return {"db": db, **{mapper.class_.__name__: mapper.class_ for mapper in registry.mappers}}


def _run_ipython(banner: str, names: dict[str, t.Any]) -> None:
    """Run IPython, which runs the PYTHONSTARTUP file itself."""
    ipython: t.Any = import_module("IPython")
    click.echo(banner, err=True)
    ipython.start_ipython(argv=["--no-banner"], user_ns=names)


def _set_up_completion(names: dict[str, t.Any]) -> None:
    """Complete the shell's names on TAB, as the interactive interpreter does.

    Python installs `sys.__interactivehook__` for that, unless the user has
    switched it off.
    """
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        # The hook's own completer would look names up in this module.
        readline.set_completer(Completer(names).complete)
    hook()
