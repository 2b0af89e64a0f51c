"""Find everything in a value that does not fit a type, with a JSON pointer to each place.

msgspec stops at the first error. It decodes, and only if that fails, this walks the type.
The wording of each error is msgspec's.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import typing as t
import uuid
from collections.abc import Iterator
from functools import lru_cache

import msgspec
from msgspec import inspect as types

from .kinds import ARRAYS, DICTS, OBJECTS, bare, holds, members_of
from .text import NUMBER

LIMIT = 100
"""The most errors that are reported of one value."""


class Mismatch(t.NamedTuple):
    """A place in a value, as a JSON pointer (RFC 6901), and what is wrong there."""

    pointer: str
    detail: str


def find(value: t.Any, kind: types.Type) -> Iterator[Mismatch]:
    """Yield the mismatches of a value that JSON can hold, in the order of the type."""
    return _find(value, kind, "")


def _find(value: t.Any, kind: types.Type, pointer: str) -> Iterator[Mismatch]:  # noqa: PLR0911
    kind = bare(kind)
    if kind == _PLAIN.get(type(value)):
        return iter(())
    if isinstance(kind, types.UnionType):
        return _find_in_union(value, kind, pointer)
    if isinstance(kind, OBJECTS) and isinstance(value, dict):
        return _find_in_fields(value, kind, pointer)
    if isinstance(kind, types.StructType) and kind.array_like and isinstance(value, list):
        return _find_whole(value, kind, pointer)
    if isinstance(kind, DICTS) and isinstance(value, dict):
        return _find_in_dict(value, kind, pointer)
    if isinstance(kind, ARRAYS) and isinstance(value, list):
        return _find_in_array(value, kind, pointer)
    if isinstance(kind, types.TupleType) and isinstance(value, list):
        return _find_in_tuple(value, kind, pointer)
    if isinstance(kind, types.NamedTupleType) and isinstance(value, list):
        return _find_in_named_tuple(value, kind, pointer)
    if isinstance(kind, types.DecimalType) and isinstance(value, str):
        return _find_in_decimal(value, pointer)
    return _find_whole(value, kind, pointer)


_PLAIN: dict[type, types.Type] = {
    str: types.StrType(), int: types.IntType(), float: types.FloatType(), bool: types.BoolType(),
    type(None): types.NoneType(),
}  # fmt: skip
"""The types that any value of a class fits: most fields of a document with an error."""

_DICT_LIKE = (*OBJECTS, *DICTS)
_LIST_LIKE = (*ARRAYS, types.TupleType, types.NamedTupleType)


def _find_in_fields(value: dict[str, t.Any], kind: t.Any, pointer: str) -> Iterator[Mismatch]:
    """Look into the fields of an object, then for fields that it must not have."""
    tag_field = getattr(kind, "tag_field", None)
    if tag_field is not None and value.get(tag_field, kind.tag) != kind.tag:
        yield Mismatch(below(pointer, tag_field), f"Invalid value {value[tag_field]!r}")
        return
    for field in kind.fields:
        if field.encode_name in value:
            yield from _find(
                value[field.encode_name], field.type, below(pointer, field.encode_name)
            )
        elif field.required:
            yield Mismatch(below(pointer, field.encode_name), "Required")
    if getattr(kind, "forbid_unknown_fields", False):
        known = {field.encode_name for field in kind.fields} | {tag_field}
        for name in value:
            if name not in known:
                yield Mismatch(below(pointer, name), "Unknown field")


def _find_in_dict(value: dict[str, t.Any], kind: t.Any, pointer: str) -> Iterator[Mismatch]:
    for name, item in value.items():
        place = below(pointer, name)
        try:
            msgspec.convert({name: None}, dict[_type_of(kind.key_type), None], str_keys=True)  # type: ignore[misc]
        except msgspec.ValidationError as error:
            yield Mismatch(place, f"As a key: {detail_of(error)}")
        yield from _find(item, kind.value_type, place)
    yield from _find_length(value, kind, pointer)


def _find_in_array(value: list[t.Any], kind: t.Any, pointer: str) -> Iterator[Mismatch]:
    for number, item in enumerate(value):
        yield from _find(item, kind.item_type, f"{pointer}/{number}")
    yield from _find_length(value, kind, pointer)


def _find_in_tuple(value: list[t.Any], kind: types.TupleType, pointer: str) -> Iterator[Mismatch]:
    if len(value) != len(kind.item_types):
        detail = f"Expected `array` of length {len(kind.item_types)}, got {len(value)}"
        yield Mismatch(pointer, detail)
        return
    for number, (item, item_type) in enumerate(zip(value, kind.item_types, strict=True)):
        yield from _find(item, item_type, f"{pointer}/{number}")


def _find_in_named_tuple(
    value: list[t.Any], kind: types.NamedTupleType, pointer: str
) -> Iterator[Mismatch]:
    least = sum(field.required for field in kind.fields)
    if not least <= len(value) <= len(kind.fields):
        wanted = str(least) if least == len(kind.fields) else f"{least} to {len(kind.fields)}"
        yield Mismatch(pointer, f"Expected `array` of length {wanted}, got {len(value)}")
        return
    for number, (item, field) in enumerate(zip(value, kind.fields, strict=False)):
        yield from _find(item, field.type, f"{pointer}/{number}")


def _find_length(value: t.Sized, kind: t.Any, pointer: str) -> Iterator[Mismatch]:
    """Check the length of an array or object by itself: its items are reported already."""
    name = "object" if isinstance(value, dict) else "array"
    if kind.min_length is not None and len(value) < kind.min_length:
        yield Mismatch(pointer, f"Expected `{name}` of length >= {kind.min_length}")
    if kind.max_length is not None and len(value) > kind.max_length:
        yield Mismatch(pointer, f"Expected `{name}` of length <= {kind.max_length}")


def _find_in_union(value: t.Any, kind: types.UnionType, pointer: str) -> Iterator[Mismatch]:
    """Look into the only member that such a value can be meant for."""
    members = members_of(kind)
    if isinstance(value, list):
        wanted: tuple[type[types.Type], ...] = _LIST_LIKE
    elif isinstance(value, dict):
        wanted = _DICT_LIKE
    elif isinstance(value, str) and not any(isinstance(item, types.StrType) for item in members):
        wanted = (types.DecimalType,)
    else:
        wanted = ()
    meant = [item for item in members if isinstance(item, wanted)]
    if len(meant) == 1:
        return _find(value, meant[0], pointer)
    if len(meant) > 1 and isinstance(value, dict):
        return _find_by_tag(value, meant, pointer)
    return _find_whole(value, kind, pointer)


def _find_by_tag(value: dict[str, t.Any], members: list[t.Any], pointer: str) -> Iterator[Mismatch]:
    """Look into the struct whose tag an object has: msgspec has no other union of several."""
    tag_field = members[0].tag_field
    for member in members:
        if value.get(tag_field, _MISSING) == member.tag:
            return _find_in_fields(value, member, pointer)
    detail = f"Invalid value {value[tag_field]!r}" if tag_field in value else "Required"
    return iter([Mismatch(below(pointer, tag_field), detail)])


_MISSING = object()


def _find_in_decimal(value: str, pointer: str) -> Iterator[Mismatch]:
    """Hold a decimal to the grammar of numbers: no ``NaN``, ``1_000`` or spaces."""
    if not NUMBER.fullmatch(value):
        yield Mismatch(pointer, "Invalid decimal string")


def _find_whole(value: t.Any, kind: types.Type, pointer: str) -> Iterator[Mismatch]:
    """Let msgspec compare a value, without looking for more than one error in it."""
    try:
        msgspec.convert(value, _type_of(kind))
    except msgspec.ValidationError as error:
        yield Mismatch(pointer, detail_of(error))


def detail_of(error: msgspec.ValidationError) -> str:
    """Return the message of an error of msgspec's without the path at its end."""
    return str(error).partition(" - at `")[0]


