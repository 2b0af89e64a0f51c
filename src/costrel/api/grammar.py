"""What Pydantic's types take from clients, as msgspec describes types.

So that the grammar of values, the limits of sets and the integers that are written ``1.0`` are
the same for all models. It is read from the schema of Pydantic's core. What has no counterpart is
of any type here, and left to Pydantic.
"""

from __future__ import annotations

import typing as t

from msgspec import inspect as types

from .kinds import DICTS, OBJECTS, all_in, bare

Schema = t.Mapping[str, t.Any]

_SCALARS: dict[str, types.Type] = {
    "int": types.IntType(), "float": types.FloatType(), "bool": types.BoolType(),
    "str": types.StrType(), "bytes": types.BytesType(), "none": types.NoneType(),
    "date": types.DateType(), "datetime": types.DateTimeType(), "time": types.TimeType(),
    "timedelta": types.TimeDeltaType(), "uuid": types.UUIDType(), "decimal": types.DecimalType(),
}  # fmt: skip

_WITHIN = {
    "definitions": "schema", "default": "schema", "model": "schema", "dataclass": "schema",
    "function-after": "schema", "custom-error": "schema", "json-or-python": "json_schema",
    "lax-or-strict": "strict_schema",
}  # fmt: skip
"""Where a schema has what a value is, which it says something else of."""

_CHANGED = {"function-before": "schema", "function-wrap": "schema"}
"""Where it has what a value is after code of the application's has seen it."""

_LOOSE = (
    types.DateType, types.DateTimeType, types.TimeType, types.TimeDeltaType, types.UUIDType,
    types.DecimalType, types.EnumType,
)  # fmt: skip
"""Types of which Pydantic takes more than JSON has, also if it is strict."""


def kind_of_model(schema: Schema, *, as_sent: bool) -> types.Type:
    """Return the description of a type by its core schema.

    Args:
        schema: Of Pydantic's ``TypeAdapter``.
        as_sent: Whether a value is described that validators of the application's may change
            before it is looked at; then only where it is looked at as it was sent.
    """
    return _Kinds(schema, as_sent=as_sent).of(schema)


def grammar_of(schema: Schema) -> types.Type | None:
    """Return a description of the values that Pydantic holds less strictly than msgspec.

    None if there are none. It has only the fields with such values, and requires none.
    """
    kind = _Kinds(schema, as_sent=True, has_floats=False).of(schema)
    for item in list(all_in(kind)):
        if isinstance(item, OBJECTS):
            item.fields = tuple(one for one in item.fields if _is_loose(one.type))
    return kind if _is_loose(kind) else None


def _is_loose(kind: types.Type) -> bool:
    return any(
        isinstance(item, _LOOSE)
        or (isinstance(item, DICTS) and isinstance(bare(item.key_type), types.IntType))
        for item in all_in(kind)
    )


class _Kinds:
    """Make the descriptions of a schema and of what it refers to."""

    def __init__(self, schema: Schema, *, as_sent: bool, has_floats: bool = True) -> None:
        self._as_sent = as_sent
        #: Whether floats are told from what is of any type, and numbers still kept as written.
        self._has_floats = has_floats
        self._known: dict[str, Schema] = {}
        self._made: dict[str, types.Type] = {}
        self._note(schema)

    def _note(self, schema: t.Any) -> None:
        """Keep the schemas that others refer to, wherever they are."""
        pending = [schema]
        while pending:
            item = pending.pop()
            if isinstance(item, t.Mapping):
                if isinstance(item.get("ref"), str) and isinstance(item.get("type"), str):
                    self._known.setdefault(item["ref"], item)
                # Defaults and the like are the application's, and may be anything.
                pending += [one for name, one in item.items() if name not in _NO_SCHEMAS]
            elif isinstance(item, (list, tuple)):
                pending += item

    def of(self, schema: Schema) -> types.Type:  # noqa: C901, PLR0911  a table of types
        """Return the description of a schema."""
        name = schema["type"]
        if name == "definition-ref":
            return self._of_known(schema["schema_ref"])
        if name in _SCALARS:
            is_any = schema.get("strict") is False or (name == "float" and not self._has_floats)
            return types.AnyType() if is_any else _SCALARS[name]
        if name in _WITHIN:
            return self.of(schema[_WITHIN[name]])
        if name in _CHANGED:
            return types.AnyType() if self._as_sent else self.of(schema[_CHANGED[name]])
        if name == "nullable":
            return _union([self.of(schema["schema"]), types.NoneType()])
        if name == "chain":
            return self.of(schema["steps"][0])
        if name == "union":
            members = [one[0] if isinstance(one, tuple) else one for one in schema["choices"]]
            return self._one_of([self.of(one) for one in members])
        if name == "tagged-union":
            return self._tagged(schema)
        if name in {"model-fields", "typed-dict", "dataclass-args"}:
            return types.TypedDictType(cls=dict, fields=self._fields_of(schema))
        if name == "enum" and not self._as_sent:
            return types.EnumType(schema["cls"])
        return self._of_collection(name, schema) or _scalar(name, schema)

    def _of_known(self, ref: str) -> types.Type:
        if ref not in self._made:
            # It may refer to itself.
            holder = types.Metadata(types.AnyType())
            self._made[ref] = holder
            holder.type = self.of(self._known[ref]) if ref in self._known else types.AnyType()
        return self._made[ref]

    def _of_collection(  # noqa: PLR0911  a table of types
        self, name: str, schema: Schema
    ) -> types.Type | None:
        """Return the description of an array or a dictionary; None for what is neither."""
        if name in {"list", "generator"}:
            return types.ListType(self._items(schema))
        if name in {"set", "frozenset"}:
            return types.SetType(self._items(schema), max_length=schema.get("max_length"))
        if name == "tuple":
            items = [self.of(one) for one in schema["items_schema"]]
            if schema.get("variadic_item_index") is None:
                return types.TupleType(tuple(items))
            return types.VarTupleType(items[0]) if len(items) == 1 else None
        if name == "named-tuple" and not self._as_sent:
            return types.TupleType(tuple(self.of(one["schema"]) for one in schema["fields"]))
        if name == "dict":
            key, value = schema.get("keys_schema"), schema.get("values_schema")
            return types.DictType(
                types.StrType() if key is None else self.of(key),
                types.AnyType() if value is None else self.of(value),
                max_length=schema.get("max_length"),
            )
        return None

    def _items(self, schema: Schema) -> types.Type:
        items = schema.get("items_schema")
        return types.AnyType() if items is None else self.of(items)

    def _fields_of(self, schema: Schema) -> tuple[types.Field, ...]:
        fields = schema["fields"]
        named = (
            fields.items()
            if isinstance(fields, t.Mapping)
            else [(one["name"], one) for one in fields]
        )
        return tuple(
            types.Field(name, key, self.of(one["schema"]), required=False)
            for name, one in named
            for key in keys_of_field(name, one.get("validation_alias"), by_name=True)
        )

    def _one_of(self, members: list[types.Type]) -> types.Type:
        """Return a union; as it was sent, nobody knows which of several objects is meant."""
        of_arrays = [one for one in members if isinstance(one, _ARRAYS)]
        of_objects = [one for one in members if isinstance(one, (*OBJECTS, *DICTS, types.Metadata))]
        if self._as_sent and (len(of_arrays) > 1 or len(of_objects) > 1):
            return types.AnyType()
        return _union(members)

    def _tagged(self, schema: Schema) -> types.Type:
        discriminator, choices = schema["discriminator"], schema["choices"]
        found = {tag: self.of(one) for tag, one in choices.items()}
        if not self._as_sent:
            return _union(list(found.values()))
        members: list[types.Type] = []
        for tag, kind in found.items():
            fields = getattr(bare(kind), "fields", None)
            if fields is None or type(tag) is not str or not isinstance(discriminator, str):
                return types.AnyType()
            # Only its fields and its tag are asked for.
            struct: t.Any = dict
            members.append(types.StructType(struct, fields, tag_field=discriminator, tag=tag))
        return _union(members)


