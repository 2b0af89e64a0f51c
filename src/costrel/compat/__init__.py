"""What only the name ``flask`` needs: the import alias and façades of Flask's paths.

The top layer. Nothing in Costrel depends on it; without it, only ``import flask`` is gone.
"""

from __future__ import annotations

import _costrel_alias

__all__ = ["install_as_flask"]


def install_as_flask() -> None:
    """Make ``import flask`` import Costrel in this process.

    Every public ``flask.*`` module becomes the very module object of Costrel, so that code
    which rebinds names in ``flask.cli`` rebinds Costrel's. `importlib.metadata` answers for
    ``flask`` with the release that Costrel implements, whether or not a real Flask is
    installed beside; no module of it is loaded. A ``flask.*`` module that Costrel does not
    have raises `ModuleNotFoundError`.

    Call it before anything imports ``flask``, as the first lines of the program. Further
    calls do nothing. It holds for this process; set ``COSTREL_AS_FLASK=1`` in the
    environment for the processes that it starts, or use ``-p costrel.compat.pytest`` for a
    test run. The name follows ``pymysql.install_as_MySQLdb()``.

    Raises `RuntimeError` if the real Flask has been imported already.
    """
    _costrel_alias.install()
