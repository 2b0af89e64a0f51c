"""Read the environment variables that Flask documents.

`FLASK_DEBUG` and `FLASK_SKIP_DOTENV` are yes/no switches. ``0``, ``false``, and ``no``, in
upper or lower case, mean no; any other value that is not empty means yes.
"""

from __future__ import annotations

import os

FLASK_LEVEL = "3.1.3"
"""The Flask release whose documented behaviour this package implements."""

_NO = frozenset({"0", "false", "no"})


def get_debug_flag() -> bool:
    """Whether `FLASK_DEBUG` turns on debug mode.

    Unset and empty mean no: in debug mode a visitor of the error page can run code, so it
    has to be turned on explicitly.
    """
    value = os.environ.get("FLASK_DEBUG", "")
    return bool(value) and value.lower() not in _NO


def get_load_dotenv(default: bool = True) -> bool:
    """Whether ``.env`` and ``.flaskenv`` files should be loaded.

    If `FLASK_SKIP_DOTENV` means yes, they are not; if it means no, they are. If it is unset
    or empty, `default` decides.
    """
    value = os.environ.get("FLASK_SKIP_DOTENV", "")
    if not value:
        return default
    return value.lower() in _NO
