"""Path templates, and what converters let through."""

from __future__ import annotations

import enum
import typing as t

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.routing import BaseConverter, IntegerConverter

from costrel import Costrel, Flask
from costrel.api import Path, Query
from costrel.openapi import document_of
from costrel.openapi.paths import schema_of, template_of


class ListConverter(BaseConverter):
    """Several names in one segment."""


class HexConverter(IntegerConverter):
    """A converter that says what it lets through."""

    schema: t.ClassVar = {"type": "string", "pattern": "^[0-9a-f]+$"}


def described(rule: str, **options: t.Any) -> tuple[str, list[t.Any]]:
    """Return the template of a rule, and the schemas of its variables."""
    app = Flask(__name__, static_folder=None)
    app.url_map.converters.update(list=ListConverter, hex=HexConverter)
    app.add_url_rule(rule, "view", lambda: "", **options)
    (found,) = app.url_map.iter_rules()
    template, variables = template_of(found)
    return template, [schema_of(found._converters[name]) for name in variables]


@pytest.mark.parametrize(
    ("converter", "schema"),
    [
        ("", {"type": "string", "minLength": 1}),
        ("string:", {"type": "string", "minLength": 1}),
        ("string(length=2):", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("string(minlength=2, maxlength=5):", {"type": "string", "minLength": 2, "maxLength": 5}),
        ("path:", {"type": "string", "minLength": 1}),
        ("any(b, a):", {"type": "string", "enum": ["a", "b"]}),
        ("int:", {"type": "integer", "minimum": 0}),
        ("int(signed=True):", {"type": "integer"}),
        ("int(min=2, max=5):", {"type": "integer", "minimum": 2, "maximum": 5}),
        ("int(fixed_digits=3):", {"type": "string", "pattern": "^[0-9]{3}$"}),
        ("float:", {"type": "number", "minimum": 0}),
        ("float(min=1.5):", {"type": "number", "minimum": 1.5}),
        ("uuid:", {"type": "string", "format": "uuid"}),
        ("list:", {"type": "string"}),
        ("hex:", {"type": "string", "pattern": "^[0-9a-f]+$"}),
    ],
)
def test_converter_has_the_schema_of_what_it_matches(
    converter: str, schema: dict[str, t.Any]
) -> None:
    """A custom one is text, unless it says what it is."""
    assert described(f"/x/<{converter}value>") == ("/x/{value}", [schema])


def test_variables_are_in_order() -> None:
    """Several in one segment too, and a slash at the end is kept."""
    assert described("/<a>/x-<int:b>.<c>/")[0] == "/{a}/x-{b}.{c}/"


def test_variable_of_the_subdomain_is_none_of_the_path() -> None:
    """The document says nothing of hosts."""
    assert described("/x/<a>", subdomain="<user>")[0] == "/x/{a}"


def test_variable_with_a_default_is_text_of_the_path() -> None:
    """Such a rule matches with that value only."""
    assert described("/pages/<int:page>", defaults={"page": 1}) == ("/pages/1", [])


def test_braces_of_a_rule_are_no_variable_of_the_template() -> None:
    """They are text of the path, which has them encoded."""
    assert described("/x/{y}/<a>") == ("/x/%7By%7D/{a}", [{"type": "string", "minLength": 1}])


def test_rules_that_differ_in_names_of_variables_are_one_path() -> None:
    """The names are those of the first, which also has the methods that both have."""
    app = Costrel(__name__)

    @app.get("/items/<int:number>/<part>")
    def by_number(number: int, part: str) -> int:
        return number

    @app.route("/items/<name>/<int:part_number>", methods=["GET", "DELETE"])
    def by_name(name: str, part_number: int) -> int:
        """Have other names.

        Args:
            name: The name of it.
        """
        return part_number

    document = document_of(app)
    validate(document)
    assert list(document["paths"]) == ["/items/{number}/{part}"]
    (path,) = document["paths"].values()
    assert (path["get"]["operationId"], path["delete"]["operationId"]) == ("by_number", "by_name")
    number, part = path["delete"]["parameters"]
    assert (number["name"], number["schema"]["type"]) == ("number", "string")
    assert number["description"] == "The name of it."
    assert (part["name"], part["schema"]["type"]) == ("part", "integer")


class Level(enum.IntEnum):
    """Numbers."""

    LOW = 1
    HIGH = 12


class Color(enum.Enum):
    """Text."""

    RED = "red"
    BLACK = "black"


@pytest.mark.parametrize(
    ("rule", "annotation", "accepted", "refused"),
    [
        ("<value>", Level, [1, 12], [2, "1"]),
        ("<value>", int | bool, [1, True], ["a", 1.5]),
        ("<value>", t.Literal["a", 1], ["a", 1], ["b", 2]),
        ("<value>", Color, ["red", "black"], ["blue", 1]),
        ("<string(maxlength=4):value>", Color, ["red"], ["black"]),
        ("<int:value>", Level, [1, 12], [2, "1"]),
        ("<value>", int, [1, -1], ["a"]),
    ],
)
def test_variable_that_is_read_has_the_schema_of_what_it_is_read_as(
    rule: str, annotation: t.Any, accepted: list[t.Any], refused: list[t.Any]
) -> None:
    """What its converter says of text is nothing for a number."""
    app = Costrel(__name__)

    def show(value: t.Any) -> None: ...

    show.__annotations__ = {"value": t.Annotated[annotation, Path()], "return": None}
    app.get(f"/{rule}")(show)
    document = document_of(app)
    validate(document)
    (parameter,) = document["paths"]["/{value}"]["get"]["parameters"]
    schema = {**parameter["schema"], "components": document["components"]}
    validator = Draft202012Validator(schema)
    client = app.test_client()
    for value in accepted:
        text = str(value).lower()
        assert validator.is_valid(value), value
        assert client.get(f"/{text}").status_code == 204, value
    for value in refused:
        assert not validator.is_valid(value), value


class Limits(msgspec.Struct):
    """A model with a default that JSON can't hold."""

    most: float = float("inf")
    parts: tuple[float, ...] = (1.0, float("nan"))


def test_default_that_json_can_not_hold_is_not_shown() -> None:
    """It would be shown as null, which is refused."""
    app = Costrel(__name__)

    @app.get("/")
    def show(limits: t.Annotated[Limits, Query()], least: float = float("-inf")) -> None: ...

    document = document_of(app)
    validate(document)
    parameters = document["paths"]["/"]["get"]["parameters"]
    assert len(parameters) == 3
    assert all("default" not in one["schema"] for one in parameters)
