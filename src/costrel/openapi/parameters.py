"""Parameter objects: what an operation takes from the path, query, headers and cookies."""

from __future__ import annotations

import typing as t

from msgspec import inspect as types

from ..api.kinds import ARRAYS, without_none
from ..api.places import key_of
from .paths import schema_of
from .scalars import Schema, as_json, text_default

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from werkzeug.routing import Rule

    from ..api.values import Entry
    from .schema import Schemas

PLACES = frozenset(("query", "header", "cookie"))


def parameters_of(
    schemas: Schemas, entries: Sequence[Entry], rule: Rule | None, variables: Iterable[str]
) -> list[dict[str, t.Any]]:
    """Return an operation's parameters: those of the path first, then in the order of the code.

    What several functions take, such as a view and what it depends on, is there once; it is
    required if one of them requires it.
    """
    found: dict[tuple[str, str], dict[str, t.Any]] = {}
    for parameter in [
        *_of_path(schemas, entries, rule, variables),
        *(one for entry in entries for one in _of_entry(schemas, entry)),
    ]:
        key = parameter["in"], parameter["name"]
        known = found.setdefault(key, parameter)
        if parameter["required"]:
            known["required"] = True
    return list(found.values())


def _of_path(
    schemas: Schemas, entries: Sequence[Entry], rule: Rule | None, variables: Iterable[str]
) -> Iterator[dict[str, t.Any]]:
    marked = {entry.name: entry for entry in entries if entry.marker.place == "path"}
    for name in variables:
        converter = schema_of(t.cast("Rule", rule)._converters[name])
        entry = marked.get(name)
        if entry is None:
            yield {"name": name, "in": "path", "required": True, "schema": converter}
        else:
            # Both have to let a value through; what the annotation says is more precise.
            schema = {**converter, **schemas.of_text(entry.annotation)}
            yield {**_parameter(name, "path", schema, entry.marker), "required": True}


def _of_entry(schemas: Schemas, entry: Entry) -> Iterator[dict[str, t.Any]]:
    place = entry.marker.place
    if place not in PLACES:
        return
    if not entry.is_whole:
        schema = {**schemas.of_text(entry.annotation), **text_default(entry.default)}
        parameter = _parameter(entry.key, place, schema, entry.marker)
        parameter["required"] = entry.is_required
        yield _with_style(parameter, schemas.kind_of(entry.annotation))
        return
    kind: t.Any = without_none(schemas.kind_of(entry.annotation))
    if isinstance(kind, types.CustomType):
        properties, required = schemas.fields_of(kind.cls)
        for field, schema in properties.items():
            parameter = _parameter(key_of(type(entry.marker), field), place, dict(schema), None)
            yield {**parameter, "required": field in required and entry.is_required}
        return
    for one in kind.fields:
        default = text_default(one.default, one.default_factory)
        schema = {**schemas.of_text_kind(one.type), **default}
        name = key_of(type(entry.marker), one.encode_name)
        parameter = _parameter(name, place, schema, None)
        parameter["required"] = one.required and entry.is_required
        yield _with_style(parameter, one.type)


def _parameter(name: str, place: str, schema: Schema, marker: t.Any) -> dict[str, t.Any]:
    """Return a parameter with what its marker says of it."""
    parameter: dict[str, t.Any] = {"name": name, "in": place, "required": False}
    description = getattr(marker, "description", None) or schema.pop("description", None)
    if description:
        parameter["description"] = description
    if getattr(marker, "deprecated", False):
        parameter["deprecated"] = True
    parameter["schema"] = schema
    return add_examples(parameter, schema, marker)


def add_examples(parameter: dict[str, t.Any], schema: Schema, marker: t.Any) -> dict[str, t.Any]:
    """Add a marker's examples: those with names to the parameter, others to its schema."""
    examples = getattr(marker, "examples", ())
    if isinstance(examples, dict):
        parameter["examples"] = {name: {"value": as_json(one)} for name, one in examples.items()}
    elif examples:
        schema["examples"] = [as_json(one) for one in examples]
    return parameter


def _with_style(parameter: dict[str, t.Any], kind: types.Type) -> dict[str, t.Any]:
    """Say how a list is written: a query has a parameter for each item, a header commas."""
    if isinstance(without_none(kind), ARRAYS):
        in_header = parameter["in"] == "header"
        parameter["style"] = "simple" if in_header else "form"
        parameter["explode"] = not in_header
    return parameter