def below(pointer: str, name: str) -> str:
    """Return the pointer of a member: SPEC(RFC 6901 §3)."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def pointer_of(path: t.Iterable[str]) -> str:
    """Return the pointer of a path."""
    pointer = ""
    for name in path:
        pointer = below(pointer, name)
    return pointer


def unescaped(name: str) -> str:
    """Return the name that a step of a pointer is."""
    return name.replace("~1", "/").replace("~0", "~")


_CONSTRAINTS = (
    "gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "tz",
)  # fmt: skip

_CLASSES: dict[type[types.Type], t.Any] = {
    types.AnyType: t.Any, types.NoneType: None, types.BoolType: bool, types.IntType: int,
    types.FloatType: float, types.StrType: str, types.BytesType: bytes,
    types.ByteArrayType: bytearray, types.MemoryViewType: memoryview,
    types.DateTimeType: dt.datetime, types.DateType: dt.date,
    types.TimeType: dt.time, types.TimeDeltaType: dt.timedelta,
    types.UUIDType: uuid.UUID, types.DecimalType: decimal.Decimal,
}  # fmt: skip


def _type_of(kind: types.Type) -> t.Any:
    """Return the type of a leaf; for what has items, a type that any such value fits."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        return t.Union[tuple(map(_type_of, kind.types))]  # noqa: UP007  made at run time
    if isinstance(kind, types.LiteralType):
        return t.Literal[kind.values]
    if isinstance(kind, types.StructType) and kind.array_like:
        return kind.cls
    if isinstance(kind, _DICT_LIKE):
        return dict
    if isinstance(kind, _LIST_LIKE):
        return list
    cls = _CLASSES[type(kind)] if type(kind) in _CLASSES else getattr(kind, "cls", t.Any)
    given = [(name, getattr(kind, name, None)) for name in _CONSTRAINTS]
    return _constrained(cls, *(item for item in given if item[1] is not None))


@lru_cache(maxsize=256)
def _constrained(cls: t.Any, *constraints: tuple[str, t.Any]) -> t.Any:
    """Return a type with its constraints, which take long to make."""
    return t.Annotated[cls, msgspec.Meta(**dict(constraints))] if constraints else cls


def of_error(error: msgspec.ValidationError) -> Mismatch:
    """Return an error of msgspec's; its path becomes a pointer as far as it is known."""
    message, _at, path = str(error).partition(" - at `$")
    pointer = ""
    for name, number in re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", path):
        if number == "...":  # it does not say which
            break
        pointer = below(pointer, name or number)
    return Mismatch(pointer, message)


def looks_closer(kind: types.Type) -> bool:
    """Whether `find` refuses some values that msgspec accepts: it does so with decimals."""
    return holds(kind, types.DecimalType)
