"""The application that the tests of this folder start from."""

from __future__ import annotations

from costrel import Flask


def make_app(cls=Flask, **kwargs):
    """Make an application with a view, an error and a key."""
    app = cls(__name__, **kwargs)
    app.secret_key = "dev"

    @app.get("/")
    def index():
        return "index"

    app.get("/error", endpoint="error")(lambda: 1 / 0)
    return app
