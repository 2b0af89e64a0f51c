"""What a schema allows is what a view accepts."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import typing as t
import uuid
from dataclasses import dataclass

import attrs
import pytest
from jsonschema import Draft202012Validator, FormatChecker
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


class Prices(Struct, array_like=True):
    """An array with numbers for keys, and a decimal."""

    prices: dict[float, int]
    total: decimal.Decimal = decimal.Decimal(0)


@attrs.define
class Private:
    """A class of attrs with private attributes, which it takes by other names itself."""

    _name: str
    _z: int = attrs.field(default=1, alias="zed")


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
    "literal numbers as keys": dict[t.Literal["a", 1], t.Any],
    "int enum keys": dict[Level, int],
    "enum keys": dict[Color, int],
    "float keys": dict[float, int],
    "decimal keys": dict[decimal.Decimal, int],
    "positive keys": dict[t.Annotated[int, Meta(gt=0)], int],
    "keys from zero": dict[t.Annotated[int, Meta(ge=0)], int],
    "short keys": dict[t.Annotated[str, Meta(max_length=1)], t.Any],
    "date keys": dict[dt.date, int],
    "datetime keys": dict[dt.datetime, int],
    "time keys": dict[dt.time, int],
    "uuid keys": dict[uuid.UUID, int],
    "bytes keys": dict[bytes, int],
    "keys of two types": dict[int | dt.date, int],
    "keys in a row": Prices,
    "bytes": bytes,
    "short bytes": t.Annotated[bytes, Meta(min_length=2, max_length=4)],
    "datetime": dt.datetime,
    "naive datetime": t.Annotated[dt.datetime, Meta(tz=False)],
    "aware datetime": t.Annotated[dt.datetime, Meta(tz=True)],
    "time": dt.time,
    "naive time": t.Annotated[dt.time, Meta(tz=False)],
    "aware time": t.Annotated[dt.time, Meta(tz=True)],
    "short dict": t.Annotated[dict[str, t.Any], Meta(max_length=1)],
    "struct": Item,
    "closed": Closed,
    "partial": Partial[Item],
    "tagged": Square | Circle,
    "tagged alone": Square,
    "tagged alone or nothing": Square | None,
    "tagged alone and with others": tuple[Square, Square | Circle],
    "private": Private,
    "tagged or nothing": Square | Circle | None | int,
    "row": Row,
    "node": Node,
    "dataclass": Point,
    "named tuple": Pair,
    "typed dict": Options,
}

JSON = "application/json"

FORMATS = FormatChecker()


@FORMATS.checks("time")
def is_time_with_offset(value: t.Any) -> bool:
    """SPEC(RFC 3339 §5.6): the checker that comes with jsonschema takes one without."""
    return not isinstance(value, str) or FORMATS.conforms(f"2020-01-02T{value}", "date-time")


VALUES: list[t.Any] = [
    None, True, False, 0, 1, 2, -1, 1.5, 0.5, "", "a", "1", "1.5", "-0", "01", "1_000", "NaN",
    "red", "abc", "A", [], [1], [1, 1], [1, "a"], [1, "a", 2], ["a"], [None], {}, {"1": 1},
    {"01": 1}, {"a": 1}, {"a": "a"}, {"a": 1, "b": 2}, {"id": 1}, {"id": "1"}, {"id": None},
    {"id": 1, "name": None}, {"id": 1, "name": "a"}, {"id": 1, "name": 1}, {"id": 1, "b": 2},
    {"id": 1, "x": 1}, {"type": "square", "side": 1}, {"type": "square"}, {"side": 1},
    {"type": "circle"}, {"type": "circle", "b": 1}, {"type": "other"}, {"nodes": [{"nodes": []}]},
    {"nodes": [{"id": "a"}]}, {"nodes": [1]},
    {"-0": 1}, {"-1": 1}, {"0": 1}, {"1.5": 1}, {"1e2": 1}, {"+1": 1}, {"1_0": 1}, {"NaN": 1},
    {"nan": 1}, {"Infinity": 1}, {"-inf": 1}, {"2020-01-02": 1}, {"2020-01-32": 1}, {"ab": 1},
    {"2020-01-02T03:04:05": 1}, {"2020-01-02T03:04:05Z": 1}, {"03:04:05": 1}, {"YQ==": 1},
    {"6ba7b810-9dad-11d1-80b4-00c04fd430c8": 1}, [{"NaN": 1}], [{"1": 1}, "1.5"], [{"1": 1}, "NaN"],
    "YQ==", "YWI=", "YWJj", "YWJjZA==", "YWJjZGU=", "YWJjZGVm", "YQ", "Y===",
    "2020-01-02T03:04:05", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05+01:00",
    "2020-01-32T03:04:05", "2020-01-02T25:04:05Z", "03:04:05", "03:04:05Z", "25:04:05",
    {"_name": "a"}, {"name": "a"}, {"_name": "a", "_z": 1}, {"_name": "a", "zed": "a"},
    [{"side": 1}, {"type": "square", "side": 1}], [{"side": 1}, {"side": 1}],
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
    described = {**schema, "components": document["components"]}
    validator = Draft202012Validator(described, format_checker=FORMATS)
    client = app.test_client()
    for value in VALUES:
        status = client.post("/", data=json.dumps(value), content_type=JSON).status_code
        assert status in {204, 422}, value
        assert (status == 204) == validator.is_valid(value), value


DAY = dt.date(2020, 1, 2)
NOON = dt.datetime(2020, 1, 2, 12)  # noqa: DTZ001  naive
RETURNED: list[tuple[t.Any, t.Any]] = [
    (dict[Level, int], {Level.LOW: 1}),
    (dict[int, int], {-1: 1}),
    (dict[float, int], {1.5: 1, 2.0: 1, 1e300: 1, 1e-9: 1}),
    (dict[decimal.Decimal, int], {decimal.Decimal("1.50"): 1}),
    (dict[dt.date, int], {DAY: 1}),
    (dict[dt.datetime, int], {NOON: 1, NOON.replace(tzinfo=dt.UTC): 1}),
    (dict[dt.time, int], {NOON.time(): 1}),
    (dict[uuid.UUID, int], {uuid.UUID(int=1): 1}),
    (dict[bytes, int], {b"ab": 1}),
    (dict[t.Literal[1], int], {1: 1}),
    (list[dt.datetime], [NOON, NOON.replace(tzinfo=dt.UTC)]),
    (list[t.Annotated[bytes, Meta(min_length=1, max_length=4)]], [b"abcd", b"a"]),
    (Square, Square(1)),
    (Private, Private("a", 2)),
]


@pytest.mark.parametrize(("annotation", "value"), RETURNED)
def test_what_is_sent_fits_the_schema(annotation: t.Any, value: t.Any) -> None:
    """Keys, too, which are text in JSON whatever they are in Python; and it can be sent back."""
    app = Costrel(__name__)

    def show():
        return value

    show.__annotations__ = {"return": t.Annotated[annotation, "of a view"]}
    app.add_url_rule("/", "show", show)

    def take(value):
        return value

    take.__annotations__ = {"value": t.Annotated[annotation, Body()], "return": annotation}
    app.add_url_rule("/", "take", take, methods=["POST"])
    document = document_of(app)
    answer = document["paths"]["/"]["get"]["responses"]["200"]
    schema = {**answer["content"][JSON]["schema"], "components": document["components"]}
    sent = app.test_client().get("/").json
    Draft202012Validator(schema, format_checker=FORMATS).validate(sent)
    assert app.test_client().post("/", json=sent).json == sent


@pytest.mark.parametrize("key", [float("nan"), float("inf"), decimal.Decimal("NaN")])
def test_key_that_is_no_number_is_not_sent(key: t.Any) -> None:
    """It would be text that no client could send."""
    app = Costrel(__name__)

    def show():
        return {key: 1}

    show.__annotations__ = {"return": dict[type(key), int]}
    app.add_url_rule("/", "show", show)
    response = app.test_client().get("/", headers={"Accept": "application/json"})
    assert response.status_code == 500
    assert app.test_client().get("/", headers={"Accept": "application/msgpack"}).status_code == 500


@pytest.mark.parametrize("key", [bool, tuple[int, int], None])
def test_keys_that_can_t_be_text_are_refused(key: t.Any) -> None:
    """At the start: JSON has nothing for them."""
    app = Costrel(__name__)
    app.testing = True

    def take(value):
        return value

    take.__annotations__ = {"value": t.Annotated[dict[key, int], Body()]}
    app.add_url_rule("/taken", "take", take, methods=["POST"])

    def show():
        return {}

    show.__annotations__ = {"return": dict[key, int]}
    app.add_url_rule("/sent", "show", show)
    client = app.test_client()
    for send in (lambda: client.post("/taken", json={}), lambda: client.get("/sent")):
        with pytest.raises(TypeError, match=r"keys of the kind .*test_openapi_agreement.py:"):
            send()
