"""An application of twenty operations: every kind of value, in every place that has one."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import hmac
import typing as t
import uuid
from dataclasses import dataclass, field

import attrs
from msgspec import Meta, Struct

from costrel import Costrel, abort
from costrel.api import (
    APIKey,
    BasicAuth,
    BasicCredentials,
    Body,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    Page,
    Partial,
    Path,
    Query,
    UploadedFile,
    changes_of,
    paginate,
)
from costrel.views import MethodView

KEY = "the key of the tests"
PASSWORD = "the password of the tests"


class Color(enum.Enum):
    """An enumeration of strings."""

    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = 2


Moment = t.Annotated[dt.datetime, Meta(tz=True)]
Percent = t.Annotated[float, Meta(ge=0, le=100)]
Even = t.Annotated[int, Meta(multiple_of=2)]


class Scalars(Struct, kw_only=True):
    """Every kind of value that is text in a query."""

    number: int
    even: Even = 0
    ratio: float = 0.0
    percent: Percent = 0.0
    exact: bool = False
    text: str = ""
    short: t.Annotated[str, Meta(min_length=2, max_length=4)] = "ab"
    price: decimal.Decimal = decimal.Decimal(0)
    day: dt.date = dt.date(2026, 1, 2)
    moment: Moment | None = None
    lasts: dt.timedelta = dt.timedelta(0)
    key: uuid.UUID = uuid.UUID(int=0)
    color: Color = Color.RED
    level: Level = Level.LOW
    sort: t.Literal["up", "down"] = "up"
    depth: t.Literal[1, 2] = 1
    number_or_text: int | str = 0
    maybe: int | None = None


class Lists(Struct, forbid_unknown_fields=True, kw_only=True):
    """Values that may be there several times, and a model that refuses all others."""

    numbers: t.Annotated[list[int], Meta(max_length=5)] = []
    texts: list[str] = []
    colors: set[Color] = set()
    days: tuple[dt.date, ...] = ()


class Square(Struct, tag="square"):
    """A member of a union."""

    side: Percent


class Circle(Struct, tag="circle", forbid_unknown_fields=True):
    """Another."""

    radius: Percent
    color: Color | None = None


class Drawing(Struct):
    """A union within a model, and one of types that need no tag."""

    shapes: list[Square | Circle]
    title: str | int | list[str] | None = None
    by_name: dict[str, Square | Circle] = {}


class Tree(Struct, forbid_unknown_fields=True):
    """A recursive model."""

    name: t.Annotated[str, Meta(max_length=20)]
    children: list[Tree] = []
    twin: Tree | None = None


@dataclass
class Point:
    """A dataclass."""

    x: int
    y: int = 0
    marks: list[str] = field(default_factory=list)


class Address(t.TypedDict):
    """A typed dictionary."""

    street: str
    number: t.NotRequired[int]


@attrs.define
class Person:
    """A class of attrs."""

    name: str
    born: dt.date | None = None


class Thing(Struct, kw_only=True):
    """A model with everything in it."""

    name: t.Annotated[str, Meta(min_length=1, max_length=50)]
    scalars: Scalars | None = None
    points: list[Point] = []
    address: Address | None = None
    person: Person | None = None
    pair: tuple[int, str] = (0, "")
    flags: dict[str, bool] = {}


class Upload(Struct):
    """What was uploaded."""

    name: str
    size: int


class About(Struct):
    """What is said of an upload, as JSON."""

    text: str
    tags: list[str] = []


class Item(Struct):
    """What a class-based view keeps."""

    text: str


def check_user(user: t.Annotated[BasicCredentials, Depends(BasicAuth())]) -> None:
    """Let in who knows the password."""
    if not hmac.compare_digest(user.password.encode(), PASSWORD.encode()):
        abort(401)


def check_key(key: t.Annotated[str, Depends(APIKey("key", place="query"))]) -> None:
    """Let in who has the key."""
    if not hmac.compare_digest(key.encode(), KEY.encode()):
        abort(401)


def make_app() -> Costrel:
    """Create the application, with a thing and an item in it."""
    app = Costrel(__name__, static_folder=None)
    _add_values(app)
    _add_forms(app)
    _add_bodies(app)
    _add_stores(app)
    return app


def _add_values(app: Costrel) -> None:
    """Add five operations without a body."""

    @app.get(
        "/paths/<int:number>/<float:ratio>/<uuid:key>/<any(red, green):color>/<path:rest>/<name>"
    )
    def read_path(
        number: t.Annotated[int, Path(description="Any number."), Meta(le=1_000)],
        ratio: float,
        key: uuid.UUID,
        color: str,
        rest: str,
        name: t.Annotated[str, Path(), Meta(max_length=10)],
    ) -> list[str]:
        """Read every kind of variable."""
        return [str(number), str(ratio), str(key), color, rest, name]

    @app.get("/query")
    def read_query(
        number: t.Annotated[int, Query(description="Any number.", examples=[1, -1])],
        even: Even = 0,
        ratio: float = 0.0,
        percent: t.Annotated[Percent, Query(alias="per-cent")] = 0.0,
        exact: bool = False,
        text: t.Annotated[str, Query(deprecated=True)] = "",
        short: t.Annotated[str, Meta(min_length=2, max_length=4)] = "ab",
        price: decimal.Decimal = decimal.Decimal(0),
        day: dt.date = dt.date(2026, 1, 2),
        moment: Moment | None = None,
        lasts: dt.timedelta = dt.timedelta(0),
        key: uuid.UUID = uuid.UUID(int=0),  # noqa: B008  as users write it
        color: Color = Color.RED,
        level: Level = Level.LOW,
        sort: t.Literal["up", "down"] = "up",
        depth: t.Literal[1, 2] = 1,
        number_or_text: int | str = 0,
        numbers: list[int] = [],  # noqa: B006  as users write it
    ) -> Scalars:
        """Read every kind of value, one parameter for each."""
        return Scalars(
            number=number + sum(numbers), even=even, ratio=ratio, percent=percent, exact=exact,
            text=text, short=short, price=price, day=day, moment=moment, lasts=lasts, key=key,
            color=color, level=level, sort=sort, depth=depth, number_or_text=number_or_text,
        )  # fmt: skip

    @app.get("/query/model", deprecated=True)
    async def read_query_model(lists: t.Annotated[Lists, Query()]) -> Lists:
        """Read the whole query as one model."""
        return lists

    @app.get("/headers")
    def read_headers(
        x_number: t.Annotated[int, Header()],
        x_day: t.Annotated[dt.date | None, Header()] = None,
        x_colors: t.Annotated[list[Color] | None, Header()] = None,
        key: t.Annotated[uuid.UUID | None, Header(alias="X-Request-Key")] = None,
    ) -> list[str]:
        """Read headers."""
        return [str(x_number), str(x_day), str(x_colors), str(key)]

    @app.get("/cookies")
    async def read_cookies(
        theme: t.Annotated[t.Literal["light", "dark"], Cookie()],
        color: t.Annotated[Color, Cookie(alias="favourite-color")],
    ) -> dict[str, str]:
        """Read cookies."""
        return {"theme": theme, "color": color.value}


def _add_forms(app: Costrel) -> None:
    """Add three operations that take a form."""

    @app.post("/form")
    def read_form(
        number: t.Annotated[int, Form()],
        day: t.Annotated[dt.date | None, Form()] = None,
        colors: t.Annotated[list[Color] | None, Form(alias="color")] = None,
        exact: t.Annotated[bool, Form()] = False,
    ) -> list[str]:
        """Read the fields of a form, one parameter for each."""
        return [str(number), str(day), str(exact), *(color.value for color in colors or ())]

    @app.post("/form/model", status=202)
    async def read_form_model(scalars: t.Annotated[Scalars, Form()]) -> Scalars:
        """Read a whole form as one model."""
        return scalars

    @app.post("/files", status=201)
    def read_files(
        file: t.Annotated[UploadedFile, File(max_size=100_000)],
        about: t.Annotated[About, Form()],
        others: list[UploadedFile] = [],  # noqa: B006  as users write it
    ) -> list[Upload]:
        """Read files, and a part with JSON."""
        uploads = [Upload(about.text, len(file.read()))]
        return uploads + [Upload(other.filename or "", len(other.read())) for other in others]


def _add_bodies(app: Costrel) -> None:
    """Add six operations whose body is JSON."""

    @app.post("/dataclasses")
    def add_point(point: Point) -> Point:
        """Take a dataclass."""
        return point

    @app.post("/dictionaries")
    async def add_addresses(
        addresses: t.Annotated[dict[str, Address], Body(description="By name.")],
    ) -> dict[str, Address]:
        """Take typed dictionaries in a dictionary."""
        return addresses

    @app.post("/attrs")
    def add_person(person: Person | None = None) -> Person | None:
        """Take a class of attrs, or nothing."""
        return person

    @app.post("/trees")
    async def add_tree(tree: Tree) -> Tree:
        """Take a recursive model."""
        return tree

    @app.post("/drawings")
    def add_drawing(drawing: Drawing) -> Drawing:
        """Take unions."""
        return drawing

    @app.post("/shapes")
    def add_shape(shape: Square | Circle, twice: bool = False) -> Square | Circle | list[Circle]:
        """Take a union that is the whole body, beside the query."""
        return [shape, shape] if twice and isinstance(shape, Circle) else shape


def _add_stores(app: Costrel) -> None:
    """Add six operations that keep something, one in a class for each method."""
    things = {"first": Thing(name="first")}
    items = {1: Item("one")}

    @app.put("/things/<name>")
    async def put_thing(name: str, thing: Thing) -> Thing:
        """Keep a model with everything in it."""
        things[name] = thing
        return thing

    @app.patch("/things/<name>")
    def change_thing(name: str, changes: Partial[Thing]) -> Thing:
        """Change what is sent of a model."""
        if name not in things:
            abort(404)
        for key, value in changes_of(changes).items():
            setattr(things[name], key, value)
        return things[name]

    @app.get("/things", dependencies=[Depends(check_user), Depends(check_key)])
    def list_things(
        page: t.Annotated[int, Meta(ge=1, le=1_000)] = 1,
        size: t.Annotated[int, Meta(ge=1, le=100)] = 10,
    ) -> Page[Thing]:
        """List what is kept, for those who may see it."""
        return paginate(list(things.values()), page, size)

    class Items(MethodView):
        """A class with a method for each HTTP method."""

        async def get(self, number: int) -> Item:
            """Show an item."""
            return items.get(number) or abort(404)

        def put(self, number: int, item: Item) -> Item:
            """Keep an item."""
            items[number] = item
            return item

        def delete(self, number: int) -> None:
            """Forget an item."""
            if items.pop(number, None) is None:
                abort(404)

    app.add_url_rule("/items/<int:number>", view_func=Items.as_view("items"))
