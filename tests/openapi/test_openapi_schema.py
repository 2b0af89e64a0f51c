"""JSON schemas of types, and the models among them."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import re
import typing as t
import uuid
from base64 import b64encode
from dataclasses import dataclass, field

import pytest
from jsonschema import Draft202012Validator
from msgspec import UNSET, Meta, Struct, UnsetType

from costrel.openapi.scalars import DURATION, LOCAL, base64
from costrel.openapi.schema import Schemas

T = t.TypeVar("T")

AWARE = {"type": "string", "format": "date-time"}
NAIVE = {"type": "string", "format": "date-time-local", "pattern": LOCAL["date-time-local"]}
NAIVE_TIME = {"type": "string", "format": "time-local", "pattern": LOCAL["time-local"]}


class Genre(enum.Enum):
    """An enumeration of strings."""

    NOVEL = "novel"
    POEM = "poem"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = -2


class Author(Struct):
    """Who wrote it."""

    name: t.Annotated[str, Meta(min_length=1)]


class Box(Struct):
    square: Square


class Book(Struct):
    title: str
    year: int | None = None
    tags: list[str] = []
    note: str | UnsetType = UNSET


class Shelf(Struct):
    books: list[Book]


class Sparse(Struct, omit_defaults=True, forbid_unknown_fields=True):
    year: int = 0


class Page(Struct, t.Generic[T]):
    items: list[T]


class Square(Struct, tag="square"):
    side: int


class Circle(Struct, tag="circle"):
    radius: int


class Node(Struct):
    children: list[Node]


class Pair(Struct, array_like=True):
    first: int
    second: str = ""


class Point(t.NamedTuple):
    x: int
    y: int = 0


@dataclass
class Filters:
    limit: int = 10
    tags: list[str] = field(default_factory=list)
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


class Options(t.TypedDict, total=False):
    verbose: t.Required[bool]
    level: int


def described(annotation: t.Any, *modes: str) -> tuple[t.Any, dict[str, t.Any]]:
    """Return a type's schema, and the models in it by name; in the last of some modes."""
    schemas = Schemas()
    for mode in modes or ("output",):
        schema = schemas.of(annotation, t.cast("t.Any", mode))
    components = schemas.finish()
    found = json.loads(schemas.encoded([schema, components]))
    return found[0], found[1]


