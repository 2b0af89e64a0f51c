"""An API with a page to try it, on its own and below a prefix, for the tests with a browser."""

from __future__ import annotations

import typing as t

from msgspec import Meta, Struct
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from costrel import Blueprint, Costrel
from costrel.api import BearerAuth, Depends


class NewBook(Struct):
    """What clients send."""

    title: t.Annotated[str, Meta(min_length=1, examples=["Emma"])]
    year: t.Annotated[int, Meta(ge=1450)] | None = None


class Book(NewBook, kw_only=True):
    """What clients get."""

    id: int


class Member(Struct):
    """Somebody who is logged in."""

    token: str


def make_app() -> Costrel:
    """Make the application, with the page outside debug mode."""
    app = Costrel(__name__)
    app.config["DOCS_PATH"] = "/docs"

    @app.get("/me")
    def read_me(token: t.Annotated[str, Depends(BearerAuth())]) -> Member:
        """Say who is asking."""
        return Member(token)

    @app.post("/books", status=201)
    def add_book(book: NewBook) -> Book:
        """Add a book.

        It gets a **number**.
        """
        return Book(title=book.title, year=book.year, id=1)

    @app.get("/a/rather/long/path/that/does/not/fit/into/the/window/of/a/phone/<name>")
    def read_long(name: str, sort_by: str = "title") -> list[Book]:
        """Have a path that is longer than a phone's window is wide, and a long summary too."""
        return [Book(title=f"{name} {sort_by}", id=1)]

    for version in ("v1", "v2"):
        blueprint = Blueprint(version, __name__, url_prefix=f"/api/{version}", version=version)
        blueprint.get("/shelves", endpoint="list_shelves")(list_shelves)
        app.register_blueprint(blueprint)
    return app


def list_shelves() -> list[str]:
    """List the shelves."""
    return ["A"]


app = make_app()
mounted = Costrel("site")
mounted.wsgi_app = DispatcherMiddleware(mounted.wsgi_app, {"/shop": make_app()})  # type: ignore[method-assign]
