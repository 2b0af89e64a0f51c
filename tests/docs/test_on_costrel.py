"""The programs of the first pages also run on the class `Costrel`, with its safe defaults."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pages import ROOT, Page
from test_examples import run, serves
from test_tutorial import build_by_tutorial

QUICKSTART = Page(ROOT / "docs" / "quickstart.md")


def on_costrel(code: str) -> str:
    """Name the class `Costrel` wherever Python code names `Flask`."""
    return re.sub(r"\bFlask\b", "Costrel", code)


def test_quickstart_runs_on_costrel(tmp_path: Path):
    """Nothing but the class has to be changed for its programs, and its server starts."""
    for name, text in QUICKSTART.files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(on_costrel(text) if path.suffix == ".py" else text, encoding="utf-8")
    program = tmp_path / "quickstart.py"
    program.write_text(on_costrel(QUICKSTART.program()), encoding="utf-8")

    assert "Flask(" in QUICKSTART.program()
    done = run([sys.executable, "-W", "error", program.name], tmp_path)
    assert done.returncode == 0, done.stdout
    for command in QUICKSTART.commands():
        assert serves(command.text, tmp_path), command.text


COMMANDS = {
    # Its development key is known to everybody: only debug mode accepts it.
    "costrel --app club run": "costrel --app club run --debug",
    # It lists what checks handshakes, too.
    "costrel --app club routes --match WS /chat/messages": (
        "costrel --app club routes --match WS /chat/messages | grep -v 'before *Guard'"
    ),
    # "long-and-random" is neither.
    "FLASK_SECRET_KEY=long-and-random ": "FLASK_SECRET_KEY=$(costrel secret 2>/dev/null) ",
}
"""What has to be changed in the tutorial's commands, with the reason."""


def test_tutorial_runs_on_costrel(tmp_path: Path):
    """Its files need no other change than the class, and three of its commands."""
    changed = []

    def change(text: str) -> str:
        for command, other in COMMANDS.items():
            if text.startswith(command):
                changed.append(command)
                return text.replace(command, other)
        return on_costrel(text)

    build_by_tutorial(tmp_path, change)
    assert "Costrel(__name__" in (tmp_path / "club" / "__init__.py").read_text(encoding="utf-8")
    assert changed == list(COMMANDS)
