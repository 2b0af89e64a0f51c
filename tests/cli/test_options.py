"""``--app``, ``--env-file``, ``--debug`` and ``--version`` of every group."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import typing as t
from pathlib import Path

import pytest

APP = """
import os
import click
from flask import Flask, current_app

app = Flask(__name__)

@app.cli.command("show")
def show():
    click.echo(f"{current_app.name} debug={current_app.debug} color={os.environ.get('COLOR')}")
"""


@pytest.fixture(autouse=True)
def _hello(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(APP)


def test_app_option_finds_commands_of_the_app(costrel_command: t.Any) -> None:
    """A command of the application runs in its context."""
    result = costrel_command("--app", "hello", "show")

    assert result.stdout == "hello debug=False color=None\n"
    assert result.stderr == ""


def test_app_option_wins_over_the_variable(costrel_command: t.Any) -> None:
    """``--app`` takes precedence over `FLASK_APP`."""
    result = costrel_command("-A", "hello", "show", FLASK_APP="missing")

    assert result.stdout.startswith("hello ")


@pytest.mark.parametrize(
    ("args", "variable", "expected"),
    [
        (["--debug"], None, True),
        ([], "1", True),
        ([], "0", False),
        (["--no-debug"], "1", False),
        ([], None, False),
    ],
)
def test_debug_option_wins_over_the_variable(
    costrel_command: t.Any, args: list[str], variable: str | None, expected: bool
) -> None:
    """``--debug`` and ``--no-debug`` decide; without them `FLASK_DEBUG` does."""
    environ = {} if variable is None else {"FLASK_DEBUG": variable}

    result = costrel_command("--app", "hello", *args, "show", **environ)

    assert f"debug={expected}" in result.stdout


def test_env_files_are_loaded_in_order_of_precedence(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """The environment takes precedence, then the named file, ``.env`` and ``.flaskenv``."""
    (tmp_path / ".flaskenv").write_text("FLASK_APP=hello\nCOLOR=flaskenv\n")
    colors = [costrel_command("show").stdout.split("color=")[1]]
    (tmp_path / ".env").write_text("COLOR=env\n")
    colors.append(costrel_command("show").stdout.split("color=")[1])
    (tmp_path / "extra").write_text("COLOR=named\n")
    colors.append(costrel_command("-e", "extra", "show").stdout.split("color=")[1])
    colors.append(costrel_command("-e", "extra", "show", COLOR="set").stdout.split("color=")[1])

    assert colors == ["flaskenv\n", "env\n", "named\n", "set\n"]


def test_env_files_are_found_from_a_folder_below(costrel_command: t.Any, tmp_path: Path) -> None:
    """Parents of the working directory are searched; the directory does not change."""
    (tmp_path / ".env").write_text("COLOR=above\n")
    below = tmp_path / "below"
    below.mkdir()

    result = costrel_command("--app", "../hello", "show", cwd=below)

    assert "color=above" in result.stdout


def test_env_files_are_skipped_when_asked(costrel_command: t.Any, tmp_path: Path) -> None:
    """With `FLASK_SKIP_DOTENV` the default files are not loaded."""
    (tmp_path / ".env").write_text("COLOR=env\n")

    result = costrel_command("--app", "hello", "show", FLASK_SKIP_DOTENV="1")

    assert "color=None" in result.stdout


def test_env_files_without_dotenv_installed_give_a_hint(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """If files cannot be read, one line shows the command to run."""
    (tmp_path / ".env").write_text("COLOR=env\n")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "dotenv.py").write_text("raise ImportError('not installed')\n")

    result = costrel_command("--app", "hello", "show", PYTHONPATH=str(hidden))
    named = costrel_command("-e", ".env", "--app", "hello", "show", PYTHONPATH=str(hidden))

    assert result.returncode == 0
    assert "color=None" in result.stdout
    assert result.stderr.count("\n") == 1
    assert "pip install python-dotenv" in result.stderr
    assert named.returncode == 2
    assert "pip install python-dotenv" in named.stderr


def test_env_file_that_is_missing_is_refused(costrel_command: t.Any) -> None:
    """A named file has to exist."""
    result = costrel_command("-e", "nowhere", "--app", "hello", "show")

    assert result.returncode == 2
    assert "'nowhere' does not exist" in result.stderr


def test_version_names_what_a_bug_report_needs(costrel_command: t.Any) -> None:
    """One line each for Python, Costrel, the Flask level and Werkzeug."""
    lines = costrel_command("--version").stdout.splitlines()

    assert lines[0] == f"Python {platform.python_version()}"
    assert lines[1].startswith("Costrel ")
    assert lines[2].startswith("Flask 3.1.3")
    assert lines[3] == f"Werkzeug {importlib.metadata.version('werkzeug')}"


def test_command_sets_the_alias_for_its_processes(costrel_command: t.Any, tmp_path: Path) -> None:
    """Processes started by an application's command get Costrel for Flask too."""
    (tmp_path / "hello.py").write_text(
        APP + "@app.cli.command('environ')\ndef environ():\n"
        "    click.echo(os.environ['COSTREL_AS_FLASK'] + Flask.__module__.partition('.')[0])\n"
    )

    assert costrel_command("--app", "hello", "environ").stdout == f"1costrel{os.linesep}"
