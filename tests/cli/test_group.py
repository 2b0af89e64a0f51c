"""`FlaskGroup`: commands of plug-ins, and applications that do not load."""

from __future__ import annotations

import typing as t
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from costrel import Flask
from costrel.cli import FlaskGroup, ScriptInfo, pass_script_info


@pytest.fixture
def plugins(tmp_path: Path) -> str:
    """Create an importable folder that looks like an installed distribution."""
    folder = tmp_path / "site"
    info = folder / "plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[flask.commands]\ngreet = plugin:greet\nbroken = plugin:missing\n"
    )
    (folder / "plugin.py").write_text(
        "import click, flask\n"
        "@click.command()\n"
        "@flask.cli.with_appcontext\n"
        "def greet():\n"
        "    click.echo(f'greetings from {flask.current_app.name}')\n"
    )
    return str(folder)


def test_plugin_command_runs(costrel_command: t.Any, tmp_path: Path, plugins: str) -> None:
    """Entry points of ``flask.commands`` are commands; a broken one does not hide others."""
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask('shop')\n")

    result = costrel_command("greet", PYTHONPATH=plugins)

    assert result.stdout == "greetings from shop\n"
    assert result.stderr.startswith("Warning: the command 'broken' of the plug-in 'plugin:missing'")
    assert result.stderr.count("\n") == 1


def test_plugin_commands_are_listed_without_an_app(costrel_command: t.Any, plugins: str) -> None:
    """Help lists built-in and plug-in commands even if no application is found."""
    result = costrel_command("--help", PYTHONPATH=plugins)

    assert result.returncode == 0
    assert "FLASK_APP" in result.stderr
    listed = [line.split()[0] for line in result.stdout.split("Commands:\n")[1].splitlines()]
    installed = {entry.name for entry in entry_points(group="flask.commands")}
    own = [name for name in listed if name not in installed]
    assert own == ["greet", "openapi", "routes", "run", "secret", "settings", "shell", "typings"]


def test_help_lists_commands_of_the_app_named_by_variable(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """`FLASK_APP` is read before help is printed, also from ``.flaskenv``."""
    (tmp_path / "hello.py").write_text(
        "from flask import Flask\napp = Flask('x')\n"
        "@app.cli.command()\ndef sweep():\n    'Sweep the floor.'\n"
    )
    (tmp_path / ".flaskenv").write_text("FLASK_APP=hello\n")

    assert "sweep     Sweep the floor." in costrel_command("--help").stdout
    assert "sweep     Sweep the floor." in costrel_command().stderr + costrel_command().stdout


def test_help_of_an_app_that_raises_shows_the_error() -> None:
    """The traceback goes to stderr, help to stdout."""

    def create_app() -> Flask:
        raise LookupError("no database")

    result = CliRunner().invoke(FlaskGroup(create_app=create_app), ["--help"])

    assert result.exit_code == 0
    assert "LookupError: no database" in result.stderr
    assert "Usage:" in result.stdout


def test_unknown_command_without_app_explains_both(costrel_command: t.Any) -> None:
    """The error for an unknown command says how to name the application."""
    result = costrel_command("frobnicate")

    assert result.returncode == 2
    assert "'--app' option" in result.stderr
    assert "No such command 'frobnicate'" in result.stderr


def test_script_info_is_passed_and_keeps_one_app() -> None:
    """`pass_script_info` gives the object whose app is loaded once."""
    made: list[Flask] = []

    def create_app() -> Flask:
        made.append(Flask("once"))
        return made[-1]

    group = FlaskGroup(create_app=create_app)

    @group.command()
    @pass_script_info
    def check(info: ScriptInfo) -> None:
        click.echo(info.load_app() is made[0])

    result = CliRunner().invoke(group, ["check"])

    assert result.output == "True\n"
    assert len(made) == 1


def test_group_without_defaults_has_no_commands() -> None:
    """Built-in commands, ``--version`` and the debug flag can be switched off."""

    def create_app() -> Flask:
        app = Flask("bare")
        app.debug = True
        return app

    group = FlaskGroup(
        add_default_commands=False,
        add_version_option=False,
        set_debug_flag=False,
        load_dotenv=False,
        create_app=create_app,
    )

    @group.command()
    @pass_script_info
    def debug(info: ScriptInfo) -> None:
        click.echo(info.load_app().debug)

    assert CliRunner().invoke(group, ["debug"]).output == "True\n"
    assert CliRunner().invoke(group, ["run"]).exit_code == 2
    assert CliRunner().invoke(group, ["--version"]).exit_code == 2


def test_error_of_the_app_is_shown_from_its_code_on(costrel_command: t.Any, tmp_path: Path) -> None:
    """No frame of Costrel, click or the import system comes first."""
    (tmp_path / "broken.py").write_text("def boom():\n    return {}['x']\n\n\nboom()\n")
    (tmp_path / "open.py").write_text("x = (\n")

    for command in ("routes", "shell"):
        result = costrel_command("--app", "broken", command, stdin="")
        assert result.returncode == 1
        assert result.stderr.startswith("Traceback (most recent call last):\n  File ")
        assert "broken.py" in result.stderr.splitlines()[1]
        assert "KeyError: 'x'" in result.stderr

        result = costrel_command("--app", "open", command, stdin="")
        assert result.returncode == 1
        assert 'open.py", line 1' in result.stderr.splitlines()[0]
        assert "SyntaxError" in result.stderr
