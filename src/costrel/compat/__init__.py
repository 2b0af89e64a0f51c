"""Support for the name ``flask``: the import alias, and façades for Flask's module paths.

This is the top layer. Nothing in Costrel depends on it; without it, only ``import flask``
would not work.
"""

from __future__ import annotations

import _costrel_alias

__all__ = ["install_as_flask"]


def install_as_flask() -> None:
    """Make ``import flask`` import Costrel in this process.

    Every public ``flask.*`` module is the same module object as in Costrel, so code that
    rebinds names in ``flask.cli`` rebinds Costrel's. `importlib.metadata` reports for
    ``flask`` the release that Costrel implements. A real Flask may be installed too, but none
    of its modules is loaded. A ``flask.*`` module that Costrel does not have raises
    `ModuleNotFoundError`.

    Call it before anything imports ``flask``, at the start of the program. Further calls do
    nothing. It applies to this process only. For the processes that it starts, set
    ``COSTREL_AS_FLASK=1`` in the environment; for a test run, use
    ``-p costrel.compat.pytest``. The name follows ``pymysql.install_as_MySQLdb()``.

    Raises `RuntimeError` if the real Flask has already been imported.
    """
    _costrel_alias.install()
