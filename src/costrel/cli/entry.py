"""The ``costrel`` command itself."""

from __future__ import annotations

import os
import sys

import click

from ..commands.discovery import users_frames
from .group import FlaskGroup
from .openapi import openapi_command
from .secret import secret_command
from .settings import settings_command
from .typings import typings_command

cli = FlaskGroup(
    name="costrel",
    help=(
        "Run and inspect Costrel and Flask applications.\n\n"
        "The application is named by the '--app' option or the 'FLASK_APP' environment variable,"
        " or is found in a 'wsgi.py' or 'app.py' file in the current directory."
    ),
)
cli.add_command(openapi_command)
cli.add_command(secret_command)
cli.add_command(settings_command)
cli.add_command(typings_command)


def main() -> None:
    """Run the ``costrel`` command line.

    Applications that import Flask get this package instead: the alias is
    installed first, in this process and in the processes that it starts.
    """
    from ..compat import install_as_flask

    # COMPAT(tracers): some import the real Flask as soon as the interpreter starts. It cannot
    # be replaced then; loading one of its applications fails with a message that says so.
    if "flask" not in sys.modules:
        install_as_flask()
        os.environ["COSTREL_AS_FLASK"] = "1"
    try:
        cli.main()
    except Exception as error:  # noqa: BLE001  (shown as Python would, from the user's code on)
        from ..settings import SettingsError

        if isinstance(error, SettingsError):
            # Its text lists everything wrong; where it was raised does not help.
            click.secho(f"Error: {error}", fg="red", err=True)
            sys.exit(1)
        # COMPAT(tracers): they replace the hook to report errors.
        error = error.with_traceback(users_frames(error))
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
