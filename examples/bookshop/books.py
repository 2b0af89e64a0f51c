"""Books and their covers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import select

from costrel import Blueprint, Response
from costrel.api import (
    CursorPage,
    File,
    Form,
    Partial,
    Problem,
    Query,
    UploadedFile,
    changes_of,
    check_preconditions,
    etag_of,
    paginate_by_cursor,
)

from .database import Database, find
from .errors import Conflict, NotFound
from .fields import BookId, Id, Name, PageSize, Price, Title, Year
from .people import for_clerks
from .tables import AuthorRow, BookRow, CategoryRow

books = Blueprint("books", __name__)


class Author(Struct, forbid_unknown_fields=True):
    """Somebody who wrote a book."""

    name: Name
    born: Annotated[int, Meta(ge=-1_000, le=2_100)] | None = None


class NewBook(Struct, forbid_unknown_fields=True):
    """What a clerk says of a book."""

    title: Title
    authors: Annotated[list[Author], Meta(min_length=1, max_length=20)]
    price: Price
    year: Year | None = None
    stock: Annotated[int, Meta(ge=0, le=100_000)] = 0
    category_id: Id | None = None


class Book(NewBook, kw_only=True):
    """A book that is for sale."""

    id: int


class Filters(Struct, kw_only=True):
    """Which books are listed: those that fit everything."""

    q: Annotated[str, Meta(description="Some text in the title.")] = ""
    category: Id | None = None
    cheaper_than: Price | None = None
    year: list[Year] = []


@books.get("/books")
def list_books(
    filters: Annotated[Filters, Query()],
    session: Database,
    cursor: str | None = None,
    size: PageSize = 20,
) -> CursorPage[Book]:
    """List books, by their numbers."""
    found = select(BookRow).where(BookRow.title.contains(filters.q, autoescape=True))
    if filters.category is not None:
        found = found.where(BookRow.category_id == filters.category)
    if filters.cheaper_than is not None:
        found = found.where(BookRow.price < filters.cheaper_than)
    if filters.year:
        found = found.where(BookRow.year.in_(filters.year))
    return paginate_by_cursor(found, cursor, size, session=session, key="id")


@books.post("/books", status=201, dependencies=for_clerks)
def add_book(new: NewBook, session: Database) -> Book:
    """Add a book."""
    book = BookRow()
    change(book, changes_of(new), session)
    session.add(book)
    session.commit()
    return book


@books.get("/books/<int:book_id>")
def read_book(book_id: BookId, session: Database) -> Book:
    """Show a book; its ``ETag`` tells one state of it from another."""
    book = find(session, BookRow, book_id)
    check_preconditions(etag_of(book.version))
    return book


@books.patch("/books/<int:book_id>", dependencies=for_clerks, responses={412: Problem})
def change_book(book_id: BookId, changes: Partial[NewBook], session: Database) -> Book:
    """Change what is sent, and nothing else; with ``If-Match``, only the state that is meant."""
    book = find(session, BookRow, book_id)
    check_preconditions(etag_of(book.version))
    change(book, changes_of(changes), session)
    session.commit()
    return book


@books.delete("/books/<int:book_id>", dependencies=for_clerks, responses={412: Problem})
def delete_book(book_id: BookId, session: Database) -> None:
    """Delete a book; with ``If-Match``, only in the state that is meant."""
    book = find(session, BookRow, book_id)
    check_preconditions(etag_of(book.version))
    session.delete(book)
    session.commit()


def change(book: BookRow, changes: dict, session: Database) -> None:
    """Write changes into a row."""
    if changes.get("category_id") and not session.get(CategoryRow, changes["category_id"]):
        raise Conflict(f"There is no category {changes['category_id']}.")
    if "authors" in changes:
        authors = changes.pop("authors")
        book.authors = [AuthorRow(name=author.name, born=author.born) for author in authors]
    for name, value in changes.items():
        setattr(book, name, value)


class Cover(Struct):
    """What is said of a cover."""

    text: Annotated[str, Meta(max_length=500, description="For those who can't see it.")]


@books.put("/books/<int:book_id>/cover", dependencies=for_clerks)
def set_cover(
    book_id: BookId,
    picture: Annotated[UploadedFile, File(max_size=500_000, types=("image/png", "image/jpeg"))],
    about: Annotated[Cover, Form()],
    session: Database,
) -> None:
    """Upload a cover: the picture, and what is said of it, as JSON."""
    book = find(session, BookRow, book_id)
    book.cover, book.cover_type = picture.read(), picture.content_type
    book.cover_text = about.text
    session.commit()


@books.get("/books/<int:book_id>/cover", responses={404: Problem})
def read_cover(book_id: BookId, session: Database) -> Response:
    """Show the cover."""
    book = find(session, BookRow, book_id)
    if book.cover is None:
        raise NotFound(f"Book {book_id} has no cover.")
    headers = {"X-Content-Type-Options": "nosniff"}
    return Response(book.cover, mimetype=book.cover_type, headers=headers)
