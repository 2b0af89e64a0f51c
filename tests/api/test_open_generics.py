"""Generic classes that do not say of what they are would send anything."""

import collections.abc as cabc
import typing as t
from dataclasses import dataclass

import attrs
import pytest
from msgspec import Struct
from pydantic import BaseModel

from costrel import Costrel
from costrel.api import CursorPage, Page
from costrel.dispatch.typed import check_views
from costrel.sse import EventStream

pytestmark = pytest.mark.usefixtures("path")

T = t.TypeVar("T")
U = t.TypeVar("U")


class Book(Struct):
    """What may be sent."""

    title: str


class Stored(Book):
    """What is stored."""

    password: str = "hunter2"


class Box(Struct, t.Generic[T]):
    """A generic struct."""

    item: T


class Crate(Struct, t.Generic[U]):
    """Another."""

    other: "list[U]"


@dataclass
class Data(t.Generic[T]):
    """A generic dataclass."""

    item: T


@attrs.define
class Attrs(t.Generic[T]):
    """A generic class of attrs."""

    item: T


class Typed(t.TypedDict, t.Generic[T]):
    """A generic TypedDict."""

    item: T


class Named(t.NamedTuple, t.Generic[T]):
    """A generic named tuple."""

    item: T


class Model(BaseModel, t.Generic[T]):
    """A generic model of Pydantic's."""

    item: T


class OpenPage(Page):  # type: ignore[type-arg]
    """A page of anything."""


class OpenCursorPage(CursorPage):  # type: ignore[type-arg]
    """The same by cursor."""


class OpenBox(Box):  # type: ignore[type-arg]
    """A struct of anything."""


class Further(OpenBox):
    """A class below one that leaves it open."""

    more: int = 0


class Half(Box, t.Generic[T]):  # type: ignore[type-arg]
    """A class whose own variable is not its base's."""

    mine: T


class Loose(Struct):
    """A variable in a class that is not generic."""

    item: T  # type: ignore[valid-type]


class OpenData(Data):  # type: ignore[type-arg]
    """A dataclass of anything."""


class OpenAttrs(Attrs):  # type: ignore[type-arg]
    """A class of attrs of anything."""


class OpenTyped(Typed):  # type: ignore[type-arg]
    """A TypedDict of anything."""


class OpenNamed(Named):  # type: ignore[type-arg]
    """A named tuple of anything."""


class OpenModel(Model):  # type: ignore[type-arg]
    """A model of anything."""


class Around(Struct):
    """A field of a class that leaves it open."""

    box: OpenBox | None


class AroundModel(BaseModel):
    """The same of a model."""

    model: OpenModel


class AroundBareModel(BaseModel):
    """A field of a model without brackets."""

    models: list[Model]  # type: ignore[type-arg]


OPEN: list[t.Any] = [
    OpenPage, OpenCursorPage, OpenBox, Further, Half[Book], Loose, OpenData, OpenAttrs, OpenTyped,
    OpenNamed, OpenModel, Around, AroundModel, AroundBareModel, list[OpenBox], Page[OpenBox],
    Box[OpenBox], dict[str, OpenData], OpenBox | None, EventStream[OpenBox],
    cabc.Iterator[OpenBox],
]  # fmt: skip


@pytest.mark.parametrize("annotation", OPEN, ids=str)
def test_open_classes_are_refused(annotation: t.Any) -> None:
    """Where the application starts, with what to write."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return None

    show.__annotations__["return"] = annotation
    app.get("/")(show)
    with pytest.raises(TypeError, match="does not say of what it is"):
        check_views(app)


class BookPage(Page[Book]):
    """A page of books."""


class OwnPage(Page):  # type: ignore[type-arg]
    """A page that says the types of its fields itself."""

    items: list[Book]


class BookBox(Box[Book]):
    """A box of books."""


class BookCrate(Crate[Book]):
    """A crate of books."""


class Below(BookBox):
    """A class below one that says it."""


class Middle(Box[list[U]], t.Generic[U]):
    """A class that passes its variable on."""


class BookData(Data[Book]):
    """A dataclass of books."""


class BookModel(BaseModel):
    """A model that says of what it is."""

    model: Model[str]


STORED = Stored("Emma")
CLOSED: list[tuple[t.Any, t.Callable[[], t.Any]]] = [
    (BookPage, lambda: BookPage(t.cast("t.Any", [STORED]), 1, 1, 1)),
    (OwnPage, lambda: OwnPage(t.cast("t.Any", [STORED]), 1, 1, 1)),
    (BookBox, lambda: BookBox(STORED)),
    (BookCrate, lambda: BookCrate([STORED])),
    (Below, lambda: Below(STORED)),
    (Middle[Book], lambda: Middle([STORED])),
    (BookData, lambda: BookData(STORED)),
    (Box[Box[Book]], lambda: Box(Box(STORED))),
    (BookModel, lambda: {"model": {"item": "Emma", "more": "hunter2"}}),
]


@pytest.mark.parametrize(("annotation", "make"), CLOSED, ids=[str(one) for one, _make in CLOSED])
def test_closed_classes_are_filtered(annotation: t.Any, make: t.Callable[[], t.Any]) -> None:
    """What a subclass, its base or its brackets say is what is sent."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return make()

    show.__annotations__["return"] = annotation
    app.get("/")(show)
    data = app.test_client().get("/").data
    assert b"Emma" in data
    assert b"hunter2" not in data


@dataclass
class OtherData(t.Generic[U]):
    """Another generic dataclass."""

    other: U


@dataclass
class BookOther(OtherData[Book]):
    """One of books."""


@dataclass
class TwoBases(BookData, BookOther):
    """A class with two bases, which say it in turn."""


def test_two_bases_do_not_leak() -> None:
    """Msgspec finds what the first says, and takes the other's for anything: it is refused."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> TwoBases:
        return TwoBases(STORED, STORED)

    with pytest.raises(TypeError, match="does not say of what it is"):
        check_views(app)
