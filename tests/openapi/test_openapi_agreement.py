"""What a schema allows is what a view accepts."""

from __future__ import annotations

import decimal
import enum
import json
import typing as t
from dataclasses import dataclass

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from costrel import Costrel
from costrel.api import Body, Partial
from costrel.openapi import document_of


class Color(enum.Enum):
    """An enumeration of strings."""

    RED = "a"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1


class Item(Struct):
    """A model."""

    id: int
    name: str | None = None


class Closed(Struct, forbid_unknown_fields=True):
    """A model without other fields."""

    id: int


class Square(Struct, tag="square"):
    """A member of a union."""

    side: int


class Circle(Struct, tag="circle", forbid_unknown_fields=True):
    """Another."""

    radius: int = 1


class Row(Struct, array_like=True):
    """An array."""

    id: int
    name: str = ""


class Node(Struct):
    """A recursive model."""

    id: int = 0
    nodes: list[Node] = []


@dataclass
class Point:
    """A dataclass."""

    id: int
    x: float = 0.0


class Pair(t.NamedTuple):
    """A tuple with names."""

    id: int
    name: str = ""


class Options(t.TypedDict, total=False):
    """A typed dictionary."""

    id: t.Required[int]
    name: str


TYPES = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "none": None,
    "any": t.Any,
    "decimal": decimal.Decimal,
    "optional": int | None,
    "union": int | str | list[int],
    "literal": t.Literal["a", 1] | None,
    "enum": Color,
    "int enum": Level,
    "ge": t.Annotated[int, Meta(ge=1)],
    "lt": t.Annotated[float, Meta(lt=1)],
    "multiple": t.Annotated[int, Meta(multiple_of=2)],
    "length": t.Annotated[str, Meta(min_length=1, max_length=2)],
    "pattern": t.Annotated[str, Meta(pattern="^[a-z]")],
    "list": list[int],
    "short list": t.Annotated[list[t.Any], Meta(min_length=1, max_length=1)],
    "set": set[int],
    "tuple": tuple[int, str],
    "tuple of any length": tuple[int, ...],
    "dict": dict[str, int],
    "int keys": dict[int, int],
    "literal keys": dict[t.Literal["a"], t.Any],
    "short dict": t.Annotated[dict[str, t.Any], Meta(max_length=1)],
    "struct": Item,
    "closed": Closed,
    "partial": Partial[Item],
    "tagged": Square | Circle,
    "tagged or nothing": Square | Circle | None | int,
    "row": Row,
    "node": Node,
    "dataclass": Point,
    "named tuple": Pair,
    "typed dict": Options,
}

JSON = "application/json"

VALUES: list[t.Any] = [
    None, True, False, 0, 1, 2, -1, 1.5, 0.5, "", "a", "1", "1.5", "-0", "01", "1_000", "NaN",
    "red", "abc", "A", [], [1], [1, 1], [1, "a"], [1, "a", 2], ["a"], [None], {}, {"1": 1},
    {"01": 1}, {"a": 1}, {"a": "a"}, {"a": 1, "b": 2}, {"id": 1}, {"id": "1"}, {"id": None},
    {"id": 1, "name": None}, {"id": 1, "name": "a"}, {"id": 1, "name": 1}, {"id": 1, "b": 2},
    {"id": 1, "x": 1}, {"type": "square", "side": 1}, {"type": "square"}, {"side": 1},
    {"type": "circle"}, {"type": "circle", "b": 1}, {"type": "other"}, {"nodes": [{"nodes": []}]},
    {"nodes": [{"id": "a"}]}, {"nodes": [1]},
]  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_value_fits_the_schema_if_it_is_accepted(name: str) -> None:
    """No request that the document allows is refused, and none that it forbids accepted."""
    app = Costrel(__name__)

    def take(value):
        del value

    take.__annotations__ = {"value": t.Annotated[TYPES[name], Body()], "return": None}
    app.add_url_rule("/", "take", take, methods=["POST"])
    document = document_of(app)
    body = document["paths"]["/"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    client = app.test_client()
    for value in VALUES:
        status = client.post("/", data=json.dumps(value), content_type=JSON).status_code
        assert status in {204, 422}, value
        assert (status == 204) == validator.is_valid(value), value
