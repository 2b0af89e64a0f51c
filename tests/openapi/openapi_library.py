"""An application whose document has something of everything."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t

from msgspec import Meta, Struct

from costrel import Blueprint, Costrel, Response
from costrel.api import (
    BearerAuth,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    Page,
    Problem,
    Query,
    UploadedFile,
)
from costrel.views import MethodView


class Genre(enum.Enum):
    """What kind of book it is."""

    NOVEL = "novel"
    POEM = "poem"


class NewBook(Struct, forbid_unknown_fields=True):
    """What clients send."""

    title: t.Annotated[str, Meta(min_length=1, examples=["Emma"])]
    genre: Genre | None = None


class Book(NewBook, kw_only=True):
    """What clients get."""

    id: int


class Filters(Struct):
    """A whole query."""

    since: dt.date | None = None
    limit: t.Annotated[int, Meta(ge=1, le=100)] = 10


class Square(Struct, tag="square"):
    """A shape."""

    side: int


class Circle(Struct, tag="circle"):
    """Another."""

    radius: int


class About(Struct):
    """What is said of a file."""

    text: str


def paging(page: t.Annotated[int, Query(description="The page, from 1.")] = 1) -> int:
    """Read the page."""
    return page


def make_app() -> Costrel:
    """Create the application."""
    app = Costrel(__name__)
    app.config.update(OPENAPI_TITLE="Library", OPENAPI_DESCRIPTION="Books.")
    app.register_blueprint(_books())
    _add_others(app)

    @app.webhook("bookAdded")
    def added(book: Book) -> None:
        """Tell that a book was added."""

    return app


def _books() -> Blueprint:
    books = Blueprint("books", __name__, url_prefix="/v1/books", version="v1")

    @books.get("/<int:book_id>", responses={404: Problem})
    def read_book(book_id: int) -> Book:
        """Read a book.

        It is there until it is deleted.
        """
        return Book(id=book_id, title="Emma")

    @books.get("/")
    def list_books(
        filters: t.Annotated[Filters, Query()],
        page: t.Annotated[int, Depends(paging)],
        tag: list[str] = [],  # noqa: B006  as users write it
        x_trace: t.Annotated[str | None, Header()] = None,
        session: t.Annotated[str | None, Cookie(alias="session-id", deprecated=True)] = None,
    ) -> Page[Book]:
        """List the books."""
        return Page(items=[], page=page, size=filters.limit, total=0)

    @books.post("/", status=201, callbacks={"{$request.query.url}": done})
    def add_book(
        book: NewBook, token: t.Annotated[str, Depends(BearerAuth())], url: str = ""
    ) -> Book:
        """Add a book."""
        return Book(id=1, title=book.title)

    @books.post("/<int:book_id>/cover")
    def add_cover(
        book_id: int,
        cover: t.Annotated[UploadedFile, File(types=("image/png", "image/*"))],
        about: t.Annotated[About, Form()],
        title: t.Annotated[str, Form(description="Its title.")] = "",
    ) -> None:
        """Add the cover of a book."""

    return books


def done(book: Book) -> None:
    """Tell that it is done."""


def _add_others(app: Costrel) -> None:
    @app.post("/shapes")
    def add_shape(shape: Square | Circle) -> Square | Circle:
        return shape

    @app.get("/page")
    def page(n: int = 0) -> str:
        return f"<p>{n}</p>"

    @app.get("/plain/<path:name>")
    def plain(name):
        """Show a file."""
        return Response(name)

    class Shelf(MethodView):
        """A class-based view."""

        def get(self, number: int) -> list[Book]:
            """List a shelf."""
            return []

        def delete(self, number: int) -> None:
            """Remove a shelf."""

    app.add_url_rule("/shelves/<int:number>", view_func=Shelf.as_view("shelf"))
