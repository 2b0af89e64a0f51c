"""Serve an application on Werkzeug's development server: ``app.run()``."""

from __future__ import annotations

import os
import sys
import typing as t

from ..ground.environment import get_debug_flag, get_load_dotenv
from ..ground.protection import protection_of
from . import banner

if t.TYPE_CHECKING:
    from ..registration.application import App

FROM_CLI = "FLASK_RUN_FROM_CLI"
"""The environment variable that the command line sets when it imports an application."""


def run(
    app: App,
    host: str | None,
    port: int | None,
    debug: bool | None,
    load_dotenv: bool,
    options: dict[str, t.Any],
) -> None:
    """Serve until interrupted: see `costrel.Flask.run`."""
    if os.environ.get(FROM_CLI) == "true":
        if os.environ.get("WERKZEUG_RUN_MAIN") != "true":
            import click

            click.secho(
                " * Ignoring a call to 'app.run()': the 'costrel' command serves the application."
                " Put the call in an 'if __name__ == \"__main__\"' block.",
                fg="red",
            )
        return

    if get_load_dotenv(load_dotenv):
        from ..commands.envfiles import load_dotenv as read_env_files

        read_env_files()
        # The files may have changed it since the application was created.
        if "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    if app.debug and app._start_checks:
        from ..sessions.keys import debug_key

        # The process that the reloader starts inherits it.
        debug_key()

    host, port = _address(app, host, port)
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    _show_banner(app)

    from werkzeug.serving import run_simple

    if protection_of(app) is not None:
        from .nameless import NamelessHandler

        options.setdefault("request_handler", NamelessHandler)
    try:
        run_simple(host, port, app, **options)
    finally:
        # So that an interactive session can run the application again.
        app._got_first_request = False


def _address(app: App, host: str | None, port: int | None) -> tuple[str, int]:
    """Fill in a missing host or port from ``SERVER_NAME``, then from the defaults."""
    server_host, _colon, server_port = (app.config["SERVER_NAME"] or "").partition(":")
    if port is None:
        port = int(server_port) if server_port else 5000
    return host or server_host or "127.0.0.1", port


def _show_banner(app: App) -> None:
    # COMPAT: people silence the banner by rebinding it in the `cli` module, which is then
    # loaded.
    cli = sys.modules.get("costrel.cli")
    show = getattr(cli, "show_server_banner", banner.show_server_banner)
    show(app.debug, app.name)
    if os.environ.get("WERKZEUG_RUN_MAIN") != "true":
        import click

        from .interface import websocket_of

        if (websocket := websocket_of(app)) is not None:
            click.secho(
                f" * app.run() cannot serve {websocket}. Use this command: costrel run --debug",
                fg="yellow",
            )
