"""An application of typed views for the tests."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import typing as t
import uuid
from dataclasses import dataclass

from msgspec import UNSET, Meta, Struct, UnsetType

from costrel import Costrel
from costrel.api import Body, Cookie, Header, Query


class Genre(enum.Enum):
    """An enumeration of strings."""

    NOVEL = "novel"
    POEM = "poem"


class Author(Struct):
    """A struct in another."""

    name: t.Annotated[str, Meta(min_length=1)]
    born: dt.date | None = None


class NewBook(Struct, forbid_unknown_fields=True):
    """What clients send."""

    title: t.Annotated[str, Meta(min_length=1, max_length=200)]
    authors: list[Author] = []
    year: t.Annotated[int, Meta(ge=1450)] | None = None
    price: decimal.Decimal | None = None
    prices: dict[str, decimal.Decimal] = {}
    rating: float | None = None
    genre: Genre | None = None
    isbn: uuid.UUID | None = None
    read_at: dt.datetime | None = None
    note: str | UnsetType = UNSET


class Book(NewBook, kw_only=True):
    """What clients get."""

    id: int


class StoredBook(Book, kw_only=True):
    """What the application has, with what nobody may see."""

    password_hash: str = "secret"


class Square(Struct, tag="square"):
    """A member of a union."""

    side: int


class Circle(Struct, tag="circle", forbid_unknown_fields=True):
    """Another."""

    radius: int


class Node(Struct):
    """A recursive model."""

    name: str
    children: list[Node] = []


@dataclass
class Filters:
    """A whole query as one model."""

    since: dt.date | None = None
    limit: t.Annotated[int, Meta(ge=1, le=100)] = 10


def make_app() -> Costrel:
    """Create the application."""
    app = Costrel(__name__)

    @app.get("/books/<int:book_id>")
    def read_book(book_id: int) -> Book:
        return StoredBook(id=book_id, title="Emma")

    @app.get("/books")
    def list_books(
        q: str = "",
        limit: t.Annotated[int, Meta(ge=1, le=100)] = 10,
        tag: list[str] = [],  # noqa: B006  as users write it
        exact: bool = False,
        genre: Genre | None = None,
        since: dt.date | None = None,
        at: dt.datetime | None = None,
        key: uuid.UUID | None = None,
        price: decimal.Decimal | None = None,
        ratio: float | None = None,
        numbers: list[int] = [],  # noqa: B006
        sort: t.Literal["title", "year"] = "title",
        level: t.Literal[1, 2] = 1,
    ) -> dict[str, t.Any]:
        values = (q, limit, tag, exact, genre, since, at, key, price, ratio, numbers, sort, level)
        return {"values": [str(value) for value in values]}

    @app.post("/books", status=201)
    async def add_book(book: NewBook, x_token: t.Annotated[str, Header()]) -> Book:
        return Book(id=1, title=f"{book.title} {x_token}", year=book.year, price=book.price)

    @app.put("/books/<int:book_id>")
    def replace_book(book_id: int, book: NewBook) -> Book:
        return Book(id=book_id, title=book.title, note=book.note, authors=book.authors)

    @app.delete("/books/<int:book_id>")
    def delete_book(book_id: int) -> None:
        del book_id

    _add_others(app)
    return app


def _add_others(app: Costrel) -> None:
    @app.get("/filtered")
    def list_filtered(
        filters: t.Annotated[Filters, Query()],
        session_id: t.Annotated[int, Cookie(alias="session-id")] = 0,
    ) -> Filters:
        return Filters(filters.since, filters.limit + session_id)

    @app.get("/headers")
    def read_headers(
        x_number: t.Annotated[int, Header()],
        accept_language: t.Annotated[list[str] | None, Header()] = None,
    ) -> list[str]:
        return [str(x_number), *(accept_language or ())]

    @app.post("/shapes")
    def add_shape(shape: Square | Circle) -> Square | Circle:
        return shape

    @app.post("/nodes")
    def add_node(node: Node) -> Node:
        return node

    @app.post("/numbers")
    def add_numbers(numbers: t.Annotated[dict[str, list[int]], Body()]) -> int:
        return sum(map(sum, numbers.values()))

    @app.get("/page")
    def page(n: int) -> str:
        return f"<p>{n}</p>"
