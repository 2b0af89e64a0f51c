"""Request bodies: a JSON document, or the fields and files of a form."""

from __future__ import annotations

import typing as t

from msgspec import inspect as types

from ..api.forms import Blank, blank_of
from ..api.kinds import ARRAYS, fields_of, without_none
from ..api.text import is_text, takes_on
from . import docstrings, foreign
from .parameters import add_examples
from .scalars import FILE, Schema, text_default

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..api.values import Entry
    from .schema import Mode, Schemas

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def body_of(
    schemas: Schemas, entries: Sequence[Entry], mode: Mode, said: Mapping[str, str]
) -> dict[str, t.Any] | None:
    """Return the request body of an operation; None if it takes none.

    `said` is what the view's docstring says of each name.
    """
    for entry in entries:
        if entry.marker.place == "body":
            schema = dict(schemas.of(entry.annotation, mode))
            body: dict[str, t.Any] = {"required": entry.is_required}
            description = getattr(entry.marker, "description", None) or said.get(entry.name)
            if description:
                body["description"] = description
            content = add_examples({"schema": schema}, schema, entry.marker)
            return {**body, "content": {JSON: content}}
    fields = [entry for entry in entries if entry.marker.place in {"form", "file"}]
    form = _Form(schemas, fields, said)
    return form.body()


class _Form:
    """The fields of a form, from several parameters, or from the fields of one."""

    def __init__(self, schemas: Schemas, entries: Sequence[Entry], said: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._properties: dict[str, Schema] = {}
        self._required: list[str] = []
        #: The content types of parts that are not text.
        self._encoding: dict[str, dict[str, str]] = {}
        self._has_files = False
        self._closed = False
        for entry in entries:
            kind: t.Any = schemas.kind_of(entry.annotation)
            if not entry.is_whole:
                default = text_default(entry.default)
                schema = self._field(entry.key, kind, entry.marker, is_required=entry.is_required)
                schema |= default
                self._add(entry.key, schema, entry.marker, said.get(entry.name))
                self._required += [entry.key] * entry.is_required
                continue
            kind = without_none(kind)
            self._closed = getattr(kind, "forbid_unknown_fields", False)
            words = docstrings.of_class(kind.cls).names
            for one in fields_of(kind):
                default = text_default(one.default, one.default_factory)
                schema = self._field(one.encode_name, one.type, None, is_required=one.required)
                schema |= default
                self._add(one.encode_name, schema, None, words.get(one.name))
                self._required += [one.encode_name] * (one.required and entry.is_required)

    def _add(self, name: str, schema: Schema, marker: t.Any, said: str | None) -> None:
        description = schema.get("description", said)
        description = getattr(marker, "description", None) or description
        if description:
            schema["description"] = description
        if getattr(marker, "deprecated", False):
            schema["deprecated"] = True
        add_examples({}, schema, marker)
        self._properties[name] = schema

    def _field(self, name: str, kind: types.Type, marker: t.Any, *, is_required: bool) -> Schema:
        """Return the schema of a field: text, a file, or a part that is JSON."""
        inner: t.Any = without_none(kind)
        many = isinstance(inner, ARRAYS)
        item: t.Any = without_none(inner.item_type) if many else inner
        if isinstance(item, types.CustomType) and foreign.is_file(item.cls):
            self._has_files = True
            accepted = getattr(marker, "types", ())
            if accepted:
                self._encoding[name] = {"contentType": ", ".join(accepted)}
            schema: Schema = {"type": "array", "items": dict(FILE)} if many else dict(FILE)
        elif is_text(kind):
            schema = self._text(kind, many=many, is_required=is_required)
        else:
            self._encoding[name] = {"contentType": JSON}
            schema = dict(self._schemas.of_kind(inner, "input"))
        if many and is_required:
            # Of an empty list, nothing is sent.
            schema["minItems"] = max(1, schema.get("minItems", 0))
        return schema

    def _text(self, kind: types.Type, *, many: bool, is_required: bool) -> Schema:
        """Return the schema of a field that is text, with what browsers send besides the type."""
        schema = dict(self._schemas.of_text_kind(kind))
        if takes_on(kind):
            schema = {**schema, "items": _or(schema["items"], _ON)} if many else _or(schema, _ON)
        if blank_of(kind, is_required=is_required) is not Blank.TEXT:
            schema = _or(schema, _EMPTY)
        return schema

    def body(self) -> dict[str, t.Any] | None:
        """Return the request body; None without fields."""
        if not self._properties:
            return None
        schema: Schema = {"type": "object", "properties": self._properties}
        if self._required:
            schema["required"] = self._required
        if self._closed:
            schema["additionalProperties"] = False
        content: dict[str, t.Any] = {"schema": schema}
        if self._encoding:
            content["encoding"] = self._encoding
        # Both are accepted; of text alone, nothing but this needs to be known.
        media = MULTIPART if self._has_files or self._encoding else URLENCODED
        return {"required": bool(self._required), "content": {media: content}}


_EMPTY: Schema = {"type": "string", "maxLength": 0}
_ON: Schema = {"type": "string", "const": "on"}

_WORDS = ("title", "description", "examples")
"""What a schema says to people, which is said of all of it."""


def _or(schema: Schema, other: Schema) -> Schema:
    """Return a schema with one more alternative."""
    words = {name: schema[name] for name in _WORDS if name in schema}
    rest = {name: value for name, value in schema.items() if name not in words}
    several = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**words, "anyOf": [*several, dict(other)]}
