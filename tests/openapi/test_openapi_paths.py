"""Path templates, and what converters let through."""

from __future__ import annotations

import typing as t

import pytest
from werkzeug.routing import BaseConverter, IntegerConverter

from costrel import Flask
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
