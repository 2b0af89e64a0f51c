"""Read the fenced blocks of a Markdown page.

What a block is for, its language says, and what its first line says:

- a first line that is a comment with nothing but a file name in it makes the
  block a file, whatever its language;
- other ``python`` blocks are one program, in their order;
- ``console`` blocks are commands, each on a line with ``$`` before it, with the
  output that they give; ``...`` stands for output of any length;
- everything else (``sh``, ``text``, ...) is to be read and not run.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"(?:#|<!--|\{#|//) ([\w./-]*\.\w+)(?: -->| #\})?")


class Block(t.NamedTuple):
    """One fenced block; `line` is the page's line that its text begins at."""

    language: str
    line: int
    text: str

    @property
    def file_name(self) -> str | None:
        """Name the file that the block is, if it is one."""
        found = _FILE_NAME.fullmatch(self.text.partition("\n")[0])
        return None if found is None else found[1]


class Command(t.NamedTuple):
    """One command of a console block, and its output ('' if none is shown)."""

    line: int
    text: str
    output: str


class Page:
    """Hold what a page has its readers do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.text = path.read_text(encoding="utf-8")
        self.blocks = [
            Block(found[1], self.text.count("\n", 0, found.start(2)) + 1, found[2])
            for found in _FENCE.finditer(self.text)
        ]

    def files(self) -> dict[str, str]:
        """Return the page's files by name; `ValueError` for a name used twice."""
        files: dict[str, str] = {}
        for block in self.blocks:
            if block.file_name is None:
                continue
            if block.file_name in files:
                raise ValueError(f"{self.name}:{block.line} writes {block.file_name} again.")
            files[block.file_name] = block.text
        return files

    def program(self) -> str:
        """Return the page's program, each line at the line that it has in the page."""
        lines = [""] * (self.text.count("\n") + 1)
        for block in self.blocks:
            if block.language == "python" and block.file_name is None:
                code = block.text.splitlines()
                lines[block.line - 1 : block.line - 1 + len(code)] = code
        return "\n".join(lines)

    def commands(self) -> list[Command]:
        """Return the commands of the page's console blocks."""
        commands: list[Command] = []
        for block in self.blocks:
            if block.language != "console":
                continue
            for number, line in enumerate(block.text.splitlines(), block.line):
                if line.startswith("$ "):
                    commands.append(Command(number, line[2:], ""))
                else:
                    last = commands[-1]
                    commands[-1] = last._replace(output=f"{last.output}{line}\n")
        return commands

    def prose(self) -> str:
        """Return the page without its blocks."""
        return _FENCE.sub("", self.text)


def user_pages() -> list[Page]:
    """Return the pages that users and contributors read, but not the decisions."""
    paths = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
    return [Page(path) for path in paths]


def all_pages() -> list[Page]:
    """Return the pages above, those of the examples, and the decisions."""
    others = [*(ROOT / "examples").rglob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]
    return [*user_pages(), *map(Page, sorted(others))]
