"""Notice that an extension has imported Flask itself, beside an application of Costrel."""

from __future__ import annotations

import sys
import types
import typing as t

from ..ground.current import current_app
from .origin import warn

_NAMED = 3
"""How many packages the warning names."""

_looked_at = 0
"""How many modules there were when they were last looked at; endless after the warning."""


class MixedFlaskWarning(UserWarning):
    """Flask itself is used beside Costrel in one process. Filter it if that is intended."""


def warn_of_real_flask() -> None:
    """Warn once if modules of this process hold names of Flask itself.

    It costs nothing unless Flask was imported: called when an application is made, and when it
    compiles its plans, since an extension may be imported later.
    """
    global _looked_at  # noqa: PLW0603  once in a process
    real = sys.modules.get("flask.globals")
    if real is None or vars(real).get("current_app", current_app) is current_app:
        return
    if len(sys.modules) <= _looked_at:
        return
    holders = _holders()
    _looked_at = sys.maxsize if holders else len(sys.modules)
    if not holders:
        return
    shown = ", ".join(list(holders.values())[:_NAMED])
    more = f" and {len(holders) - _NAMED} more" if len(holders) > _NAMED else ""
    first = next(iter(holders))
    warn(
        f"Costrel and Flask are mixed: {shown}{more} imported Flask itself, but this application"
        " is Costrel's. Their `current_app` and `request` look for an application of Flask, and"
        " raise 'Working outside of application context'. Let `import flask` import Costrel:"
        " start the program with COSTREL_AS_FLASK=1 in its environment or with `costrel run`, or"
        f" call costrel.install_as_flask() before the import of {first}. (Tests: pytest -p"
        " costrel.compat.pytest.)",
        MixedFlaskWarning,
    )


def _holders() -> dict[str, str]:
    """Return the packages with a module that holds a name of Flask: one module, with its file."""
    names = _names()
    found: dict[str, str] = {}
    for name, module in sys.modules.copy().items():
        package = name.partition(".")[0]
        if package in {"flask", "costrel"} or package in found:
            continue
        # Not `vars`: it would load a lazy module. And anything may be in `sys.modules`.
        if not issubclass(type(module), types.ModuleType):
            continue
        content: dict[str, t.Any] = object.__getattribute__(module, "__dict__")
        if any(id(value) in names for value in content.copy().values()):
            file = content.get("__file__")
            found[package] = f"{name} ({file})" if file else name
    return found


def _names() -> set[int]:
    """Return the ids of Flask's modules, and of what its package and `flask.globals` offer."""
    modules = [m for name, m in sys.modules.copy().items() if name.partition(".")[0] == "flask"]
    offered = [*vars(sys.modules["flask"]).values()] if "flask" in sys.modules else []
    own = [
        value
        for value in offered
        if type(value) in {type, types.FunctionType}
        and str(value.__module__).partition(".")[0] == "flask"
    ]
    proxies = [
        value for name, value in vars(sys.modules["flask.globals"]).items() if name in _PROXIES
    ]
    return set(map(id, [*modules, *own, *proxies]))


_PROXIES = frozenset("app_ctx current_app g request request_ctx session".split())
