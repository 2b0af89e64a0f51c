"""The distribution ``flask`` as `importlib.metadata` sees it under the alias."""

from __future__ import annotations

import importlib
import importlib.metadata
import pathlib
import typing as t

if t.TYPE_CHECKING:
    import os

# What Flask at this level asks for, and what Costrel asks for as well.
REQUIREMENTS = (
    "blinker>=1.9.0",
    "click>=8.1.3",
    "itsdangerous>=2.2.0",
    "jinja2>=3.1.2",
    "markupsafe>=2.1.1",
    "werkzeug>=3.1.0",
)


class AliasDistribution(importlib.metadata.Distribution):
    """Say that Flask is installed, at the level that Costrel implements.

    It lists no files and no entry points: nothing of Flask's lies on the disk, and the
    ``flask`` command of a real Flask installed beside is not Costrel's to announce.
    """

    @property
    def name(self) -> str:
        """Answer without reading the metadata.

        A walk over all distributions, as `importlib.metadata.entry_points` makes it, asks
        each for its name; that must not import Costrel.
        """
        return "Flask"

    def read_text(self, filename: str) -> str | None:
        """Return the text of a metadata file, ``None`` if there is no such file."""
        if filename == "METADATA":
            return describe()
        if filename == "top_level.txt":
            return "flask\n"
        return None

    def locate_file(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Return where a file of the distribution would lie."""
        return pathlib.Path(__file__).parent.parent / path


def describe() -> str:
    """Return the core metadata of the alias."""
    level = importlib.import_module("costrel.ground.environment").FLASK_LEVEL
    fields = [
        "Metadata-Version: 2.1",
        "Name: Flask",
        f"Version: {level}",
        "Summary: Flask's programming interface, provided by Costrel.",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {requirement}" for requirement in REQUIREMENTS),
    ]
    return "\n".join(fields) + "\n\n"
