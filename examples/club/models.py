"""The tables of the database, and the command that creates them."""

from datetime import UTC, datetime

import click
from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What all models inherit from."""


db = SQLAlchemy(model_class=Base)


class Member(UserMixin, db.Model):
    """Somebody who can log in."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]


class Trip(db.Model):
    """A journey that a member tells of."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]
    photo: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship(lazy="joined")


class Message(db.Model):
    """What a member said in the chat."""

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship(lazy="joined")


def init_app(app):
    """Connect the application with its database."""
    db.init_app(app)
    app.cli.add_command(init_db)


@click.command("init-db")
def init_db():
    """Create the tables that do not exist yet."""
    db.create_all()
    click.echo("The database is ready.")
