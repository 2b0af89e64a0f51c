"""``costrel shell``: an interactive Python shell with the application loaded."""

from __future__ import annotations

import os
import sys
import typing as t

import click

from ..commands.groups import with_appcontext
from ..ground.current import current_app


@click.command("shell", short_help="Open a Python shell in the application's context.")
@with_appcontext
def shell_command() -> None:
    """Open an interactive Python shell in the application's context.

    It defines the names 'app' and 'g' and everything that the application's
    shell context processors return. The file named by PYTHONSTARTUP runs first.
    """
    banner = (
        f"Python {sys.version} on {sys.platform}\n"
        f"App: {current_app.import_name}\n"
        f"Instance: {current_app.instance_path}"
    )
    names: dict[str, t.Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), names)  # noqa: S102  (the user's own)
    names.update(current_app.make_shell_context())
    _set_up_completion(names)
    import code

    code.interact(banner=banner, local=names)


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