_ARRAYS = (types.ListType, types.SetType, types.VarTupleType, types.TupleType)

_NO_SCHEMAS = frozenset(("default", "default_factory", "metadata", "cls", "members", "expected"))


_NUMBERS = (types.IntType, types.EnumType, types.LiteralType)
_OTHERS = (types.NoneType, types.BoolType, types.FloatType, *_NUMBERS)


def _union(members: list[types.Type]) -> types.Type:
    """Return a union; of any type, if msgspec can't tell its members apart or one is that."""
    flat = [
        one
        for member in members
        for one in (member.types if isinstance(member, types.UnionType) else (member,))
    ]
    parts = [one for one in flat if isinstance(one, (*_ARRAYS, *OBJECTS, *DICTS, types.Metadata))]
    scalars = [one for one in flat if all(one is not part for part in parts)]
    of_text = [one for one in scalars if not isinstance(one, _OTHERS)]
    of_numbers = [one for one in scalars if isinstance(one, _NUMBERS)]
    if (
        any(isinstance(one, types.AnyType) for one in scalars)
        or len(of_text) > 1
        or len(of_numbers) > 1
    ):
        return types.UnionType((*parts, types.AnyType())) if parts else types.AnyType()
    return flat[0] if len(flat) == 1 else types.UnionType(tuple(flat))


def _scalar(name: str, schema: Schema) -> types.Type:
    if name == "enum" and schema.get("sub_type") == "int" and schema.get("strict") is not False:
        return types.EnumType(schema["cls"])
    if name == "literal" and all(type(one) in {int, str} for one in schema["expected"]):
        return types.LiteralType(tuple(schema["expected"]))
    return types.AnyType()


def keys_of_field(name: str, alias: t.Any, *, by_name: bool) -> list[str]:
    """Return the names that clients may send for a field of a model.

    Args:
        name: Its name in the class.
        alias: What it says is its alias: text, a path, or several of these; None for none.
        by_name: Whether its own name is taken as well as the alias.
    """
    # Of a longer path, the field is only a part of what the name stands for.
    found = [path[0] for path in _paths_of(alias) if len(path) == 1]
    if by_name or alias is None:
        found.append(name)
    return list(dict.fromkeys(found))


def parents_of_field(alias: t.Any) -> list[str]:
    """Return the names that clients may send of lists and objects with a field's value in them."""
    return [path[0] for path in _paths_of(alias) if len(path) > 1]


def _paths_of(alias: t.Any) -> t.Iterator[t.Sequence[t.Any]]:
    """Yield the paths to a field's value, by Pydantic's classes or as its core has them."""
    if alias is None:
        return
    if isinstance(alias, str):
        yield [alias]
        return
    choices = getattr(alias, "choices", None)
    if choices is None:
        of_core = isinstance(alias, list) and all(isinstance(one, list) for one in alias)
        choices = alias if of_core else [alias]
    for one in choices:
        path = getattr(one, "path", one)
        yield [path] if isinstance(path, str) else path
