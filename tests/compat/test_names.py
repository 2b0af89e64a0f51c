"""The names of the package itself."""

from __future__ import annotations

import types

import costrel


def test_package_lists_its_public_names_only() -> None:
    """No submodule, import or private name; every name listed is there."""
    listed = dir(costrel)
    assert {"Flask", "websocket", "EventStream", "json", "install_as_flask"} <= set(listed)
    assert not {"sys", "t", "warnings", "importlib", "annotations", "FLASK_LEVEL"} & set(listed)
    names = [name for name in listed if not name.startswith("__")]
    assert not [name for name in names if name.startswith("_")]
    modules = [name for name in names if isinstance(getattr(costrel, name), types.ModuleType)]
    assert modules == ["json"]


def test_names_that_modules_import_late_are_there_beside_the_alias(run_python) -> None:
    """As under the command, where Flask's names are added to the modules of Costrel."""
    run_python(
        code="""
        import costrel

        costrel.install_as_flask()
        import flask.sessions
        from costrel.sessions import SessionStore, end_sessions_of

        assert flask.sessions.end_sessions_of is end_sessions_of
        assert flask.sessions.BadSignature.__module__ == "itsdangerous.exc"
        assert not hasattr(flask.sessions, "no_such_name")
    """
    )
