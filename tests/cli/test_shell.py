"""``costrel shell``, fed from standard input."""

from __future__ import annotations

import typing as t
from pathlib import Path

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
