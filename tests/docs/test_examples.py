"""What the documentation shows works when it is typed in."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import signal
import subprocess
import sys
import threading
import typing as t
import urllib.request
from pathlib import Path

import pytest
from pages import Page, user_pages

TIME_LIMIT_S = 60
FOREIGN_VARIABLES = ("FLASK_", "COSTREL_", "PYTHON", "PYTEST_", "GUNICORN_")
SERVER = re.compile(r"(?:costrel|gunicorn|flask)\b(?!.*--help)(?:.* run\b|.*:app$)")
SERVING_AT = re.compile(r"(?:Running on|Listening at:) (http://[\w.:]+)")

TUTORIAL = "docs/tutorial.md"
"""The page whose order matters: `test_tutorial.py` follows it."""

PAGES = [
    page
    for page in user_pages()
    if page.name != TUTORIAL and (page.program().strip() or page.commands())
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_a_page_run(page: Page, tmp_path: Path):
    """A page's program ends without an error, and its commands print what it shows."""
    for name, text in page.files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    if page.program().strip():
        # Named like the page and with its line numbers, so that a traceback tells the place.
        program = tmp_path / page.path.name
        program.write_text(page.program(), encoding="utf-8")
        done = run([sys.executable, "-W", "error", page.path.name], tmp_path)
        assert done.returncode == 0, done.stdout

    for command in page.commands():
        place = f"{page.name}:{command.line}: $ {command.text}"
        if SERVER.search(command.text):
            assert serves(command.text, tmp_path), place
            continue
        done = run(["bash", "-c", command.text], tmp_path)
        assert done.returncode == 0, f"{place}\n{done.stdout}"
        if command.output:
            shown = command.output.rstrip() + "\n"
            alike = doctest.OutputChecker().check_output(
                shown, done.stdout.rstrip() + "\n", doctest.ELLIPSIS
            )
            assert alike, f"{place}\n{done.stdout}\nis not what the page shows:\n{shown}"


def environment() -> dict[str, str]:
    """Return the environment of a user who has just installed Costrel."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_VARIABLES)}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    own["PYTHONUNBUFFERED"] = "1"
    return own


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end."""
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT_S,
    )


def serves(command: str, folder: Path) -> bool:
    """Start a server on a free port, ask it for "/" and stop it; tell whether it was 200."""
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment() | {"FLASK_RUN_PORT": "0", "GUNICORN_CMD_ARGS": "--bind 127.0.0.1:0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process, contextlib.ExitStack() as stack:
        end = threading.Timer(TIME_LIMIT_S, os.killpg, (process.pid, signal.SIGKILL))
        end.start()
        stack.callback(end.cancel)
        stack.callback(stop, process)
        url = address(t.cast("t.IO[str]", process.stdout))
        with urllib.request.urlopen(url, timeout=TIME_LIMIT_S) as response:  # noqa: S310  http it is
            return t.cast("bool", response.status == 200)


def address(output: t.IO[str]) -> str:
    """Read what a server prints until it names its address."""
    seen = ""
    for line in output:
        seen += line
        found = SERVING_AT.search(re.sub(r"\x1b\[[0-9;]*m", "", line))
        if found is not None:
            return found[1]
    raise AssertionError(f"The server did not start:\n{seen}")


def stop(process: subprocess.Popen[str]) -> None:
    """End a server and wait until it has ended."""
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
