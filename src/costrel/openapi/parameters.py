"""Parameter objects: what an operation takes from the path, query, headers and cookies."""

from __future__ import annotations

import typing as t

from msgspec import inspect as types

from ..api.kinds import ARRAYS, fields_of, without_none
from ..api.places import key_of
from . import docstrings
from .paths import schema_of
from .scalars import Schema, as_json, text_default

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from werkzeug.routing import Rule

    from ..api.values import Entry
    from .schema import Schemas

PLACES = frozenset(("query", "header", "cookie"))


def parameters_of(
    schemas: Schemas,
    entries: Sequence[Entry],
    rule: Rule | None,
    variables: Mapping[str, str],
    said: Mapping[str, str],
) -> list[dict[str, t.Any]]:
    """Return an operation's parameters: those of the path first, then in the order of the code.

    What several functions take, such as a view and what it depends on, is there once; it is
    required if one of them requires it.

    Args:
        schemas: The schemas of the document.
        entries: What the view takes, and what it depends on.
        rule: The rule.
        variables: Its variables, and their names in the path template.
        said: What the view's docstring says of each name.
    """
    found: dict[tuple[str, str], dict[str, t.Any]] = {}
    for parameter in [
        *_of_path(schemas, entries, rule, variables, said),
        *(one for entry in entries for one in _of_entry(schemas, entry, said)),
    ]:
        key = parameter["in"], parameter["name"]
        known = found.setdefault(key, parameter)
        if parameter["required"]:
            known["required"] = True
    return list(found.values())


def _of_path(
    schemas: Schemas,
    entries: Sequence[Entry],
    rule: Rule | None,
    variables: Mapping[str, str],
    said: Mapping[str, str],
) -> Iterator[dict[str, t.Any]]:
    marked = {entry.name: entry for entry in entries if entry.marker.place == "path"}
    for name, shown in variables.items():
        schema = schema_of(t.cast("Rule", rule)._converters[name])
        entry = marked.get(name)
        if entry is not None:
            own = schemas.of_text(entry.annotation)
            # Both have to let a value through; what the annotation says is more precise. What is
            # said of text is nothing for what it is read as.
            is_read = schema.get("type") == "string" and not _is_string(entry.kind, own)
            schema = own if is_read else schema | own
        marker = None if entry is None else entry.marker
        yield _parameter(shown, "path", schema, marker, said.get(name), required=True)


def _is_string(kind: types.Type, schema: Schema) -> bool:
    """Whether all values of a type are strings in JSON."""
    kind = without_none(kind)
    if isinstance(kind, types.EnumType):
        return all(isinstance(member.value, str) for member in kind.cls)
    return schema.get("type") == "string"


def _of_entry(
    schemas: Schemas, entry: Entry, said: Mapping[str, str]
) -> Iterator[dict[str, t.Any]]:
    place = entry.marker.place
    if place not in PLACES:
        return
    kind = schemas.kind_of(entry.annotation)
    if entry.is_whole:
        yield from _of_model(schemas, entry, without_none(kind))
        return
    schema = {**schemas.of_text_kind(kind), **text_default(entry.default)}
    words, required = said.get(entry.name), entry.is_required
    parameter = _parameter(entry.key, place, schema, entry.marker, words, required=required)
    yield _with_style(parameter, kind)


def _of_model(schemas: Schemas, entry: Entry, kind: t.Any) -> Iterator[dict[str, t.Any]]:
    """Yield a parameter for each field of a model of the whole query, headers or cookies."""
    place, marker = entry.marker.place, type(entry.marker)
    if isinstance(kind, types.CustomType):
        properties, needed = schemas.fields_of(kind.cls)
        for field, schema in properties.items():
            required = field in needed and entry.is_required
            name = key_of(marker, field)
            yield _parameter(name, place, dict(schema), None, None, required=required)
        return
    said = docstrings.of_class(kind.cls).names
    for one in fields_of(kind):
        default = text_default(one.default, one.default_factory)
        schema = {**schemas.of_text_kind(one.type), **default}
        name, required = key_of(marker, one.encode_name), one.required and entry.is_required
        parameter = _parameter(name, place, schema, None, said.get(one.name), required=required)
        yield _with_style(parameter, one.type)


def _parameter(
    name: str, place: str, schema: Schema, marker: t.Any, said: str | None, *, required: bool
) -> dict[str, t.Any]:
    """Return a parameter with what is said of it: by its marker, its type or a docstring."""
    parameter: dict[str, t.Any] = {"name": name, "in": place, "required": required}
    description = schema.pop("description", said)
    description = getattr(marker, "description", None) or description
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
