"""The package is laid out by one rule: at the top what users import, below it the rooms."""

from __future__ import annotations

import ast
import re
import tomllib
import typing as t
from pathlib import Path

import costrel

ROOT = Path(__file__).parents[2]
PACKAGE = Path(costrel.__file__).parent

FLASKS = frozenset(
    """
    app blueprints cli config ctx globals helpers json logging sessions signals templating testing
    typing views wrappers __main__
    """.split()
)
OURS = frozenset({"api", "login", "openapi", "security", "settings", "sse", "websockets"})
ROOMS = frozenset(
    "commands compat dispatch ground registration routing serve servers".split()  # not for users
)
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def at_the_top() -> set[str]:
    """Return the names of the package's own modules and folders."""
    found = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return found | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imports_of(path: Path) -> t.Iterator[str]:
    """Yield what a file imports from the package, as names of modules or what is in them."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*inside[: len(inside) - node.level + 1], *(node.module or "").split(".")]
            for name in node.names:
                yield ".".join(filter(None, [*base, name.name]))


def imported_by(room: str) -> set[str]:
    """Return the rooms that the files of a room, or a module, import."""
    folder = PACKAGE / room
    files = list(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return {name.partition(".")[0] for path in files for name in imports_of(path)} - {room}


def layers() -> list[set[str]]:
    """Return the layers that the import linter holds, from the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = settings["tool"]["importlinter"]["contracts"][0]
    return [set(re.split(r"\s*[:|]\s*", layer)) for layer in contract["layers"]]


def test_module_at_the_top_is_one_that_users_import() -> None:
    """Whatever else there is lives in a room that says what it does."""
    assert at_the_top() == FLASKS | OURS | ROOMS


def test_room_is_not_for_users() -> None:
    """Neither the documentation nor an example imports from one."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.py")]
    assert len(pages) > 15
    found = {
        (page.name, room)
        for page in pages
        for room in re.findall(r"(?:from|import) costrel\.(\w+)", page.read_text())
        if room in ROOMS - {"compat"}  # a plugin of pytest is named
    }
    assert not found


def test_every_room_is_in_the_table() -> None:
    """ARCHITECTURE.md has a line for each."""
    table = ARCHITECTURE.split("## The rooms")[1].split("\n### ")[0]
    named = set(re.findall(r"`(\w+)(?:/|\.py)`", table))
    assert at_the_top() - {"__main__"} <= named


def test_picture_shows_imports_that_are_there() -> None:
    """Each arrow is an import, and points down."""
    picture = ARCHITECTURE.split("```mermaid\n")[1].split("```")[0]
    arrow = r'^\s*(\w+)(?:\["[^"]*"\])?\s*-->(?:\|[^|]*\|)?\s*(\w+)'
    arrows = re.findall(arrow, picture, re.MULTILINE)
    heights = {name: height for height, layer in enumerate(layers()) for name in layer}
    assert len(set(arrows)) > 15
    for upper, lower in arrows:
        assert lower in imported_by(upper), f"{upper} does not import {lower}"
        assert heights[upper] < heights[lower], f"{lower} is not below {upper}"
    shown = {name for arrow in arrows for name in arrow}
    assert ROOMS - {"compat"} <= shown
