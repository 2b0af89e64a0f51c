"""Models of Pydantic take values as all other types do, by the names that they say."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import typing as t
import uuid

import pydantic
import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Cookie, Header, Query
from costrel.dispatch.typed import check_views
from costrel.openapi import document_of

pytestmark = pytest.mark.usefixtures("path")


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1


class Model(pydantic.BaseModel):
    """A field of each type of which Pydantic takes more than JSON has."""

    day: dt.date | None = None
    moment: dt.datetime | None = None
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    amount: decimal.Decimal | None = None
    key: uuid.UUID | None = None
    level: Level | None = None
    counts: dict[int, int] = {}
    inner: list[Model] = []
    named: dict[str, dt.date] = {}
    checked: t.Annotated[dt.date, pydantic.AfterValidator(lambda day: day)] = dt.date(2020, 1, 1)


class Same(Struct):
    """The same as a struct."""

    day: dt.date | None = None
    moment: dt.datetime | None = None
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    amount: decimal.Decimal | None = None
    key: uuid.UUID | None = None
    level: Level | None = None
    counts: dict[int, int] = {}
    inner: list[Same] = []
    named: dict[str, dt.date] = {}
    checked: dt.date = dt.date(2020, 1, 1)


@pytest.fixture
def client():
    """Return a client of an application that takes both, in a body and in the query."""
    app = Costrel(__name__)

    @app.post("/model")
    def model(value: Model) -> Model:
        return value

    @app.post("/struct")
    def struct(value: Same) -> Same:
        return value

    @app.get("/model", endpoint="query")
    def query(value: t.Annotated[Query_, Query()]) -> Query_:
        return value

    return app.test_client()


class Query_(pydantic.BaseModel):  # noqa: N801  tests of the query only
    """What text can stand for."""

    day: dt.date | None = None
    moment: dt.datetime | None = None
    amount: decimal.Decimal | None = None
    level: Level | None = None


REFUSED = [
    ("day", '"1577836800"'), ("day", "1577836800"), ("moment", '"1577836800"'),
    ("moment", '"2020-01-01 00:00"'), ("moment", "1577836800"), ("clock", '"3600"'),
    ("clock", "3600"), ("span", '"3 days"'), ("span", '"1 day, 01:00"'), ("span", "5"),
    ("amount", '"1_000"'), ("amount", '" 1 "'), ("amount", '"NaN"'), ("level", "true"),
    ("level", "2"), ("counts", '{"01": 1}'), ("counts", '{"1_0": 1}'),
    ("key", '"urn:uuid:00000000-0000-0000-0000-000000000000"'),
    ("inner", '[{"day": "1577836800"}]'), ("named", '{"a": "1577836800"}'),
    ("checked", '"1577836800"'),
]  # fmt: skip
TAKEN = [
    ("day", '"2020-01-01"'), ("moment", '"2020-01-01T00:00:00Z"'), ("clock", '"01:00:00"'),
    ("span", '"PT1H"'), ("amount", '"1.50"'), ("amount", "1.50"), ("amount", "7"), ("level", "1"),
    ("level", "1.0"), ("counts", '{"1": 1.0}'),
    ("key", '"00000000-0000-0000-0000-000000000001"'), ("inner", '[{"day": "2020-01-01"}]'),
    ("named", '{"a": "2020-01-01"}'), ("checked", '"2020-01-01"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [(*one, 422) for one in REFUSED] + [(*one, 200) for one in TAKEN],
)
def test_model_takes_what_a_struct_takes(client, name, value, status):
    """A Unix time is no date, and text that Python would read is no number."""
    found = [
        client.post(rule, data=f'{{"{name}": {value}}}', content_type="application/json")
        for rule in ("/model", "/struct")
    ]
    assert [response.status_code for response in found] == [status, status]
    if status == 422:
        assert found[0].json["errors"][0]["pointer"].startswith(f"/{name}")


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("day", "1577836800", 422), ("moment", "1577836800", 422), ("amount", "1_000", 422),
        ("amount", " 1", 422), ("level", "true", 422), ("day", "2020-01-01", 200),
        ("amount", "1.50", 200), ("level", "1", 200),
    ],
)  # fmt: skip
def test_model_of_the_query_takes_what_others_take(client, name, text, status):
    """In text too."""
    assert client.get("/model", query_string={name: text}).status_code == status


class Loose(pydantic.BaseModel):
    """A model that says itself that it takes more."""

    day: dt.date = pydantic.Field(dt.date(2020, 1, 1), strict=False)
    before: t.Annotated[dt.date, pydantic.BeforeValidator(lambda _: dt.date(2020, 1, 1))] = dt.date(
        2020, 1, 1
    )
    either: t.Annotated[Loose | LooseToo | None, pydantic.Field(union_mode="left_to_right")] = None
    text: dt.date | str = ""


class LooseToo(pydantic.BaseModel):
    """Another one, which nothing tells from it."""

    number: int


@pytest.mark.parametrize(
    "document",
    [{"day": "1577836800"}, {"before": "yesterday"}, {"either": {"number": 1}}, {"text": "a"},
     {"text": "2020-01-01"}],
)  # fmt: skip
def test_what_a_model_says_itself_counts(document):
    """It is lax, has a validator of its own, or is one of several that only Pydantic tells."""
    app = Costrel(__name__)

    @app.post("/")
    def take(value: Loose) -> str:
        return "taken"

    assert app.test_client().post("/", json=document).status_code == 200


class Cat(pydantic.BaseModel):
    """One of two models that a field tells apart."""

    kind: t.Literal["cat"]
    born: dt.date


class Dog(pydantic.BaseModel):
    """The other one."""

    kind: t.Literal["dog"]
    born: dt.datetime


class Owner(pydantic.BaseModel):
    """A model that has one of them."""

    pet: t.Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("kind", "born", "status"),
    [("cat", "2020-01-01", 200), ("cat", "1577836800", 422), ("dog", "2020-01-01T00:00:00Z", 200),
     ("dog", "1577836800", 422)],
)  # fmt: skip
def test_model_that_is_told_by_a_field_is_held_to_the_grammar(kind, born, status):
    """Each by its own fields."""
    app = Costrel(__name__)

    @app.post("/")
    def take(value: Owner) -> str:
        return "taken"

    response = app.test_client().post("/", json={"pet": {"kind": kind, "born": born}})
    assert response.status_code == status


class Named(pydantic.BaseModel):
    """A model whose fields have other names for clients."""

    q: str = pydantic.Field(validation_alias="search")
    n: int = pydantic.Field(1, validation_alias=pydantic.AliasChoices("count", "num"))
    s: str = pydantic.Field("", serialization_alias="sent")
    a: str = pydantic.Field("", alias="both")


@pytest.mark.parametrize("place", [Query, Header, Cookie])
def test_alias_is_the_name_that_clients_send(place):
    """Also one for validation only, and each of several."""
    app = Costrel(__name__)

    @app.get("/")
    def show(value: t.Annotated[Named, place()]) -> list[t.Any]:
        return [value.q, value.n, value.s, value.a]

    show.__annotations__["value"] = t.Annotated[Named, place()]
    client = app.test_client()
    for name in ("count", "num"):
        sent = {"search": "x", name: "2", "s": "y", "both": "z"}
        if place is Query:
            response = client.get("/", query_string=sent)
        elif place is Header:
            response = client.get("/", headers=sent)
        else:
            cookies = "; ".join(f"{key}={value}" for key, value in sent.items())
            response = app.test_client(use_cookies=False).get("/", headers={"Cookie": cookies})
        assert response.json == ["x", 2, "y", "z"]
    names = [one["name"].lower() for one in document_of(app)["paths"]["/"]["get"]["parameters"]]
    assert names == ["search", "count", "s", "both"]


def test_alias_of_a_path_takes_a_part():
    """Of a list in the query."""

    class Parts(pydantic.BaseModel):
        first: str = pydantic.Field(validation_alias=pydantic.AliasPath("parts", 0))

    app = Costrel(__name__)

    def show(value):
        return value.first

    show.__annotations__ = {"value": t.Annotated[Parts, Query()], "return": str}
    app.get("/")(show)
    assert app.test_client().get("/?parts=a&parts=b").text == "a"


def test_two_models_may_not_share_an_alias():
    """Each name fills one field."""
    app = Costrel(__name__)

    def show(value, search):
        raise NotImplementedError

    show.__annotations__ = {"value": t.Annotated[Named, Query()], "search": str}
    app.get("/")(show)
    with pytest.raises(TypeError, match="both filled from 'search'"):
        check_views(app)
