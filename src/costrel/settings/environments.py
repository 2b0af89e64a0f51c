"""Which environment a process is: development, testing, production, or one of your own."""

from __future__ import annotations

import logging
import os

from ..ground.environment import DEVELOPMENT as DEVELOPMENT
from ..ground.environment import (
    ENVIRONMENT_VARIABLE,
    get_debug_flag,
    names_from_env_files,
    real_environ,
)

TESTING = "testing"
PRODUCTION = "production"
STANDARD = (DEVELOPMENT, TESTING, PRODUCTION)

VARIABLE = ENVIRONMENT_VARIABLE

logger = logging.getLogger("costrel.settings")


def environment(*, debug: bool | None = None) -> str:
    """Return the name of the environment that this process is.

    That is `COSTREL_ENV`, or else "development" in debug mode, or else "production". `COSTREL_ENV`
    must be a real environment variable: a line in ``.env`` does not count, since a file that is
    copied to a server by mistake must not make it less safe.

    Args:
        debug: Whether debug mode is on; None reads `FLASK_DEBUG`.
    """
    found = environment_name(debug=debug)
    if is_ignored(found):
        logger.warning(
            "%s in .env or .flaskenv is not read, so this is %s. Set it in the environment of the"
            " process, or use --debug for development.",
            VARIABLE,
            found,
        )
    return found


def environment_name(*, debug: bool | None = None) -> str:
    """Do what `environment` does, without a word about files that are not read."""
    named = real_environ().get(VARIABLE, "").strip()
    if named:
        return named
    return DEVELOPMENT if (get_debug_flag() if debug is None else debug) else PRODUCTION


def is_ignored(name: str) -> bool:
    """Whether ``.env`` or ``.flaskenv`` names another environment than this process is."""
    return VARIABLE in names_from_env_files() and os.environ.get(VARIABLE) != name
