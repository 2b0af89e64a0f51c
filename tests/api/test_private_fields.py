"""Fields whose names begin with an underscore have one name: taken, sent, described, refused."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import attrs
import msgspec
import pytest

from costrel import Costrel
from costrel.api import Body, Partial, Query, changes_of
from costrel.openapi import document_of

pytestmark = pytest.mark.usefixtures("path")


@attrs.define
class Defined:
    """A class of attrs, which takes ``name`` itself."""

    _name: str
    size: int = 1


@attrs.define
class Checked:
    """Another, with an alias and a validator."""

    _name: str = attrs.field(alias="title", validator=attrs.validators.min_len(1))
    size: int = 1


@dataclass
class Data:
    """A dataclass."""

    _name: str
    size: int = 1


@dataclass
class DataChecked:
    """A dataclass with a check."""

    _name: str
    size: int = 1

    def __post_init__(self) -> None:
        """Accept all."""


class Struct(msgspec.Struct):
    """A struct."""

    _name: str
    size: int = 1


class Holder(msgspec.Struct):
    """A struct with such an object in it."""

    one: Defined
    many: list[DataChecked]


CLASSES = [Defined, Checked, Data, DataChecked, Struct]
MSGPACK = "application/msgpack"


@pytest.mark.parametrize("cls", CLASSES)
def test_field_has_one_name(cls: t.Any) -> None:
    """That of the attribute, with its underscore."""
    app = Costrel(__name__)

    def take(value):
        return value

    take.__annotations__ = {"value": cls, "return": cls}
    app.add_url_rule("/", "take", take, methods=["POST"])

    def take_query(value):
        return value

    take_query.__annotations__ = {"value": t.Annotated[cls, Query()], "return": cls}
    app.add_url_rule("/query", "query", take_query)
    client = app.test_client()
    sent = {"_name": "a", "size": 2}
    assert client.post("/", json=sent).json == sent
    assert client.get("/query?_name=a&size=2").json == sent
    answer = client.post("/", json=sent, headers={"Accept": MSGPACK})
    assert msgspec.msgpack.decode(answer.data) == sent
    missing = client.post("/", json={"name": "a"}).json["errors"]
    assert missing[0]["pointer"] == "/_name"
    assert client.post("/", json={"_name": 1}).json["errors"][0]["pointer"] == "/_name"
    document = document_of(app)
    model = document["components"]["schemas"][cls.__name__]
    assert (list(model["properties"]), "_name" in model["required"]) == (["_name", "size"], True)
    parameters = document["paths"]["/query"]["get"]["parameters"]
    assert [one["name"] for one in parameters] == ["_name", "size"]


def test_object_inside_of_others_has_the_same_names() -> None:
    """Of objects, of subclasses with more, and of dictionaries."""
    app = Costrel(__name__)

    @attrs.define
    class More(Defined):
        _secret: str = "secret"

    @app.get("/")
    def show() -> Holder:
        more: t.Any = {"_name": "c", "_secret": "secret"}
        return Holder(More("a"), [DataChecked("b"), more])

    expected = {
        "one": {"_name": "a", "size": 1},
        "many": [{"_name": "b", "size": 1}, {"_name": "c", "size": 1}],
    }
    assert app.test_client().get("/").json == expected


@pytest.mark.parametrize("cls", CLASSES)
def test_changes_have_the_same_names(cls: t.Any) -> None:
    """What a client sent of it, by the names of attributes."""
    app = Costrel(__name__)

    def change(value):
        return changes_of(value)

    change.__annotations__ = {"value": t.Annotated[Partial[cls], Body()]}
    app.add_url_rule("/", "change", change, methods=["PATCH"])
    assert app.test_client().patch("/", json={"_name": "b"}).json == {"_name": "b"}
