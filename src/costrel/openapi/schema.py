"""JSON schemas (2020-12) of types, and the models among them as components.

The types are those that msgspec describes, so that what a schema allows is what is accepted.
A model that is both taken and sent has two schemas where they differ: a field with a default
need not be sent by clients, and is always sent to them.
"""

from __future__ import annotations

import types as builtin_types
import typing as t

import msgspec
from msgspec import inspect as types

from ..api.kinds import ARRAYS, DICTS, OBJECTS, bare, is_positional, kind_of, members_of
from . import docstrings, foreign
from .names import free, names_of
from .scalars import FILE, Schema, as_json, choice, constraints, default_of, scalar, text_of_number

Mode = t.Literal["input", "output", "text", "untagged"]
"""Whether clients send a value, get it, or send it as text, outside of a document.

``untagged`` is a struct with a tag that clients send where there is no other: they may leave the
tag out, which they may not in a union.
"""

_ITEMS = {"min_length": "minItems", "max_length": "maxItems"}
_PROPERTIES = {"min_length": "minProperties", "max_length": "maxProperties"}


class Reference:
    """What stands for a model in a schema until all models are known, and so their names.

    References are equal if their models are, so that schemas can be compared across modes.
    """

    __slots__ = ("mode", "model")

    def __init__(self, model: t.Any, mode: Mode) -> None:
        self.model = model
        self.mode: Mode = mode

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and bool(self.model == other.model)

    def __hash__(self) -> int:
        return hash(self.model)