def reference(name: str) -> dict[str, str]:
    """Return what refers to a model."""
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (bytes, {"type": "string", "contentEncoding": "base64", **base64(0, None)}),
        (dt.date, {"type": "string", "format": "date"}),
        (dt.datetime, {"anyOf": [AWARE, NAIVE]}),
        (dt.time, {"anyOf": [{"type": "string", "format": "time"}, NAIVE_TIME]}),
        (dt.timedelta, {"type": "string", "pattern": DURATION}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (None, {"type": "null"}),
        (t.Any, {}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (t.Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (t.Literal[1], {"type": "integer", "const": 1}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (set[str], {"type": "array", "items": {"type": "string"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (dict, {"type": "object"}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            t.Annotated[int, Meta(ge=1, lt=9)],
            {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
        ),
        (
            t.Annotated[float, Meta(gt=0, multiple_of=0.5)],
            {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
        ),
        (
            t.Annotated[str, Meta(pattern="^a", max_length=3)],
            {"type": "string", "pattern": "^a", "maxLength": 3},
        ),
        (
            t.Annotated[list[int], Meta(min_length=1)],
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        ),
        (t.Annotated[dict[str, t.Any], Meta(max_length=2)], {"type": "object", "maxProperties": 2}),
        (t.Annotated[dt.datetime, Meta(tz=False)], NAIVE),
        (t.Annotated[dt.datetime, Meta(tz=True)], AWARE),
        (
            t.Annotated[str, Meta(title="T", description="D", examples=["x"])],
            {"type": "string", "title": "T", "description": "D", "examples": ["x"]},
        ),
    ],
)
def test_type_has_its_schema(annotation: t.Any, schema: dict[str, t.Any]) -> None:
    """A value that is accepted fits the schema, with its constraints."""
    assert described(annotation) == (schema, {})


def test_decimal_is_text_in_the_grammar_of_numbers() -> None:
    """It stays exact, and is neither NaN nor ``1_000``."""
    schema, _ = described(decimal.Decimal)
    assert schema["type"] == "string"
    matches = re.compile(schema["pattern"]).search
    assert all(map(matches, ("0", "-1.50", "1e5", f"1E-{'9' * 17}")))
    assert not any(map(matches, ("NaN", "1_000", "01", "+1", "1.", f"1E{'9' * 18}")))


def test_keys_of_a_dictionary_are_described() -> None:
    """They are text, in the grammar of their type."""
    schema, _ = described(dict[int, str])
    assert schema["propertyNames"] == {"pattern": "^(-?(0|[1-9][0-9]*))$"}
    schema, models = described(dict[Level, str])
    assert (schema["propertyNames"], models) == ({"type": "string", "enum": ["1", "-2"]}, {})
    schema, models = described(dict[Genre, str])
    assert schema["propertyNames"] == reference("Genre")
    assert models["Genre"]["enum"] == ["novel", "poem"]


def test_model_is_a_component_with_its_docstring() -> None:
    """What refers to it, refers to the component."""
    assert described(list[Author]) == (
        {"type": "array", "items": reference("Author")},
        {
            "Author": {
                "description": "Who wrote it.",
                "type": "object",
                "properties": {"name": {"type": "string", "minLength": 1}},
                "required": ["name"],
            }
        },
    )


def test_clients_need_not_send_a_field_with_a_default_and_always_get_it() -> None:
    """A field that may be unset is required in neither direction."""
    properties = {
        "title": {"type": "string"},
        "year": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        "note": {"type": "string"},
    }
    _, taken = described(Book, "input")
    assert taken["Book"] == {"type": "object", "properties": properties, "required": ["title"]}
    _, sent = described(Book, "output")
    assert sent["Book"]["properties"] == properties
    assert sent["Book"]["required"] == ["title", "year", "tags"]


def test_struct_that_omits_defaults_requires_none_of_them() -> None:
    """It is the same in both directions, and so one component."""
    schema, models = described(Sparse, "output", "input")
    assert schema == reference("Sparse")
    assert models == {
        "Sparse": {
            "type": "object",
            "properties": {"year": {"type": "integer", "default": 0}},
            "additionalProperties": False,
        }
    }


def test_model_is_two_components_where_directions_differ() -> None:
    """So is a model that holds such a model; others stay one."""
    schema, models = described(tuple[Shelf, Author], "output", "input")
    assert schema["prefixItems"] == [reference("ShelfInput"), reference("Author")]
    assert sorted(models) == ["Author", "Book", "BookInput", "Shelf", "ShelfInput"]
    assert models["Shelf"]["properties"]["books"]["items"] == reference("Book")
    assert models["ShelfInput"]["properties"]["books"]["items"] == reference("BookInput")
    assert models["BookInput"]["required"] == ["title"]


def test_recursive_model_refers_to_itself() -> None:
    """It ends."""
    _, models = described(Node, "output", "input")
    assert models["Node"]["properties"]["children"]["items"] == reference("Node")
    assert sorted(models) == ["Node"]


def test_tagged_union_has_a_discriminator() -> None:
    """Generated clients know by the tag which model a value is."""
    schema, models = described(Square | Circle | None)
    assert schema == {
        "anyOf": [
            {
                "oneOf": [reference("Square"), reference("Circle")],
                "discriminator": {
                    "propertyName": "type",
                    "mapping": {
                        "square": "#/components/schemas/Square",
                        "circle": "#/components/schemas/Circle",
                    },
                },
            },
            {"type": "null"},
        ]
    }
    assert models["Square"] == {
        "type": "object",
        "properties": {"type": {"type": "string", "const": "square"}, "side": {"type": "integer"}},
        "required": ["type", "side"],
    }


def test_generic_model_is_named_after_its_argument() -> None:
    """As people say it."""
    assert described(Page[Book])[0] == reference("PageBook")
    assert described(Page[list[Author]])[0] == reference("PageListAuthor")
    assert described(Page[int | None])[0] == reference("PageIntOrNone")


def test_models_of_one_name_are_told_apart_by_what_they_are_in() -> None:
    """Both names are longer, so that neither depends on the order."""

    class Other:
        class Author(Struct):
            born: int

    schema, models = described(tuple[Author, Other.Author])
    names = [item["$ref"].rpartition("/")[2] for item in schema["prefixItems"]]
    assert names[1] == "OtherAuthor"
    assert names[0].endswith("Author")
    assert "Author" not in models


def test_model_can_say_its_name() -> None:
    """Two that say the same are an error that names both."""

    class Stored(Struct):
        __schema_name__ = "Volume"
        id: int

    class Derived(Stored):
        pass

    class Second(Struct):
        __schema_name__ = "Volume"

    assert described(Stored)[0] == reference("Volume")
    assert described(Derived)[0] == reference("Derived")
    assert described(Page[Stored])[0] == reference("PageVolume")
    with pytest.raises(TypeError, match=r"Both .*Stored.* and .*Second.* are 'Volume'"):
        described(tuple[Stored, Second])


def test_struct_as_an_array_and_a_tuple_with_names_are_arrays() -> None:
    """In the order of their fields."""
    _, models = described(tuple[Pair, Point], "input")
    items = [{"type": "integer"}, {"type": "string"}]
    assert models["Pair"] == {"type": "array", "minItems": 1, "prefixItems": items}
    assert models["Point"]["maxItems"] == 2


def test_dataclass_and_typed_dict_are_objects() -> None:
    """A default that is made anew is not shown, and neither is a docstring nobody wrote."""
    _, models = described(tuple[Filters, Options], "input")
    assert "description" not in models["Filters"]
    assert "required" not in models["Filters"]
    assert models["Filters"]["properties"] == {
        "limit": {"type": "integer", "default": 10},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        "at": {"anyOf": [AWARE, NAIVE]},
    }
    assert models["Options"]["required"] == ["verbose"]


def test_model_of_another_library_describes_itself() -> None:
    """As Pydantic's models do, with the models in them."""

    class Foreign:
        @classmethod
        def model_json_schema(cls, *, mode: str, ref_template: str) -> dict[str, t.Any]:
            inner = {"type": "object", "properties": {"mode": {"const": mode}}}
            link = {"$ref": ref_template.format(model="Inner")}
            return {"type": "object", "properties": {"inner": link}, "$defs": {"Inner": inner}}

    schema, models = described(list[Foreign])
    assert schema["items"] == reference("Foreign")
    assert models["Foreign"]["properties"]["inner"] == reference("Inner")
    assert models["Inner"]["properties"]["mode"]["const"] == "serialization"
    _, models = described(Foreign, "output", "input")
    assert models["InnerInput"]["properties"]["mode"]["const"] == "validation"


def test_type_that_json_can_not_describe_is_an_error() -> None:
    """It says what to do."""
    with pytest.raises(TypeError, match=r"complex.*include_in_schema=False"):
        described(complex)


@pytest.mark.parametrize(
    ("least", "most"),
    [(least, most) for least in range(8) for most in (None, *range(max(least, 1), 9))],
)
def test_base64_is_as_long_as_its_bytes(least: int, most: int | None) -> None:
    """The schema speaks of text, the constraint of bytes."""
    annotation = t.Annotated[bytes, Meta(min_length=least or None, max_length=most)]
    validator = Draft202012Validator(described(annotation)[0])
    for count in range(12):
        text = b64encode(b"x" * count).decode()
        fits = least <= count and (most is None or count <= most)
        assert validator.is_valid(text) == fits, text
    assert not any(map(validator.is_valid, ("YQ", "YQ=", "Y===", "Y Q=", "YQ==YQ==")))


def test_long_base64_has_a_length() -> None:
    """Patterns with repetitions of thousands are refused by some engines."""
    schema, _ = described(t.Annotated[bytes, Meta(max_length=1_000_000)])
    assert (schema["maxLength"], "000" in schema["pattern"]) == (1_333_336, False)


def test_tag_is_required_of_clients_only_where_it_tells_something() -> None:
    """A union needs it; a struct alone is known without it, but is sent with it."""
    schema, models = described(Square | Circle, "input")
    assert schema["discriminator"]["propertyName"] == "type"
    assert models["Square"]["required"] == ["type", "side"]
    schema, models = described(list[Square], "input")
    assert schema["items"] == reference("Square")
    assert models["Square"]["required"] == ["side"]
    schema, models = described(list[Square], "output")
    assert models["Square"]["required"] == ["type", "side"]
    schema, models = described(list[Square], "output", "input")
    assert schema["items"] == reference("SquareInput")
    assert models["Square"]["required"] == ["type", "side"]
    assert models["SquareInput"]["required"] == ["side"]
    schema, models = described(tuple[Square, Square | Circle], "input")
    assert schema["prefixItems"][0] == reference("SquareUntagged")
    assert models["Square"]["required"] == ["type", "side"]
    assert models["SquareUntagged"]["required"] == ["side"]


def test_model_that_holds_such_a_struct_has_two_schemas_too() -> None:
    """What it refers to differs."""
    _, models = described(Box, "output", "input")
    assert models["Box"]["properties"]["square"] == reference("Square")
    assert models["BoxInput"]["properties"]["square"] == reference("SquareInput")
