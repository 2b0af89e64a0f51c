"""Stubs with which type checkers know ``flask`` as Costrel."""

from __future__ import annotations

import pathlib
import typing as t

from .names import NAMES

_PACKAGES = ("flask", "flask.json", "flask.sansio")
_MODULES = (
    "flask.app",
    "flask.blueprints",
    "flask.cli",
    "flask.config",
    "flask.ctx",
    "flask.debughelpers",
    "flask.globals",
    "flask.helpers",
    "flask.json.provider",
    "flask.json.tag",
    "flask.logging",
    "flask.sansio.app",
    "flask.sansio.blueprints",
    "flask.sansio.scaffold",
    "flask.sessions",
    "flask.signals",
    "flask.templating",
    "flask.testing",
    "flask.typing",
    "flask.views",
    "flask.wrappers",
)
_FACADES = ("debughelpers", "sansio")

_HEAD = """\
# Written by `costrel typings`: type checkers read flask as Costrel.
# ruff: noqa
"""


def write_stubs(folder: pathlib.Path) -> pathlib.Path:
    """Write the stubs of ``flask`` into `folder`; return the package that holds them.

    Each module of Flask re-exports the names of Costrel's module. Existing stubs of ``flask``
    in `folder` are overwritten. Raises `OSError` if a file cannot be written.
    """
    for module in (*_PACKAGES, *_MODULES):
        path = folder.joinpath(*module.split("."))
        path = path / "__init__.pyi" if module in _PACKAGES else path.with_suffix(".pyi")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join((_HEAD, *_lines(module), "")))
    return folder / "flask"


def _lines(module: str) -> t.Iterator[str]:
    """Yield the lines of a stub."""
    _, _, name = module.partition(".")
    parts = ["costrel", "compat", name] if name.startswith(_FACADES) else ["costrel", name]
    yield f"from {'.'.join(filter(None, parts))} import *"
    for alias, place in sorted(NAMES.get(module, {}).items()):
        source, _, attribute = place.partition(":")
        # Private names are for code that imports them, not for type checkers.
        if not alias.startswith("_"):
            found = f"from {source} import {attribute}" if attribute else f"import {source}"
            yield f"{found} as {alias}"
