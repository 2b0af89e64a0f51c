"""Categories, which form a tree."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from costrel import Blueprint

from .database import Database, find
from .fields import Id, Name
from .people import for_clerks
from .tables import CategoryRow

categories = Blueprint("categories", __name__)


class NewCategory(Struct, forbid_unknown_fields=True):
    """A category, and what is within it."""

    name: Name
    children: Annotated[list[NewCategory], Meta(max_length=20)] = []

    def row(self) -> CategoryRow:
        """Make a row of it, and of everything within it."""
        return CategoryRow(name=self.name, children=[child.row() for child in self.children])


class Category(Struct):
    """A category, and what is within it."""

    id: int
    name: str
    children: list[Category]


@categories.get("/categories")
def list_categories(session: Database) -> list[Category]:
    """Show all categories as a tree."""
    whole = selectinload(CategoryRow.children, recursion_depth=-1)
    top = select(CategoryRow).where(CategoryRow.parent_id.is_(None)).order_by(CategoryRow.id)
    return session.scalars(top.options(whole)).all()


@categories.post("/categories", status=201, dependencies=for_clerks)
def add_category(new: NewCategory, session: Database, within: Id | None = None) -> Category:
    """Add a category with everything within it, at the top or within another."""
    category = new.row()
    if within is not None:
        category.parent_id = find(session, CategoryRow, within).id
    session.add(category)
    session.commit()
    return category
