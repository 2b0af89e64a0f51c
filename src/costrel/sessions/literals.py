"""Find a secret key that stands in the source of an application."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILES = 500
"""How many files are read; an application with more is not searched to its end."""

MAX_FILE_BYTES = 1_000_000
"""Longer files are skipped, because they are data."""

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def place_in_source(app: t.Any, key: object) -> str | None:
    """Return the file and line of an application's code that has its key; None if none has.

    Looks into the Python files next to the application's module, and into those of all folders
    below if it is a package, for the key as it is and as Python would write it. The instance
    folder and environments are left out, because they are not kept with the code. Takes about
    0.1 ms for each file; called once, when an application starts.
    """
    spellings = _spellings(key)
    if not spellings:
        return None
    for number, path in enumerate(_sources(app)):
        if number >= MAX_FILES:
            break
        line = _line_with(path, spellings)
        if line is not None:
            return f"{path}:{line}"
    return None


def _spellings(key: object) -> list[bytes]:
    """Return how a key may be written in a file."""
    if isinstance(key, str):
        text = str.__repr__(key)[1:-1]
        return [text.encode("utf-8", "surrogatepass"), str.encode(key, "utf-8", "surrogatepass")]
    if isinstance(key, (bytes, bytearray)):
        return [repr(bytes(key))[2:-1].encode(), bytes(key)]
    return []


def _sources(app: t.Any) -> Iterator[Path]:
    root = Path(app.root_path)
    if not (root / "__init__.py").is_file():
        # Not a package: what is in the folders may belong to somebody else.
        yield from sorted(root.glob("*.py"))
        return
    instance = os.path.abspath(app.instance_path)
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if _is_searched(os.path.join(folder, name), instance)
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _is_searched(folder: str, instance: str) -> bool:
    name = os.path.basename(folder)
    return not (
        name.startswith(".")
        or name in _SKIPPED
        or os.path.abspath(folder) == instance
        or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
    )


def _line_with(path: Path, spellings: list[bytes]) -> int | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    for spelling in spellings:
        at = content.find(spelling)
        if at >= 0:
            return content.count(b"\n", 0, at) + 1
    return None