class Schemas:
    """The schemas of one document.

    `of` returns schemas in which a `Reference` stands for each model. When all are made,
    `finish` names the models; `encoded` then makes JSON of anything with references in it.
    """

    def __init__(self) -> None:
        self._kinds: dict[t.Any, types.Type] = {}
        #: The models' own schemas.
        self._models: dict[Mode, dict[t.Any, Schema]] = {"input": {}, "output": {}, "untagged": {}}
        #: The models that a model's own schema refers to.
        self._uses: dict[t.Any, set[t.Any]] = {}
        self._names: dict[tuple[t.Any, Mode], str] = {}

    def kind_of(self, annotation: t.Any) -> types.Type:
        """Return msgspec's description of a type; raises `TypeError` if there is none."""
        try:
            kind = self._kinds.get(annotation)
        except TypeError:  # it can't be hashed
            return kind_of(annotation)
        if kind is None:
            kind = self._kinds[annotation] = kind_of(annotation)
        return kind

    def of(self, annotation: t.Any, mode: Mode) -> Schema:
        """Return the schema of a type; raises `TypeError` for one that JSON can't describe."""
        try:
            kind = self.kind_of(annotation)
        except TypeError:
            # A union whose members msgspec can't tell apart, but another library may.
            if t.get_origin(annotation) not in {t.Union, builtin_types.UnionType}:
                raise
            members = [one for one in t.get_args(annotation) if one is not msgspec.UnsetType]
            return {"anyOf": [self.of(member, mode) for member in members]}
        return self.of_kind(kind, mode)

    def of_text(self, annotation: t.Any) -> Schema:
        """Return the schema of a parameter that is text, and so never null."""
        return self.of_text_kind(self.kind_of(annotation))

    def of_text_kind(self, kind: types.Type) -> Schema:
        """Return the same for a type that msgspec has described."""
        return self.of_kind(_not_null(kind), "text")

    def of_kind(self, kind: types.Type, mode: Mode) -> Schema:
        """Return the schema of a type that msgspec has described."""
        if isinstance(kind, types.Metadata):
            extra = as_json(kind.extra_json_schema or {}, {})
            return {**self.of_kind(kind.type, mode), **extra}
        if isinstance(kind, (*OBJECTS, types.NamedTupleType, types.EnumType)):
            may_omit_tag = mode == "input" and _has_tag(kind) and not is_positional(kind)
            return {"$ref": self._reference(kind, "untagged" if may_omit_tag else mode)}
        if isinstance(kind, types.UnionType):
            return self._union(kind, mode)
        if isinstance(kind, types.CustomType):
            return self._custom(kind.cls, mode)
        schema = self._collection(kind, mode)
        if schema is None:
            schema = scalar(kind)
        if schema is None:
            raise TypeError(f"JSON can't describe {kind!r}, so it can't be in an OpenAPI document.")
        if isinstance(kind, types.DecimalType) and mode == "input":
            schema["type"] = ["string", "number"]  # in a document, a number is accepted too
        return schema

    def _collection(self, kind: types.Type, mode: Mode) -> Schema | None:
        """Return the schema of an array or a dictionary; None for what is neither."""
        if isinstance(kind, ARRAYS):
            items = self.of_kind(kind.item_type, mode)
            return {"type": "array", "items": items, **constraints(kind, _ITEMS)}
        if isinstance(kind, types.TupleType):
            return self._fixed_array(list(kind.item_types), len(kind.item_types), mode, closed=True)
        return self._dictionary(kind, mode) if isinstance(kind, DICTS) else None

    # Models

    def _reference(self, kind: t.Any, mode: Mode) -> Reference:
        model = kind.cls
        if isinstance(kind, types.EnumType):
            mode = "output"  # it has one schema
        known = self._models[mode]
        if model not in known:
            known[model] = {}  # so that a recursive model ends here
            known[model] = self._model(kind, mode)
        return Reference(model, mode)

    def _model(self, kind: t.Any, mode: Mode) -> Schema:
        if isinstance(kind, types.EnumType):
            schema = choice([member.value for member in kind.cls])
        elif isinstance(kind, types.NamedTupleType) or getattr(kind, "array_like", False):
            schema = self._array_of_fields(kind, mode)
        else:
            schema = self._object(kind, mode)
        description = docstrings.of_class(kind.cls).text
        self._uses.setdefault(kind.cls, set()).update(_references_in(schema))
        return {"description": description, **schema} if description else schema

    def _object(self, kind: t.Any, mode: Mode) -> Schema:
        properties: dict[str, Schema] = {}
        required = []
        tag_field = getattr(kind, "tag_field", None)
        if tag_field is not None:
            properties[tag_field] = choice([kind.tag])
            if mode == "untagged":
                mode = "input"
            else:
                required.append(tag_field)
        omits = _omits_defaults(kind.cls)
        said = docstrings.of_class(kind.cls).names
        for one in kind.fields:
            properties[one.encode_name] = self._field(one, mode, said.get(one.name))
            if one.required or (mode == "output" and _has_default(one) and not omits):
                required.append(one.encode_name)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if getattr(kind, "forbid_unknown_fields", False):
            schema["additionalProperties"] = False
        return schema

    def _field(self, one: types.Field, mode: Mode, said: str | None) -> Schema:
        schema = {**self.of_kind(one.type, mode), **default_of(one.default, one.default_factory)}
        return {"description": said, **schema} if said else schema

    def _array_of_fields(self, kind: t.Any, mode: Mode) -> Schema:
        """Return the schema of a tuple with names, or of a struct that is sent as an array."""
        items = [one.type for one in kind.fields]
        required = sum(1 for one in kind.fields if one.required or mode == "output")
        tag = getattr(kind, "tag", None)
        if tag is not None:
            items.insert(0, types.LiteralType((tag,)))
            required += 1
        closed = isinstance(kind, types.NamedTupleType) or kind.forbid_unknown_fields
        return self._fixed_array(items, required, mode, closed=closed)

    def _fixed_array(
        self, kinds: list[types.Type], required: int, mode: Mode, *, closed: bool
    ) -> Schema:
        schema: Schema = {"type": "array", "minItems": required}
        if kinds:
            schema["prefixItems"] = [self.of_kind(kind, mode) for kind in kinds]
        if closed:
            schema["maxItems"] = len(kinds)
        return schema

    # Unions, dictionaries, and what msgspec does not know

    def _union(self, kind: types.UnionType, mode: Mode) -> Schema:
        tagged = list(filter(_has_tag, kind.types))
        if len(tagged) < 2:  # the tag of a single one tells nothing apart
            return {"anyOf": [self.of_kind(member, mode) for member in kind.types]}
        parts = [self.of_kind(member, mode) for member in kind.types if not _has_tag(member)]
        one_of = self._tagged([bare(one) for one in tagged], mode)
        return {"anyOf": [one_of, *parts]} if parts else one_of

    def _tagged(self, members: list[t.Any], mode: Mode) -> Schema:
        """Return the schema of structs that their tags tell apart."""
        references = {str(one.tag): self._reference(one, mode) for one in members}
        schema: Schema = {"oneOf": [{"$ref": one} for one in references.values()]}
        if not any(one.array_like for one in members):
            schema["discriminator"] = {
                "propertyName": members[0].tag_field,
                "mapping": references,
            }
        return schema

    def _dictionary(self, kind: t.Any, mode: Mode) -> Schema:
        schema: Schema = {"type": "object", **constraints(kind, _PROPERTIES)}
        if not isinstance(bare(kind.value_type), types.AnyType):
            schema["additionalProperties"] = self.of_kind(kind.value_type, mode)
        names = self._names_of_keys(kind.key_type, mode)
        if names not in ({}, {"type": "string"}):
            schema["propertyNames"] = names
        return schema

    def _names_of_keys(self, kind: types.Type, mode: Mode) -> Schema:
        """Return the schema of a dictionary's keys, which are text in JSON, whatever they are."""
        kind = bare(kind)
        if isinstance(kind, types.UnionType):
            found = [
                self._names_of_keys(member, mode)
                for member in members_of(kind)
                if not isinstance(member, types.NoneType)
            ]
            is_any = {} in found or {"type": "string"} in found
            return {} if is_any else found[0] if len(found) == 1 else {"anyOf": found}
        schema = text_of_number(kind)
        if schema is None:
            schema = self.of_kind(kind, "output" if isinstance(kind, types.DecimalType) else mode)
        return schema

    def _custom(self, cls: t.Any, mode: Mode) -> Schema:
        """Return the schema of a class of another library, such as Pydantic."""
        if foreign.is_file(cls):
            return dict(FILE)
        reference = self._foreign(cls, mode)
        if reference is None:
            raise TypeError(
                f"{cls!r} has no JSON schema. Use a struct, dataclass, TypedDict or attrs class,"
                " or leave the view out of the document with include_in_schema=False."
            )
        return {"$ref": reference}

    def _foreign(self, cls: t.Any, mode: Mode) -> Reference | None:
        """Return what refers to a model that describes itself; None for any other class."""
        described = foreign.describe(cls, mode)
        if described is None:
            return None
        root, models = described
        references = {name: Reference(model, mode) for name, model in models.items()}
        for model in models.values():
            if model not in self._models[mode]:
                own = foreign.resolve(msgspec.json.decode(model.schema), references)
                self._models[mode][model] = own
                self._uses.setdefault(model, set()).update(_references_in(own))
        return references[root]

    def fields_of(self, cls: t.Any) -> tuple[dict[str, Schema], list[str]]:
        """Return the fields of a model that describes itself, and which are required."""
        reference = self._foreign(cls, "input")
        schema = {} if reference is None else self._models["input"][reference.model]
        return schema.get("properties", {}), schema.get("required", [])

    # Names

    def finish(self) -> dict[str, Schema]:
        """Name all models, and return the schemas that documents have as components."""
        apart = self._apart()
        models_of = self._models
        names = names_of({**models_of["output"], **models_of["input"], **models_of["untagged"]})
        taken = set(names.values())
        components: dict[str, Schema] = {}
        for model, name in names.items():
            for mode, models in self._models.items():
                if model not in models:
                    continue
                own = name
                suffix = self._suffix_of(model, mode, apart)
                if suffix:
                    own = free(f"{name}{suffix}", taken)
                    taken.add(own)
                self._names[model, mode] = own
                components[own] = models[model]
        return dict(sorted(components.items()))

    def _suffix_of(self, model: t.Any, mode: Mode, apart: set[t.Any]) -> str:
        """Return what tells the schema of a model from others of it, behind its name."""
        if mode == "untagged" and model in self._models["input"]:
            return "Untagged"
        return "Input" if mode != "output" and model in apart else ""

    def _apart(self) -> set[t.Any]:
        """Return the models whose schemas differ between what is taken and what is sent."""
        taken, sent, untagged = (self._models[mode] for mode in ("input", "output", "untagged"))
        both = (taken.keys() | untagged.keys()) & sent.keys()
        apart = {model for model in both if model in untagged or taken[model] != sent[model]}
        while True:
            more = {one for one in both - apart if not apart.isdisjoint(self._uses.get(one, ()))}
            if not more:
                return apart
            apart |= more

    def encoded(self, document: t.Any) -> bytes:
        """Return a document as JSON, in which references name the models of `finish`."""
        return msgspec.json.encode(document, enc_hook=self._link)

    def _link(self, value: t.Any) -> str:
        if isinstance(value, Reference):
            return f"#/components/schemas/{self._names[value.model, value.mode]}"
        raise TypeError(f"JSON can't hold {value!r}, which an OpenAPI document has got.")


