"""Read the environment variables that Flask documents.

`FLASK_DEBUG` and `FLASK_SKIP_DOTENV` are yes/no switches. ``0``, ``false``, and ``no``, in
upper or lower case, mean no; any other value that is not empty means yes.
"""

from __future__ import annotations

import os
import typing as t

FLASK_LEVEL = "3.1.3"
"""The Flask release whose documented behaviour this package implements."""

DEBUG_VARIABLE = "FLASK_DEBUG"
"""The environment variable that turns on debug mode."""

ENVIRONMENT_VARIABLE = "COSTREL_ENV"
"""The environment variable that names the environment: see `costrel.settings.environment`."""

DEVELOPMENT = "development"
"""The name of the environment in which ``.env`` and ``.flaskenv`` are read."""

_NO = frozenset({"0", "false", "no"})


def get_debug_flag() -> bool:
    """Whether `FLASK_DEBUG` turns on debug mode.

    Unset and empty mean no: in debug mode a visitor of the error page can run code, so it
    has to be turned on explicitly. For the same reason one from ``.env`` or ``.flaskenv`` does not
    count where `COSTREL_ENV` in the environment says something else than "development".
    """
    value = os.environ.get("FLASK_DEBUG", "")
    return bool(value) and value.lower() not in _NO and not is_debug_ignored()


def is_debug_ignored() -> bool:
    """Whether `FLASK_DEBUG` comes from a file that does not count here: see `get_debug_flag`."""
    names = names_from_env_files()
    if DEBUG_VARIABLE not in names or ENVIRONMENT_VARIABLE in names:
        return False
    return os.environ.get(ENVIRONMENT_VARIABLE, "").strip() not in {"", DEVELOPMENT}


def choose_debug(wanted: bool, *, by_file: bool) -> None:
    """Turn debug mode on or off for this process and those that it starts.

    Args:
        wanted: Whether it is to be on.
        by_file: Whether ``.env`` or ``.flaskenv`` says so, which `get_debug_flag` may not heed.
    """
    os.environ[DEBUG_VARIABLE] = "1" if wanted else "0"
    others = names_from_env_files() - {DEBUG_VARIABLE}
    os.environ[_FROM_ENV_FILES] = ",".join(others)
    note_from_env_files([DEBUG_VARIABLE] if by_file else ())


def get_load_dotenv(default: bool = True) -> bool:
    """Whether ``.env`` and ``.flaskenv`` files should be loaded.

    If `FLASK_SKIP_DOTENV` means yes, they are not; if it means no, they are. If it is unset
    or empty, `default` decides.
    """
    value = os.environ.get("FLASK_SKIP_DOTENV", "")
    if not value:
        return default
    return value.lower() in _NO


_FROM_ENV_FILES = "COSTREL_FROM_ENV_FILES"
"""The environment variable with the names of those that ``.env`` or ``.flaskenv`` has set.

In the environment, because the processes that a server starts inherit what was set.
"""


def note_from_env_files(names: t.Iterable[str]) -> None:
    """Note which environment variables come from ``.env`` or ``.flaskenv``."""
    noted = names_from_env_files().union(names)
    if noted:
        os.environ[_FROM_ENV_FILES] = ",".join(sorted(noted))


def names_from_env_files() -> frozenset[str]:
    """Return the names of the environment variables that ``.env`` or ``.flaskenv`` has set."""
    return frozenset(filter(None, os.environ.get(_FROM_ENV_FILES, "").split(",")))


def real_environ() -> dict[str, str]:
    """Return the environment variables without those from ``.env`` and ``.flaskenv``.

    A file that the user has named with ``--env-file`` counts as the environment.
    """
    noted = names_from_env_files()
    return {name: value for name, value in os.environ.items() if name not in noted}
