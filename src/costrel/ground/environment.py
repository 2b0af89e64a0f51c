"""Read the environment variables that Flask documents.

`FLASK_DEBUG` and `FLASK_SKIP_DOTENV` are yes/no switches. ``0``, ``false`` and
``no`` in any case mean no, anything else that is not empty means yes.
"""

from __future__ import annotations

import os

FLASK_LEVEL = "3.1.3"
"""The Flask release whose documented behaviour this package implements."""

_NO = frozenset({"0", "false", "no"})


def get_debug_flag() -> bool:
    """Tell whether `FLASK_DEBUG` asks for debug mode.

    Unset and empty mean no: debug mode lets a visitor of the error page run
    code, so it has to be asked for.
    """
    value = os.environ.get("FLASK_DEBUG", "")
    return bool(value) and value.lower() not in _NO


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether ``.env`` and ``.flaskenv`` files are to be loaded.

    A `FLASK_SKIP_DOTENV` that means yes forbids it, one that means no asks for
    it; unset or empty leaves the choice to `default`.
    """
    value = os.environ.get("FLASK_SKIP_DOTENV", "")
    if not value:
        return default
    return value.lower() in _NO
