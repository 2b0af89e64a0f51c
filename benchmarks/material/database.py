"""A SQLite file of twelve fortunes, read with SQLAlchemy 2.

python -m material.database     (writes the file)
"""

from __future__ import annotations

import pathlib

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

PATH = pathlib.Path(__file__).parents[1] / ".work" / "fortunes.sqlite"
MESSAGES = (
    "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    "A computer program does what you tell it to do, not what you want it to do.",
    "A list is only as strong as its weakest link.",
    "After enough decimal places, nobody gives a damn.",
    "Any program that runs right is obsolete.",
    "Computers make very fast, very accurate mistakes.",
    "Emacs is a nice operating system, but I prefer UNIX.",
    "Feature: a bug with seniority.",
    "fortune: No such file or directory",
    '<script>alert("!");</script>',
    "Waste not, spool not.",
    "フレームワークのベンチマーク",
)

engine = create_engine(f"sqlite:///{PATH}")


class Base(DeclarativeBase):
    """Hold the tables."""


class Fortune(Base):
    """One row."""

    __tablename__ = "fortune"

    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str]


def select_fortunes() -> list[tuple[int, str]]:
    """Return id and message of every row."""
    with Session(engine) as session:
        rows = session.execute(select(Fortune.id, Fortune.message))
        return [(row.id, row.message) for row in rows]


def make() -> None:
    """Create the file anew."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.unlink(missing_ok=True)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(
            Fortune(id=number, message=message) for number, message in enumerate(MESSAGES, 1)
        )
        session.commit()


if __name__ == "__main__":
    make()
