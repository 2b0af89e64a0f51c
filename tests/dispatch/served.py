"""An application that has served, and how to ask it; for the tests of this folder."""

from __future__ import annotations

from costrel import Flask


def served_app(cls=Flask):
    """Make an application that has served a request already."""
    app = cls(__name__)
    app.get("/", endpoint="index")(lambda: "index")
    app.get("/error", endpoint="error")(lambda: 1 / 0)
    app.get("/<name>/view", endpoint="view")(lambda name: name)
    app.test_client().get("/")
    return app


def as_index(app):
    """Put a function into the registry in place of the view of ``/``."""

    def decorate(view):
        app.view_functions["index"] = view
        return view

    return decorate


def ask(app, path="/", method="GET"):
    """Return status and text of a request."""
    response = app.test_client().open(path, method=method)
    return response.status_code, response.text
