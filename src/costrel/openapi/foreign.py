"""Models that describe themselves, such as Pydantic's, as schemas of the document."""

from __future__ import annotations

import inspect
import re
import typing as t
from functools import lru_cache, partial

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
    schema = method(mode=_MODES[mode], ref_template="{model}", **_generator_for(method))
    if mode != "output":
        _limit(schema, schema.get("$defs", {}))
    inner = schema.pop("$defs", {})
    if set(schema) == {"$ref"}:  # a recursive model
        return schema["$ref"], _foreign(inner, mode)
    root = _reference(cls)
    return root, _foreign({**inner, root: schema}, mode)


def _generator_for(method: t.Any) -> dict[str, t.Any]:
    """Return the argument for a method that has one for what makes the schema: Pydantic's."""
    parameter = inspect.signature(method).parameters.get("schema_generator")
    default = None if parameter is None else parameter.default
    return {"schema_generator": _generator(default)} if isinstance(default, type) else {}


@lru_cache(maxsize=16)
def _generator(base: t.Any) -> t.Any:
    """Return a class that makes schemas whose references tell where a model is."""

    class Generator(base):  # type: ignore[misc]
        def get_defs_ref(self, core_mode_ref: t.Any) -> t.Any:
            """Return a key of the definitions, which is then replaced by another."""
            key = super().get_defs_ref(core_mode_ref)
            choices = getattr(self, "_prioritized_defsref_choices", None)
            if choices is not None:
                choices[key] = [core_mode_ref[0], key]
            return key

    return Generator


def _reference(cls: t.Any) -> str:
    """Return the reference that Pydantic has for a model: with the number of each class."""
    generic = getattr(cls, "__pydantic_generic_metadata__", None) or {}
    origin, arguments = generic.get("origin") or cls, generic.get("args") or ()
    reference = f"{origin.__module__}.{origin.__qualname__}:{id(origin)}"
    names = ",".join(f"{getattr(one, '__qualname__', one)}:{id(one)}" for one in arguments)
    return f"{reference}[{names}]" if names else reference


_ID = re.compile(r":\d+")
_ARGUMENT = re.compile(r"(?:[^.,\[\]:]+\.)*([^.,\[\]:]+)(?::(\d+))?")
_NO_NAMES = re.compile(r"[^A-Za-z0-9]+")


def _foreign(schemas: dict[str, t.Any], mode: str) -> dict[str, Foreign]:
    """Return models by their references, which are such as ``orders.Item:94`` or ``Item``."""
    heads = [reference.partition("[")[0].rpartition(":") for reference in schemas]
    paths = {number: path for path, _colon, number in heads}
    found = {}
    for reference, schema in schemas.items():
        head, bracket, arguments = reference.partition("[")
        *outer, name = _ID.sub("", head).split(".")
        short = name + bracket + _ARGUMENT.sub(r"\1", arguments)
        longer = name + bracket + _ARGUMENT.sub(partial(_full, paths), arguments)
        places = tuple(one for one in outer if one != "<locals>")
        found[reference] = Foreign(short, places, msgspec.json.encode(schema), longer, mode)
    return found


def _full(paths: t.Mapping[str, str], argument: re.Match[str]) -> str:
    """Return the name of a type argument with those of what it is in."""
    parts = _NO_NAMES.split(paths.get(argument[2], argument[1]).replace("<locals>", ""))
    return "".join(part[:1].upper() + part[1:] for part in parts)


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
