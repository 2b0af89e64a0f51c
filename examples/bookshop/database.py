"""A session of the database for each request, and the command that makes the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeVar

import click
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from costrel import current_app
from costrel.api import Depends

from .errors import NotFound
from .tables import Base

Row = TypeVar("Row", bound=Base)


def init_app(app):
    """Connect the application with its database."""
    engine = create_engine(app.config["DATABASE_URL"])
    app.extensions["sessions"] = sessionmaker(engine, expire_on_commit=False)

    @app.cli.command("init-db")
    def init_db():
        """Create the tables that do not exist yet."""
        Base.metadata.create_all(engine)
        click.echo("The database is ready.")


def open_session() -> Iterator[Session]:
    """Open a session until the answer is sent. What the view did not commit is rolled back."""
    with current_app.extensions["sessions"]() as session:
        yield session


Database = Annotated[Session, Depends(open_session)]


def find(session: Session, table: type[Row], number: int) -> Row:
    """Return the row with a number, or raise `NotFound`."""
    row = session.get(table, number)
    if row is None:
        raise NotFound(f"There is no {table.__tablename__} {number}.")
    return row
