"""Find everything in a value that does not fit a type, with a JSON pointer to each place.

msgspec stops at the first error. It decodes, and only if that fails, this walks the type.
The wording of each error is msgspec's.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
import sys
import typing as t
import uuid
from itertools import islice

import msgspec
from msgspec import inspect as types

from .kinds import ARRAYS, DICTS, OBJECTS, all_in, bare, holds, is_positional, members_of
from .mistakes import refuse_mistake
from .text import NUMBER

LIMIT = 100
"""The most errors that are reported of one value."""

MAX_TEXT = 500
"""The most characters of a name in a pointer, and of what is wrong there.

SECURITY(amplification): a client's name or value of megabytes would be in each of the errors.
"""

MAX_POINTER = 3_000
"""The most characters of a pointer: enough for the fields of deeply nested models."""

_CUT = "…"


class Mismatch(t.NamedTuple):
    """A place in a value, as a JSON pointer (RFC 6901), and what is wrong there."""

    pointer: str
    detail: str


def find(value: t.Any, kind: types.Type) -> list[Mismatch]:
    """Return the mismatches of a value that JSON can hold, in the order of the type.

    There are at most some more of them than `LIMIT`.
    """
    found: list[Mismatch] = []
    _search_of(kind)(value, "", found)
    return found


Search = t.Callable[[t.Any, str, list[Mismatch]], None]
"""Adds the mismatches of a value, which is at a pointer."""

Fits = t.Callable[[t.Any], bool]
"""Tells values that certainly fit."""

_KEPT = 1_000
_searches: dict[int, tuple[types.Type, Search]] = {}


def _search_of(kind: types.Type) -> Search:
    """Return what searches values of a type, compiled when one of them did not fit."""
    kept = _searches.get(id(kind))
    if kept is None:
        if len(_searches) >= _KEPT:
            _searches.clear()
        # The description is kept too, so that no other gets its identity.
        kept = _searches[id(kind)] = kind, _Compiler().compile(kind)
    return kept[1]


_DICT_LIKE = (*OBJECTS, *DICTS)
_LIST_LIKE = (*ARRAYS, types.TupleType, types.NamedTupleType)


class _Compiler:
    """Make a search of each type in a type, each once, since types may be recursive."""

    def __init__(self) -> None:
        self._made: dict[int, Search] = {}

    def compile(self, kind: types.Type) -> Search:  # noqa: PLR0911  a table of types
        """Return the search of a type."""
        kind = bare(kind)
        if id(kind) in self._made:
            return self._made[id(kind)]
        if isinstance(kind, types.UnionType):
            return self._of_union(kind)
        if isinstance(kind, types.StructType) and kind.array_like:
            return self._of_row(kind)
        if isinstance(kind, OBJECTS):
            return self._of_fields(kind)
        if isinstance(kind, DICTS):
            return self._of_dict(kind)
        if isinstance(kind, ARRAYS):
            return self._of_array(kind)
        if isinstance(kind, types.TupleType):
            count = len(kind.item_types)
            return self._of_tuple(kind, kind.item_types, count)
        if isinstance(kind, types.NamedTupleType):
            least = sum(field.required for field in kind.fields)
            return self._of_tuple(kind, [field.type for field in kind.fields], least)
        return _of_decimal(kind) if isinstance(kind, types.DecimalType) else _whole(kind)

    def _of_fields(self, kind: t.Any) -> Search:  # noqa: C901  a loop that is unrolled
        """Look into the fields of an object, then for fields that it must not have."""
        whole = _whole(kind)
        tag_field, tag = getattr(kind, "tag_field", None), getattr(kind, "tag", None)
        known = {field.encode_name for field in kind.fields} | {tag_field}
        forbids = getattr(kind, "forbid_unknown_fields", False)
        fields: list[tuple[str, str, Fits | None, Search, bool]] = []

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            if not isinstance(value, dict):
                whole(value, pointer, found)
                return
            if tag_field is not None and value.get(tag_field, tag) != tag:
                found.append(_wrong_tag(value, tag_field, pointer))
                return
            for name, step, fits, search_field, required in fields:
                if len(found) >= LIMIT:
                    return
                if name in value:
                    # PERF(typed_invalid): most fields fit, and need no pointer.
                    if fits is None or not fits(value[name]):
                        search_field(value[name], _joined(pointer, step), found)
                elif required:
                    found.append(Mismatch(_joined(pointer, step), "Required"))
            if forbids:
                found += _unknown(value, known, pointer)

        self._made[id(kind)] = search
        for field in kind.fields:
            name, compiled = field.encode_name, self.compile(field.type)
            fields.append((name, below("", name), fits_of(field.type), compiled, field.required))
        return search

    def _of_dict(self, kind: t.Any) -> Search:
        whole, check_length = _whole(kind), _length(kind, "object")
        problem_with_key = _key_check(kind.key_type)
        searches: list[Search] = []

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            if not isinstance(value, dict):
                whole(value, pointer, found)
                return
            (search_item,) = searches
            for name, item in value.items():
                if len(found) >= LIMIT:
                    return
                place = below(pointer, name)
                problem = problem_with_key(name)
                if problem is not None:
                    found.append(Mismatch(place, f"As a key: {problem}"))
                search_item(item, place, found)
            check_length(value, pointer, found)

        self._made[id(kind)] = search
        searches.append(self.compile(kind.value_type))
        return search

    def _of_array(self, kind: t.Any) -> Search:
        whole, check_length = _whole(kind), _length(kind, "array")
        searches: list[Search] = []

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            if not isinstance(value, list):
                whole(value, pointer, found)
                return
            (search_item,) = searches
            for number, item in enumerate(value):
                if len(found) >= LIMIT:
                    return
                search_item(item, _joined(pointer, f"/{number}"), found)
            check_length(value, pointer, found)

        self._made[id(kind)] = search
        searches.append(self.compile(kind.item_type))
        return search

    def _of_tuple(self, kind: t.Any, item_types: t.Sequence[types.Type], least: int) -> Search:
        """Look into the items of a tuple, of which the last may be missing."""
        whole, most = _whole(kind), len(item_types)
        wanted = str(least) if least == most else f"{least} to {most}"
        searches: list[Search] = []

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            if not isinstance(value, list):
                whole(value, pointer, found)
            elif not least <= len(value) <= most:
                detail = f"Expected `array` of length {wanted}, got {len(value)}"
                found.append(Mismatch(pointer, detail))
            else:
                for number, (item, search_item) in enumerate(zip(value, searches, strict=False)):
                    if len(found) >= LIMIT:
                        return
                    search_item(item, _joined(pointer, f"/{number}"), found)

        self._made[id(kind)] = search
        searches += map(self.compile, item_types)
        return search

    def _of_row(self, kind: types.StructType) -> Search:
        """Look into the items of a struct that is an array, in which the last may be missing."""
        whole = _whole(kind)
        tags = 0 if kind.tag is None else 1
        least = tags + sum(field.required for field in kind.fields)
        most = tags + len(kind.fields)
        searches: list[Search] = []

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            if not isinstance(value, list):
                whole(value, pointer, found)
            elif tags and value and value[0] != kind.tag:
                wrong = "Expected `str`" if type(value[0]) is not type(kind.tag) else None
                detail = wrong or f"Invalid value {value[0]!r}"
                found.append(Mismatch(_joined(pointer, "/0"), cut(detail)))
            elif len(value) < least:
                detail = f"Expected `array` of at least length {least}, got {len(value)}"
                found.append(Mismatch(pointer, detail))
            elif kind.forbid_unknown_fields and len(value) > most:
                found.append(Mismatch(pointer, f"Expected `array` of at most length {most}"))
            else:
                items = zip(value[tags:], searches, strict=False)
                for number, (item, search_item) in enumerate(items, tags):
                    if len(found) >= LIMIT:
                        return
                    search_item(item, _joined(pointer, f"/{number}"), found)

        self._made[id(kind)] = search
        searches += (self.compile(field.type) for field in kind.fields)
        return search

    def _of_union(self, kind: types.UnionType) -> Search:
        """Look into the only member that such a value can be meant for."""
        members, whole = members_of(kind), _whole(kind)
        of_lists = [item for item in members if isinstance(item, ARRAYS) or _is_array(item)]
        of_dicts = [
            item for item in members if isinstance(item, _DICT_LIKE) and not is_positional(item)
        ]
        of_text = [item for item in members if isinstance(item, types.DecimalType)]
        if any(isinstance(item, types.StrType) for item in members):
            of_text = []
        by_class: dict[type, Search] = {}

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            by_class.get(type(value), whole)(value, pointer, found)

        self._made[id(kind)] = search
        for cls, meant in ((list, of_lists), (dict, of_dicts), (str, of_text)):
            if len(meant) == 1:
                by_class[cls] = self.compile(meant[0])
        if len(of_dicts) > 1:
            by_class[dict] = self._by_tag(of_dicts)
        if len(of_lists) > 1:
            by_class[list] = self._by_first(of_lists, whole)
        return search

    def _by_tag(self, members: list[t.Any]) -> Search:
        """Look into the struct whose tag an object has: msgspec has no other union of several."""
        tag_field = members[0].tag_field
        searches = {member.tag: self.compile(member) for member in members}

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            tag = value.get(tag_field)
            if isinstance(tag, (str, int)) and tag in searches:
                searches[tag](value, pointer, found)
            else:
                found.append(_wrong_tag(value, tag_field, pointer))

        return search

    def _by_first(self, members: list[t.Any], whole: Search) -> Search:
        """Look into the struct whose tag an array begins with, as above."""
        searches = {member.tag: self.compile(member) for member in members}

        def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
            tag = value[0] if value else None
            known = searches.get(tag) if isinstance(tag, (str, int)) else None
            (whole if known is None else known)(value, pointer, found)

        return search


def _is_array(kind: types.Type) -> bool:
    return isinstance(kind, types.TupleType) or is_positional(kind)


def _key_check(kind: types.Type) -> t.Callable[[t.Any], str | None]:
    """Return what says what is wrong with a key: text, or in MessagePack a number or the like.

    A number has to be written as JSON has it, though JSON has it as text.
    """
    holder = _holder(dict[_type_of(kind), None])  # type: ignore[misc]

    def problem_with(name: t.Any) -> str | None:
        try:
            made: t.Any = msgspec.convert({"value": {name: None}}, holder, str_keys=True)
        except msgspec.ValidationError as error:
            return detail_of(error)
        (key,) = made.value
        if isinstance(key, float) and not math.isfinite(key):
            return "Number out of range"
        if isinstance(key, _NUMBERS) and isinstance(name, str) and not NUMBER.fullmatch(name):
            return "Invalid number"
        return None

    return problem_with


_NUMBERS = (int, float, decimal.Decimal)


def _unknown(value: dict[str, t.Any], known: set[t.Any], pointer: str) -> list[Mismatch]:
    """Return the errors of fields that an object must not have."""
    names = islice((name for name in value if name not in known), LIMIT)
    return [Mismatch(below(pointer, name), "Unknown field") for name in names]


def _wrong_tag(value: dict[str, t.Any], tag_field: str, pointer: str) -> Mismatch:
    """Return the error of an object whose tag is none of those that it may have."""
    detail = f"Invalid value {value[tag_field]!r}" if tag_field in value else "Required"
    return Mismatch(below(pointer, tag_field), cut(detail))


def _length(kind: t.Any, name: str) -> Search:
    """Check the length of an array or object by itself: its items are reported already."""
    least, most = kind.min_length, kind.max_length

    def check(value: t.Sized, pointer: str, found: list[Mismatch]) -> None:
        if least is not None and len(value) < least:
            found.append(Mismatch(pointer, f"Expected `{name}` of length >= {least}"))
        if most is not None and len(value) > most:
            found.append(Mismatch(pointer, f"Expected `{name}` of length <= {most}"))

    return check


def _of_decimal(kind: types.Type) -> Search:
    """Hold a decimal to the grammar of numbers: no ``NaN``, ``1_000`` or spaces."""
    whole = _whole(kind)

    def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
        if not isinstance(value, str):
            whole(value, pointer, found)
        elif not NUMBER.fullmatch(value):
            found.append(Mismatch(pointer, "Invalid decimal string"))

    return search


_PLAIN: dict[type[types.Type], type] = {
    types.StrType: str, types.IntType: int, types.FloatType: float, types.BoolType: bool,
    types.NoneType: type(None),
}  # fmt: skip


def fits_of(kind: types.Type) -> Fits | None:
    """Return what tells that a value fits a type; None if only msgspec can.

    PERF(typed_invalid): most fields of a document with an error are plain, within plain limits.
    tests/api/test_mismatches.py compares it with msgspec.
    """
    kind = bare(kind)
    cls = _PLAIN.get(type(kind))
    if cls is None:
        return None
    given = {name for name in _CONSTRAINTS if getattr(kind, name, None) is not None}
    if not given:
        return lambda value: type(value) is cls
    if cls is str and given <= {"min_length", "max_length"}:
        text: t.Any = kind
        shortest, longest = text.min_length or 0, text.max_length
        most = _ANY_LENGTH if longest is None else longest
        return lambda value: type(value) is str and shortest <= len(value) <= most
    if cls in {int, float} and given <= {"ge", "le"}:
        number: t.Any = kind
        # Limits of integers are compared in 64 bits.
        least = -_INT64 if number.ge is None else number.ge
        greatest = _INT64 - 1 if number.le is None else number.le
        return lambda value: type(value) is cls and least <= value <= greatest
    return None


_ANY_LENGTH = sys.maxsize
_INT64 = 2**63


def _whole(kind: types.Type) -> Search:
    """Let msgspec compare a value, without looking for more than one error in it."""
    fits = fits_of(kind)
    holder = _holder(_type_of(kind))

    def search(value: t.Any, pointer: str, found: list[Mismatch]) -> None:
        if fits is not None and fits(value):
            return
        try:
            msgspec.convert({"value": value}, holder, str_keys=True)
        except msgspec.ValidationError as error:
            found.append(Mismatch(pointer, detail_of(error)))

    return search


def _holder(annotation: t.Any) -> type[msgspec.Struct]:
    """Return a struct with a field of a type: msgspec keeps what it knows of structs only."""
    return msgspec.defstruct("Holder", [("value", annotation)])


def detail_of(error: msgspec.ValidationError) -> str:
    """Return the message of an error of msgspec's without the path at its end.

    Raises `TypeError` as `of_error` does.
    """
    refuse_mistake(error)
    return cut(str(error).partition(" - at `")[0])


def cut(text: str, most: int = MAX_TEXT) -> str:
    """Return a text of at most so many characters; one that was cut off says so."""
    return text if len(text) <= most else text[: most - 1] + _CUT


def below(pointer: str, name: t.Any) -> str:
    """Return the pointer of a member: SPEC(RFC 6901 §3); the end of a long one is cut off.

    The name is text, except of a member of MessagePack, which may have another key.
    """
    name = cut(str(name))
    return _joined(pointer, f"/{name.replace('~', '~0').replace('/', '~1')}")


def _joined(pointer: str, step: str) -> str:
    """Return the pointer of a member whose step is known."""
    joined = pointer + step
    return joined if len(joined) <= MAX_POINTER else cut(joined, MAX_POINTER)


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
        return kind.cls if kind.tag is not None else list
    if isinstance(kind, _DICT_LIKE):
        return dict
    if isinstance(kind, _LIST_LIKE):
        return list
    cls = _CLASSES[type(kind)] if type(kind) in _CLASSES else getattr(kind, "cls", t.Any)
    set_ = {name: getattr(kind, name, None) for name in _CONSTRAINTS}
    given = {name: value for name, value in set_.items() if value is not None}
    return t.Annotated[cls, msgspec.Meta(**given)] if given else cls


def of_error(error: msgspec.ValidationError) -> Mismatch:
    """Return an error of msgspec's; its path becomes a pointer as far as it is known.

    Raises `TypeError` (500) for a mistake in a type's own code.
    """
    refuse_mistake(error)
    message, _at, path = str(error).partition(" - at `$")
    pointer = ""
    for name, number in re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", path):
        if number == "...":  # it does not say which
            break
        pointer = below(pointer, name or number)
    return Mismatch(pointer, cut(message))


def looks_closer(kind: types.Type) -> bool:
    """Whether `find` refuses some values that msgspec accepts: decimals, and numbers as keys."""
    return holds(kind, types.DecimalType) or has_fractions_as_keys(kind)


def has_fractions_as_keys(kind: types.Type) -> bool:
    """Whether a dictionary in a type has keys that may be no JSON numbers, such as infinity."""
    return any(
        isinstance(key, (types.FloatType, types.DecimalType))
        for item in all_in(kind)
        if isinstance(item, DICTS)
        for key in all_in(item.key_type)
    )
