"""The tutorial, followed step by step, builds the example."""

from __future__ import annotations

import doctest
import re
import typing as t
from pathlib import Path

from pages import ROOT, Page
from test_examples import SERVER, TUTORIAL, run, serves

EXAMPLE = ROOT / "examples" / "club"
Change = t.Callable[[str], str]
ADDITION = re.compile(r'(?:#|\{#) ([\w./-]+): (before|after) "(.+)"(?: #\})?')


def test_tutorial_builds_the_example(tmp_path: Path):
    """Each block is written, added or run where it is; then all files are those of the example."""
    build_by_tutorial(tmp_path)
    assert files(tmp_path / "club") == files(EXAMPLE)


def build_by_tutorial(tmp_path: Path, change: Change = str) -> None:
    """Write, add or run each block of the tutorial, after it was changed."""
    page = Page(ROOT / TUTORIAL)
    checkout = tmp_path / "path" / "to" / "costrel"
    checkout.parent.mkdir(parents=True)
    checkout.symlink_to(ROOT)
    (tmp_path / "club").mkdir()
    commands = iter(page.commands())

    for block in page.blocks:
        place = f"{page.name}:{block.line}"
        first, _, text = change(block.text).partition("\n")
        addition = ADDITION.fullmatch(first)
        if block.file_name is not None:
            path = tmp_path / block.file_name
            assert not path.exists(), f"{place} writes {block.file_name} again"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif addition is not None:
            add(tmp_path / addition[1], text, addition[2], addition[3], place)
        elif block.language == "console":
            for _line in re.findall(r"^\$ ", block.text, re.MULTILINE):
                command = next(commands)
                follow(command._replace(text=change(command.text)), tmp_path)
        else:
            assert block.language == "sh", f"{place} is neither a file nor a command"


def add(path: Path, text: str, where: str, anchor: str, place: str) -> None:
    """Add lines to a file, next to its only line that reads like the anchor."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.strip() == anchor]
    assert len(found) == 1, f"{place} wants one line {anchor!r}"
    lines.insert(found[0] + (where == "after"), text)
    path.write_text("".join(lines), encoding="utf-8")


def follow(command, folder: Path) -> None:
    """Run a command; it prints what the page shows."""
    place = f"{TUTORIAL}:{command.line}: $ {command.text}"
    if SERVER.search(command.text):
        assert serves(command.text, folder), place
        return
    done = run(["bash", "-c", command.text], folder)
    assert done.returncode == 0, f"{place}\n{done.stdout}"
    alike = doctest.OutputChecker().check_output(command.output, done.stdout, doctest.ELLIPSIS)
    assert alike, f"{place}\n{done.stdout}\nis not what the page shows:\n{command.output}"


def files(folder: Path) -> dict[str, str]:
    """Return the text of every file that is not compiled."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
