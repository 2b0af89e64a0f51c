"""The names of the package itself."""

from __future__ import annotations

import types

from werkzeug.wrappers import Request

import costrel
from costrel.compat.names import widen


def test_package_lists_its_public_names_only() -> None:
    """No submodule, import or private name; every name listed is there."""
    listed = dir(costrel)
    assert {"Flask", "websocket", "EventStream", "json", "install_as_flask"} <= set(listed)
    assert not {"sys", "t", "warnings", "importlib", "annotations", "FLASK_LEVEL"} & set(listed)
    names = [name for name in listed if not name.startswith("__")]
    assert not [name for name in names if name.startswith("_")]
    modules = [name for name in names if isinstance(getattr(costrel, name), types.ModuleType)]
    assert modules == ["json"]


def test_module_under_the_alias_keeps_its_own_later_names() -> None:
    """What a module provides when it is asked for stays, beside what only Flask's has."""
    module = types.ModuleType("own")
    vars(module)["__getattr__"] = {"later": 1}.__getitem__
    widen(module, "flask.wrappers")
    assert module.later == 1
    assert module.RequestBase is Request


def test_names_of_sessions_are_there_under_the_command(run_python) -> None:
    """Under the alias too, those that are imported when they are first asked for."""
    run_python(
        code="""
        import costrel

        costrel.install_as_flask()
        import flask.sessions
        from costrel.sessions import SessionStore, end_sessions_of

        assert flask.sessions.end_sessions_of is end_sessions_of
    """
    )
