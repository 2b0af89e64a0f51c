"""The command group that includes the commands of the application and of plug-ins."""

from __future__ import annotations

import os
import typing as t

import click

from ..commands.discovery import format_app_error
from ..commands.groups import AppGroup, NoAppException, ScriptInfo, enter_app_context
from .options import app_option, debug_option, env_file_option, version_option
from .routes import routes_command
from .run import run_command
from .shell import shell_command

PLUGIN_GROUP = "flask.commands"
"""The entry point group in which installed distributions register commands."""


class FlaskGroup(AppGroup):
    """Group the commands of Costrel, of plug-ins and of the application.

    Use it for a custom command line around one factory; otherwise use
    ``costrel --app``. `extra` goes to `click.Group`.

    - `add_default_commands`: include ``run``, ``routes`` and ``shell``;
    - `create_app`: the factory, called without arguments;
    - `add_version_option`: include ``--version``;
    - `load_dotenv`: load ``.env`` and ``.flaskenv``;
    - `set_debug_flag`: set ``app.debug`` from ``--debug`` and `FLASK_DEBUG`.

    If the application cannot be loaded, the error is shown on stderr; built-in
    commands, plug-in commands and ``--help`` still work.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: t.Callable[..., t.Any] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: t.Any,
    ) -> None:
        params = [*(extra.pop("params", None) or ()), env_file_option, app_option, debug_option]
        if add_version_option:
            params.append(version_option)
        settings = dict(extra.pop("context_settings", None) or {})
        settings.setdefault("auto_envvar_prefix", "FLASK")
        super().__init__(params=params, context_settings=settings, **extra)

        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._loaded_plugin_commands = False
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: t.Any,
    ) -> click.Context:
        """Create the context and its `ScriptInfo` for one run of the command."""
        # With this, app.run() at the end of a script knows that the script is only imported.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options.

        ``--help`` lists the application's commands but stops the parsing. So the
        environment is read first, to find out which application it is.
        """
        asks_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        if asks_help or (not args and self.no_args_is_help):
            env_file_option.handle_parse_result(ctx, {}, [])
            app_option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)

    # The parameter has the name that Flask gives it; click's name is different.
    def get_command(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, ctx: click.Context, name: str
    ) -> click.Command | None:
        """Return a command of Costrel, of a plug-in or of the application.

        The application is loaded only if the first two have no such command. Its
        context is active when the command and the callbacks of its options run.
        """
        self._load_plugin_commands()
        command = super().get_command(ctx, name)
        if command is not None:
            return command
        try:
            app = enter_app_context(ctx)
        except NoAppException as error:
            _show_error(f"Error: {error.format_message()}\n")
            return None
        return t.cast("click.Command | None", app.cli.get_command(ctx, name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted.

        If the application cannot be loaded, its commands are left out and the
        error is shown on stderr.
        """
        self._load_plugin_commands()
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:
            _show_error(f"Error: {error.format_message()}\n")
        except Exception as error:  # noqa: BLE001  (the app's own; help still works)
            text = format_app_error(error)
            _show_error(f"{text if text.startswith('Traceback') else f'Error: {text}'}\n")
        return sorted(names)

    def _load_plugin_commands(self) -> None:
        if self._loaded_plugin_commands:
            return
        self._loaded_plugin_commands = True
        # Imported here because it is slow, and `import flask` loads this module.
        from importlib.metadata import entry_points

        for entry in entry_points(group=PLUGIN_GROUP):
            try:
                self.add_command(entry.load(), entry.name)
            except Exception as error:  # noqa: BLE001  (the other plug-ins still work)
                _show_error(
                    f"Warning: the command {entry.name!r} of the plug-in {entry.value!r} could not"
                    " be loaded:"
                    f" {type(error).__name__}: {error}"
                )


def _show_error(message: str) -> None:
    click.secho(message, fg="red", err=True)
