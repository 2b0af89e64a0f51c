"""An application that takes every kind of value from every place, for the tests of bad input."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import typing as t
import uuid
from dataclasses import dataclass

from msgspec import Meta, Struct

from costrel import Costrel
from costrel.api import Body, Cookie, File, Form, Header, Path, Query, UploadedFile


class Genre(enum.Enum):
    """An enumeration of strings."""

    NOVEL = "novel"
    POEM = "poem"


class Point(t.NamedTuple):
    """An array with names."""

    x: int
    y: int = 0


@dataclass
class Address:
    """A dataclass in a struct."""

    street: str
    code: t.Annotated[str, Meta(pattern=r"^[0-9]{5}$")]


class Publisher(t.TypedDict):
    """A typed dictionary in a struct."""

    name: str


class NewBook(Struct, forbid_unknown_fields=True):
    """A document with a field of each kind."""

    title: t.Annotated[str, Meta(min_length=1, max_length=200)]
    year: t.Annotated[int, Meta(ge=1450, le=2100)] | None = None
    count: int | None = None
    rating: float | None = None
    price: decimal.Decimal | None = None
    genre: Genre | None = None
    key: uuid.UUID | None = None
    day: dt.date | None = None
    at: dt.datetime | None = None
    time: dt.time | None = None
    lasts: dt.timedelta | None = None
    data: bytes | None = None
    pair: tuple[int, int] | None = None
    point: Point | None = None
    scores: dict[str, int] = {}
    pages: dict[int, str] = {}
    tags: t.Annotated[set[str], Meta(max_length=2)] = set()
    address: Address | None = None
    publisher: Publisher | None = None


class Category(Struct):
    """A recursive model."""

    name: str
    children: list[Category] = []


class Card(Struct, tag="card"):
    """A member of a union."""

    number: str


class Transfer(Struct, tag="transfer"):
    """Another."""

    iban: str


class Strict(Struct, forbid_unknown_fields=True):
    """A whole query that may have no other names."""

    n: int = 1
    sort: t.Literal["title", "year"] = "title"


class Login(Struct, forbid_unknown_fields=True):
    """A whole form."""

    name: t.Annotated[str, Meta(min_length=1)]
    age: int | None = None
    remember: bool = False
    tag: list[int] = []


class Details(Struct):
    """A JSON part of a form."""

    width: t.Annotated[int, Meta(ge=1)]
    inner: Details | None = None


class Done(Struct):
    """What every view answers."""

    done: bool = True


def make_app() -> Costrel:
    """Create the application."""
    app = Costrel(__name__)

    @app.get("/query")
    def take_query(
        n: t.Annotated[int, Meta(ge=1, le=100)] = 1,
        q: t.Annotated[str, Meta(max_length=10)] = "",
        ratio: float | None = None,
        exact: bool = False,
        day: dt.date | None = None,
        at: dt.datetime | None = None,
        lasts: dt.timedelta | None = None,
        key: uuid.UUID | None = None,
        price: decimal.Decimal | None = None,
        genre: Genre | None = None,
        tag: list[int] = [],  # noqa: B006
    ) -> Done:
        return Done()

    @app.get("/strict")
    def take_strict(filters: t.Annotated[Strict, Query()]) -> Done:
        return Done()

    @app.get("/headers")
    def take_headers(
        x_number: t.Annotated[int, Header()],
        x_name: t.Annotated[str, Header(), Meta(max_length=5)] = "",
        session_id: t.Annotated[int, Cookie()] = 0,
    ) -> Done:
        return Done()

    @app.get("/ratios/<float:ratio>")
    def take_ratio(ratio: float) -> float:
        return ratio

    @app.get("/years/<int:year>")
    def take_year(year: t.Annotated[int, Path(), Meta(ge=1450)]) -> Done:
        return Done()

    @app.get("/days/<day>")
    def take_day(day: t.Annotated[dt.date, Path()]) -> Done:
        return Done()

    _add_bodies(app)
    return app


def _add_bodies(app: Costrel) -> None:
    @app.post("/books")
    def take_book(book: NewBook) -> Done:
        return Done()

    @app.post("/numbers")
    def take_numbers(numbers: t.Annotated[list[int], Body()]) -> Done:
        return Done()

    @app.post("/categories")
    async def take_category(category: Category) -> Done:
        return Done()

    @app.post("/payments")
    def take_payment(payment: Card | Transfer) -> Done:
        return Done()

    @app.post("/login")
    def take_login(login: t.Annotated[Login, Form()]) -> Done:
        return Done()

    @app.post("/covers")
    async def take_cover(
        caption: t.Annotated[str, Form(), Meta(max_length=20)],
        details: t.Annotated[Details, Form()],
        cover: t.Annotated[UploadedFile, File(max_size=10, types=("image/*",))],
        more: list[UploadedFile] = [],  # noqa: B006
    ) -> Done:
        return Done()
