"""Tell the functions of installed packages from those of the application.

An extension was written for Flask, which does not read annotations. So its views are not typed,
unless it asks for that.
"""

from __future__ import annotations

import os
import re
import sys
import typing as t
from functools import lru_cache
from pathlib import PurePath

_FOLDERS = ("site-packages", "dist-packages")
_PACKAGE = __name__.partition(".")[0]
_REQUIREMENT = re.compile(rf"{_PACKAGE}(?![\w.-])", re.IGNORECASE)


def is_of_installed_package(app: t.Any, function: t.Any) -> bool:
    """Whether a function is of a package that was installed, and not written for typed views.

    The package that the application is in, if it is itself installed, is not meant, nor are those
    whose metadata says that they require Costrel.

    Args:
        app: The application.
        function: A function that is written in Python.
    """
    home = _home_of(function.__code__.co_filename)
    if home is None or home[1] == _PACKAGE or home == _home_of(_file_of(app)):
        return False
    return not _requires_us(home[1])


def _home_of(path: str) -> tuple[str, str] | None:
    """Return the folder for packages that a file is in, and the name of its package there."""
    parts = PurePath(path).parts
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] in _FOLDERS:
            return str(PurePath(*parts[: index + 1])), parts[index + 1].removesuffix(".py")
    return None


def _file_of(app: t.Any) -> str:
    """Return the file of the application's module, or another one beside it."""
    file = getattr(sys.modules.get(app.import_name), "__file__", None)
    return file if isinstance(file, str) else os.path.join(app.root_path, "__init__.py")


@lru_cache(maxsize=256)
def _requires_us(package: str) -> bool:
    """Whether the metadata of a package of such a name says so, not only for one of its extras."""
    # Imported here, because few applications need it.
    from importlib.metadata import PackageNotFoundError, requires

    try:
        said = requires(package) or ()
    except (PackageNotFoundError, ValueError):
        return False
    return any(_REQUIREMENT.match(line) and "extra ==" not in line for line in said)
