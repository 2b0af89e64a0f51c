"""Which environment a process is: development, testing, production, or one of your own."""

from __future__ import annotations

import logging
import os

from ..ground.environment import get_debug_flag, names_from_env_files, real_environ

DEVELOPMENT = "development"
TESTING = "testing"
PRODUCTION = "production"
STANDARD = (DEVELOPMENT, TESTING, PRODUCTION)

VARIABLE = "COSTREL_ENV"
"""The environment variable that names the environment."""

logger = logging.getLogger("costrel.settings")


def environment(*, debug: bool | None = None) -> str:
    """Return the name of the environment that this process is.

    That is `COSTREL_ENV`, or else "development" in debug mode, or else "production". `COSTREL_ENV`
    must be a real environment variable: a line in ``.env`` does not count, since a file that is
    copied to a server by mistake must not make it less safe.

    Args:
        debug: Whether debug mode is on; None reads `FLASK_DEBUG`.
    """
    named = real_environ().get(VARIABLE, "").strip()
    if named:
        return named
    found = DEVELOPMENT if (get_debug_flag() if debug is None else debug) else PRODUCTION
    if VARIABLE in names_from_env_files() and os.environ.get(VARIABLE) != found:
        logger.warning(
            "%s in .env or .flaskenv is not read, so this is %s. Set it in the environment of the"
            " process, or use --debug for development.",
            VARIABLE,
            found,
        )
    return found
