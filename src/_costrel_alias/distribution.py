"""The distribution ``flask``, as `importlib.metadata` sees it under the alias."""

from __future__ import annotations

import importlib
import importlib.metadata
import pathlib
import typing as t

if t.TYPE_CHECKING:
    import os

# What this release of Flask requires; Costrel requires it too.
REQUIREMENTS = (
    "blinker>=1.9.0",
    "click>=8.1.3",
    "itsdangerous>=2.2.0",
    "jinja2>=3.1.2",
    "markupsafe>=2.1.1",
    "werkzeug>=3.1.0",
)


class AliasDistribution(importlib.metadata.Distribution):
    """Report that Flask is installed, in the release that Costrel implements.

    It lists no files and no entry points: there are no files of Flask on disk, and the
    ``flask`` command of a real Flask does not belong to Costrel.
    """

    @property
    def name(self) -> str:
        """The name, without reading the metadata.

        `importlib.metadata.entry_points` asks every distribution for its name; that must not
        import Costrel.
        """
        return "Flask"

    def read_text(self, filename: str) -> str | None:
        """Return the text of a metadata file; ``None`` if it does not exist."""
        if filename == "METADATA":
            return describe()
        if filename == "top_level.txt":
            return "flask\n"
        return None

    def locate_file(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Return the path where a file of the distribution would be."""
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
