"""The tables of the database."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What all tables inherit from."""


class CategoryRow(Base):
    """A category, perhaps within another."""

    __tablename__ = "category"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    children: Mapped[list[CategoryRow]] = relationship(order_by="CategoryRow.id")


class BookRow(Base):
    """A book that is for sale."""

    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int]  # in cents
    year: Mapped[int | None]
    stock: Mapped[int] = mapped_column(default=0)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    authors: Mapped[list[AuthorRow]] = relationship(
        cascade="all, delete-orphan", order_by="AuthorRow.id", lazy="selectin"
    )
    cover: Mapped[bytes | None] = mapped_column(deferred=True)
    cover_type: Mapped[str | None]
    cover_text: Mapped[str | None]

    @property
    def author(self) -> str:
        """All authors, as version 1 shows them."""
        return ", ".join(author.name for author in self.authors)

    # Counted by SQLAlchemy, which refuses a change to a row that was changed meanwhile.
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AuthorRow(Base):
    """Somebody who wrote a book."""

    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"))
    name: Mapped[str]
    born: Mapped[int | None]


class ClerkRow(Base):
    """Somebody who works in the shop."""

    __tablename__ = "clerk"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)


class CustomerRow(Base):
    """Somebody who buys in the shop."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)


class OrderRow(Base):
    """What a customer has ordered."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    paid_by: Mapped[str]
    ordered: Mapped[date] = mapped_column(default=lambda: datetime.now(UTC).date())
    shipped: Mapped[date | None]
    lines: Mapped[list[LineRow]] = relationship(order_by="LineRow.id", lazy="selectin")

    @property
    def total(self) -> int:
        """The price of everything, in cents."""
        return sum(line.price * line.count for line in self.lines)


class LineRow(Base):
    """Copies of one book in an order, with its title and price on that day."""

    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
    book_id: Mapped[int]  # The book itself may be gone.
    title: Mapped[str]
    price: Mapped[int]
    count: Mapped[int]
