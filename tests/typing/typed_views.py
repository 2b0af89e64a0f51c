# pyright: strict
"""Typed views and their clients, as type checkers must see them."""

from __future__ import annotations

import typing as t

from msgspec import Meta, Struct, structs
from werkzeug.test import TestResponse

from costrel import Blueprint, Costrel, Flask
from costrel.api import (
    BearerAuth,
    Body,
    Cookie,
    CursorPage,
    Depends,
    Header,
    InvalidRequest,
    Page,
    Partial,
    Path,
    Problem,
    Query,
    changes_of,
    paginate,
)
from costrel.testing import FlaskClient, UnexpectedResponse, schema_test


class NewBook(Struct):
    """What clients send."""

    title: t.Annotated[str, Meta(min_length=1)]


class Book(NewBook, kw_only=True):
    """What clients get."""

    id: int


class Filters(Struct):
    """A whole query."""

    q: str = ""
    tags: list[str] = []


# Groups


def count() -> None:
    """Run before each view."""


app = Costrel(__name__, dependencies=[Depends(count)], responses={403: Problem}, tags=["all"])
flask = Flask(__name__)
flask.config["TYPED_VIEWS"] = True
bp = Blueprint(
    "books",
    __name__,
    url_prefix="/books",
    tags=["books"],
    security=[BearerAuth()],
    deprecated=False,
    include_in_schema=True,
    typed_views=True,
    version="v1",
)


# Dependencies


def page_size(size: t.Annotated[int, Meta(ge=1, le=100)] = 20) -> int:
    """Take a parameter of the query."""
    return size


async def member(token: t.Annotated[str, Depends(BearerAuth())]) -> str:
    """Depend on another."""
    return token.upper()


async def connection() -> t.AsyncIterator[dict[str, int]]:
    """Be closed after the response."""
    yield {}


# Views keep their signatures


@app.get("/books/<int:book_id>", responses={404: Problem}, summary="Read a book")
def read_book(book_id: t.Annotated[int, Path(description="Its number")]) -> Book:
    """Return a struct."""
    return Book(title="Emma", id=book_id)


@app.post(
    "/books",
    status=201,
    description="It gets a number.",
    operation_id="createBook",
    tags=["books"],
    dependencies=[Depends(count)],
    security=[BearerAuth()],
    deprecated=True,
    include_in_schema=False,
    callbacks={"added": count},
)
async def add_book(
    book: NewBook,
    x_token: t.Annotated[str, Header()],
    name: t.Annotated[str, Depends(member)],
    db: t.Annotated[dict[str, int], Depends(connection)],
) -> Book:
    """Be a coroutine function."""
    return Book(title=f"{book.title} {x_token} {name}", id=db["id"])


@app.get("/books")
def list_books(
    filters: t.Annotated[Filters, Query()],
    size: t.Annotated[int, Depends(page_size)],
    theme: t.Annotated[str, Cookie(alias="t")] = "light",
) -> Page[Book]:
    """Return a page."""
    return paginate([Book(title=filters.q + theme, id=1)], size=size)


@bp.get("/")
@flask.get("/books")
def all_books() -> list[Book]:
    """Return a list, on a blueprint and on `Flask`."""
    return [Book(title="Emma", id=1)]


@app.route(
    "/books/<int:book_id>", methods=["PUT", "PATCH"], endpoint="change", strict_slashes=False
)
def change_book(book_id: int, changes: t.Annotated[dict[str, str], Body()]) -> tuple[Book, int]:
    """Return a value with a status."""
    return Book(title=changes["title"], id=book_id), 200


@app.patch("/books/<int:book_id>")
def patch_book(book_id: int, changes: Partial[Book]) -> Book:
    """Take what a client changes."""
    return structs.replace(Book(title="Emma", id=book_id), **changes_of(changes))


@app.delete("/books/<int:book_id>", defaults={"hard": False})
def remove_book(book_id: int, hard: bool) -> None:
    """Return nothing."""


t.assert_type(read_book(1), Book)
t.assert_type(list_books(Filters(), 20), Page[Book])
t.assert_type(list_books(Filters(), 20).items, list[Book])
t.assert_type(list_books(Filters(), 20).total, int)
t.assert_type(all_books(), list[Book])
t.assert_type(change_book(1, {}), tuple[Book, int])
t.assert_type(page_size(), int)


async def call_views() -> None:
    """Call a view as a function."""
    t.assert_type(await add_book(NewBook(title="Emma"), "x", "ada", {}), Book)


def read_cursor_page(page: CursorPage[Book]) -> str | None:
    """See the types of a page's fields."""
    t.assert_type(page.items, list[Book])
    return page.next


def invalid(error: InvalidRequest) -> list[str]:
    """See the types of errors."""
    return [f"{one.place} {one.pointer} {one.detail}" for one in error.errors]


app.register_error_handler(InvalidRequest, invalid)
app.register_blueprint(bp)

# What the decorators refuse


@app.get("/wrong-status", status="201")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def wrong_status() -> Book:
    """Have a status that is no number."""
    return Book(title="Emma", id=1)


@app.get("/misspelt", staus=201)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
def misspelt() -> Book:
    """Have an option that does not exist."""
    return Book(title="Emma", id=1)


# The clients


class OwnClient(FlaskClient):
    """Be a client as tests for Flask have it."""

    def open(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """Add a header."""
        kwargs.setdefault("headers", {})["X-A"] = "1"
        return super().open(*args, **kwargs)


def in_a_test() -> None:
    """Ask for typed answers."""
    client = app.test_client()
    t.assert_type(client.get("/books/1", type=Book), Book)
    t.assert_type(client.get("/books", type=list[Book]), list[Book])
    t.assert_type(client.get("/books", type=Page[Book]).items, list[Book])
    t.assert_type(client.post("/books", json=NewBook(title="Emma"), type=Book).id, int)
    t.assert_type(client.put("/books/1", json={"title": "Emma"}, type=Book), Book)
    t.assert_type(client.patch("/books/1", json={"title": "Emma"}, type=Book), Book)
    t.assert_type(client.delete("/books/1", type=dict[str, int]), dict[str, int])
    t.assert_type(client.get("/books/1"), TestResponse)
    t.assert_type(client.post("/books", json={"title": "Emma"}).status_code, int)
    try:
        client.get("/books/9", type=Book)
    except UnexpectedResponse as unexpected:
        t.assert_type(unexpected.response, TestResponse)
    schema_test(app, version="v1", generation={"max-examples": 20})


async def in_an_async_test() -> None:
    """Ask for typed answers in a coroutine."""
    async with app.async_test_client() as client:
        t.assert_type(await client.get("/books/1", type=Book), Book)
        t.assert_type(await client.get("/books", type=Page[Book]), Page[Book])
        t.assert_type(await client.post("/books", json=NewBook(title="Emma"), type=Book), Book)
        t.assert_type(await client.get("/books/1"), TestResponse)