def _has_tag(kind: types.Type) -> bool:
    return getattr(bare(kind), "tag_field", None) is not None


def _not_null(kind: types.Type) -> types.Type:
    """Return a type without None."""
    if isinstance(kind, types.Metadata):
        return types.Metadata(_not_null(kind.type), kind.extra_json_schema, kind.extra)
    if isinstance(kind, types.UnionType):
        rest = tuple(one for one in kind.types if not isinstance(bare(one), types.NoneType))
        return rest[0] if len(rest) == 1 else types.UnionType(rest)
    if isinstance(kind, types.LiteralType):
        return types.LiteralType(tuple(value for value in kind.values if value is not None))
    return kind


def _references_in(schema: t.Any) -> t.Iterator[t.Any]:
    """Yield the models that a schema refers to."""
    if isinstance(schema, Reference):
        yield schema.model
    elif isinstance(schema, dict):
        for value in schema.values():
            yield from _references_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references_in(value)


def _has_default(one: types.Field) -> bool:
    """Whether a field has a value even if nobody gave it one; `UNSET` is none."""
    return one.default is not msgspec.NODEFAULT or one.default_factory is not msgspec.NODEFAULT


def _omits_defaults(cls: t.Any) -> bool:
    config = getattr(t.get_origin(cls) or cls, "__struct_config__", None)
    return config is not None and bool(config.omit_defaults)
