"""Version 1 of the API, for the programs that use it still: a book has one author."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import select

from costrel import Blueprint
from costrel.api import Page, paginate

from .database import Database, find
from .fields import BookId, Name, PageNumber, PageSize, Price, Title, Year
from .people import for_clerks
from .tables import AuthorRow, BookRow

v1 = Blueprint("v1", __name__, url_prefix="/api/v1", version="v1", deprecated=True)


class NewBook(Struct):
    """What a clerk says of a book."""

    title: Title
    author: Name
    price: Price
    year: Year | None = None

    def write_to(self, book: BookRow) -> None:
        """Write it into a row."""
        book.title, book.price, book.year = self.title, self.price, self.year
        book.authors = [AuthorRow(name=self.author)]


class Book(Struct):
    """A book that is for sale."""

    id: int
    title: str
    author: str
    price: int
    year: int | None


@v1.get("/books")
def list_books(
    session: Database, q: str = "", page: PageNumber = 1, size: PageSize = 20
) -> Page[Book]:
    """List the books with some text in their titles."""
    books = select(BookRow).where(BookRow.title.contains(q, autoescape=True)).order_by(BookRow.id)
    return paginate(books, page, size, session=session)


@v1.get("/books/<int:book_id>")
def read_book(book_id: BookId, session: Database) -> Book:
    """Show a book."""
    return find(session, BookRow, book_id)


@v1.post("/books", status=201, dependencies=for_clerks)
def add_book(new: NewBook, session: Database) -> Book:
    """Add a book."""
    book = BookRow()
    new.write_to(book)
    session.add(book)
    session.commit()
    return book


@v1.put("/books/<int:book_id>", dependencies=for_clerks)
def replace_book(book_id: BookId, new: NewBook, session: Database) -> Book:
    """Say everything of a book anew."""
    book = find(session, BookRow, book_id)
    new.write_to(book)
    session.commit()
    return book


@v1.delete("/books/<int:book_id>", dependencies=for_clerks)
def delete_book(book_id: BookId, session: Database) -> None:
    """Delete a book."""
    session.delete(find(session, BookRow, book_id))
    session.commit()
