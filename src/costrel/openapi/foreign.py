"""Models that describe themselves, such as Pydantic's, as schemas of the document."""

from __future__ import annotations

import typing as t

import msgspec

from ..api.kinds import MAX_HASHED
from .names import Foreign

_MODES = {"input": "validation", "output": "serialization"}


def describe(cls: t.Any, mode: str) -> tuple[str, dict[str, Foreign]] | None:
    """Return a class's name, and it and the models in it by the names that it calls them.

    None for a class that has no method ``model_json_schema``, as Pydantic's models have it.
    """
    method = getattr(cls, "model_json_schema", None)
    if method is None:
        return None
    schema = method(mode=_MODES[mode], ref_template="{model}")
    if mode != "output":
        _limit(schema, schema.get("$defs", {}))
    inner = schema.pop("$defs", {})
    root = cls.__name__
    if set(schema) == {"$ref"}:  # a recursive model
        return schema["$ref"], _foreign(inner, mode)
    return root, _foreign({**inner, root: schema}, mode)


def _foreign(schemas: dict[str, t.Any], mode: str) -> dict[str, Foreign]:
    return {
        name: Foreign(name.rpartition("__")[2] or name, msgspec.json.encode(schema), mode)
        for name, schema in schemas.items()
    }


def _limit(schema: t.Any, inner: dict[str, t.Any]) -> None:
    """Add how many items clients may send of sets, as `Schemas` does for other types."""
    if isinstance(schema, list):
        for item in schema:
            _limit(item, inner)
    elif isinstance(schema, dict):
        if schema.get("uniqueItems") is True and not _are_text(schema.get("items"), inner):
            schema.setdefault("maxItems", MAX_HASHED)
        for value in schema.values():
            _limit(value, inner)


def _are_text(items: t.Any, inner: dict[str, t.Any]) -> bool:
    """Whether a set's items are text, or of those that a schema lists, so that it has no limit."""
    if not isinstance(items, dict):
        return False
    items = inner.get(items.get("$ref", ""), items)
    return "enum" in items or "const" in items or items == {"type": "string"}


def resolve(schema: t.Any, references: t.Mapping[str, t.Any]) -> t.Any:
    """Return a schema with references in the place of the names of models."""
    if isinstance(schema, list):
        return [resolve(item, references) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: references[value]
        if key == "$ref" and isinstance(value, str) and value in references
        else _mapping(value, references)
        if key == "discriminator"
        else resolve(value, references)
        for key, value in schema.items()
    }


def _mapping(discriminator: t.Any, references: t.Mapping[str, t.Any]) -> t.Any:
    if not isinstance(discriminator, dict):
        return discriminator
    mapping = discriminator.get("mapping", {})
    resolved = {tag: references.get(name, name) for tag, name in mapping.items()}
    return {**discriminator, "mapping": resolved} if resolved else discriminator


def is_file(cls: t.Any) -> bool:
    """Whether a class is that of uploaded files."""
    from werkzeug.datastructures import FileStorage

    return isinstance(cls, type) and issubclass(cls, FileStorage)
