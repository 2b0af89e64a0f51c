"""``costrel shell``, fed from standard input."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
from click.testing import CliRunner

from costrel import Flask
from costrel.cli import FlaskGroup, shell

APP = """
from flask import Flask, current_app

app = Flask(__name__)

@app.shell_context_processor
def names():
    return {"answer": 42}
"""


def test_shell_has_app_context_and_names(costrel_command: t.Any, tmp_path: Path) -> None:
    """The application is current; ``app``, ``g`` and the processors' names are defined."""
    (tmp_path / "hello.py").write_text(APP)

    result = costrel_command(
        "--app",
        "hello",
        "shell",
        stdin="from flask import current_app\n"
        "print(current_app.name, app is current_app._get_current_object(), answer, g)\n",
    )

    assert result.returncode == 0
    assert "hello True 42 <flask.g of 'hello'>" in result.stdout
    assert "App: hello\n" in result.stderr
    assert f"Instance: {tmp_path / 'instance'}\n" in result.stderr
    assert result.stderr.startswith("Python 3.")


def test_shell_runs_the_startup_file_first(costrel_command: t.Any, tmp_path: Path) -> None:
    """Names from the PYTHONSTARTUP file are defined; the app's names take precedence."""
    (tmp_path / "hello.py").write_text(APP)
    startup = tmp_path / "startup.py"
    startup.write_text("greeting = 'hi'\nanswer = 'overruled'\n")

    result = costrel_command(
        "--app", "hello", "shell", stdin="print(greeting, answer)\n", PYTHONSTARTUP=str(startup)
    )

    assert "hi 42" in result.stdout


def test_shell_has_the_models_of_sqlalchemy(costrel_command: t.Any, tmp_path: Path) -> None:
    """Each model is defined under its name, and ``db``; the app's own names take precedence."""
    (tmp_path / "hello.py").write_text(
        APP
        + """
from flask_sqlalchemy import SQLAlchemy

app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db = SQLAlchemy(app)


class Member(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""
    )

    result = costrel_command(
        "--app", "hello", "shell", stdin="print(Member.__tablename__, db.engine.name, answer)\n"
    )

    assert "member sqlite 42" in result.stdout, result.stderr


def test_shell_is_ipython_where_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, it gets the same names."""
    (tmp_path / "IPython.py").write_text(
        "def start_ipython(argv, user_ns):\n    print(argv, sorted(user_ns))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(shell, "sys", _Terminal)
    result = CliRunner().invoke(FlaskGroup(create_app=lambda: Flask("hello")), ["shell"])
    sys.modules.pop("IPython", None)

    assert result.exit_code == 0, result.output
    assert "['--no-banner'] ['app', 'g']" in result.output
    assert "App: hello" in result.output


class _Terminal:
    version = sys.version
    platform = sys.platform

    class stdin:  # noqa: N801  (as `sys` has it)
        @staticmethod
        def isatty() -> bool:
            return True
