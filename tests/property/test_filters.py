"""A filter sends what the slow way sends, of any type and value, and never more."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import itertools
import types
import typing as t
import uuid

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from costrel.api.filters import MISFITS, Filter
from costrel.api.mirrors import mirror_of
from costrel.api.picking import pick

SECRET = "hash-of-a-password"
_numbers = itertools.count()


class Genre(enum.Enum):
    """An enumeration."""

    NOVEL = "novel"
    POEM = "poem"


class Shape(t.NamedTuple):
    """A type, and values that fit it."""

    annotation: t.Any
    values: st.SearchStrategy[t.Any]


_floats = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = [
    Shape(int, st.integers(-(2**63), 2**64 - 1)),
    Shape(t.Annotated[int, Meta(ge=1, lt=10)], st.integers(1, 9)),
    Shape(float, _floats | st.integers(-(2**53), 2**53)),
    Shape(str, st.text(st.characters(exclude_categories=["Cs"]))),
    Shape(t.Annotated[str, Meta(min_length=1)], st.text("abc", min_size=1)),
    Shape(bool, st.booleans()),
    Shape(int | None, st.none() | st.integers(0, 9)),
    Shape(float | None, st.none() | _floats),
    Shape(str | int, st.text("abc") | st.integers(0, 9)),
    Shape(bytes, st.binary()),
    Shape(dt.date, st.dates() | st.dates().map(str)),
    Shape(dt.datetime, st.datetimes()),
    Shape(uuid.UUID, st.uuids() | st.uuids().map(str)),
    Shape(decimal.Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Shape(Genre, st.sampled_from(Genre) | st.just("poem")),
    Shape(t.Literal["a", "b"], st.sampled_from(["a", "b"])),
    Shape(t.Any, st.none() | st.integers(0, 9) | st.lists(st.integers(0, 9))),
]


def _struct(names: list[str], shapes: list[Shape], options: dict[str, t.Any]) -> Shape:
    """Return a struct, with instances of it and of a subclass, dictionaries and objects."""
    fields = list(zip(names, (shape.annotation for shape in shapes), strict=True))
    name = f"Model{next(_numbers)}"
    cls = msgspec.defstruct(name, fields, kw_only=True, **options)
    more = msgspec.defstruct("More", [("secret", str, SECRET)], bases=(cls,), kw_only=True)
    return _object(cls, more, names, shapes, dict(zip(names, cls.__struct_encode_fields__)))  # noqa: B905


def _dataclass(names: list[str], shapes: list[Shape], _options: dict[str, t.Any]) -> Shape:
    fields: list[t.Any] = list(zip(names, (shape.annotation for shape in shapes), strict=True))
    cls = dataclasses.make_dataclass(f"Data{next(_numbers)}", fields)
    more = dataclasses.make_dataclass("More", [("secret", str, SECRET)], bases=(cls,))
    return _object(cls, more, names, shapes, dict(zip(names, names, strict=True)))


def _typed_dict(names: list[str], shapes: list[Shape], _options: dict[str, t.Any]) -> Shape:
    fields = dict(zip(names, (shape.annotation for shape in shapes), strict=True))
    cls: t.Any = t.TypedDict(f"Dict{next(_numbers)}", fields)  # type: ignore[misc]
    return _object(cls, dict, names, shapes, dict(zip(names, names, strict=True)))


def _object(cls: t.Any, more: t.Any, names: list[str], shapes: list[Shape], keys: t.Any) -> Shape:
    values = {name: shape.values for name, shape in zip(names, shapes, strict=True)}
    given_ = st.fixed_dictionaries(values)
    ways = [
        given_.map(lambda found: cls(**found)),
        given_.map(lambda found: more(**found)),
        given_.map(lambda found: types.SimpleNamespace(**found, secret=SECRET)),
        given_.map(lambda found: {keys[name]: item for name, item in found.items()}),
        given_.map(
            lambda found: {**{keys[name]: item for name, item in found.items()}, "secret": SECRET}
        ),
    ]
    return Shape(cls, st.one_of(ways))


@st.composite
def shapes(draw: st.DrawFn, depth: int = 3) -> Shape:
    """Draw a type."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(LEAVES))
    kind = draw(st.sampled_from(["list", "tuple", "dict", "optional", "object", "object"]))
    if kind == "object":
        make = draw(st.sampled_from([_struct, _struct, _dataclass, _typed_dict]))
        inner = draw(st.lists(shapes(depth - 1), min_size=1, max_size=4))
        options = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "rename": st.just("camel"),
                    "tag": st.just(True),
                    "omit_defaults": st.just(True),
                    "forbid_unknown_fields": st.just(True),
                },
            )
        )
        names = [f"field_{'abcd'[number]}" for number in range(len(inner))]
        return make(names, inner, options)
    inner = draw(shapes(depth - 1))
    if kind == "dict":
        keys = st.text("abc", max_size=3)
        values = st.dictionaries(keys, inner.values, max_size=3)
        return Shape(dict[str, inner.annotation], values)  # type: ignore[name-defined]
    if kind == "optional":
        return Shape(t.Optional[inner.annotation], st.none() | inner.values)  # noqa: UP045
    many = st.lists(inner.values, max_size=3)
    if kind == "list":
        return Shape(list[inner.annotation], many | many.map(tuple))  # type: ignore[name-defined]
    return Shape(tuple[inner.annotation, ...], many | many.map(tuple))  # type: ignore[name-defined]


def slowly(value: t.Any, annotation: t.Any) -> t.Any:
    """Return what is sent if every value is looked through in Python and then decoded."""
    picked = msgspec.json.encode(pick(value, msgspec.inspect.type_info(annotation)))
    body = msgspec.json.encode(msgspec.json.decode(picked, type=annotation))
    return msgspec.json.decode(body)


@given(st.data())
def test_filter_sends_what_the_slow_way_sends(data: st.DataObject) -> None:
    """Of any type and value, and nothing that the type does not declare."""
    shape = data.draw(shapes())
    value = data.draw(shape.values)
    _copy, body = Filter(shape.annotation).encode(value)
    assert SECRET.encode() not in body
    assert msgspec.json.decode(body) == slowly(value, shape.annotation)


@given(st.data())
def test_value_of_another_type_is_refused_or_fits(data: st.DataObject) -> None:
    """What the slow way refuses is refused, but for numbers that an ORM has as decimals."""
    one, other = data.draw(shapes()), data.draw(shapes())
    value = data.draw(other.values)
    try:
        wanted = slowly(value, one.annotation)
    except MISFITS:
        wanted = None
    try:
        _copy, body = Filter(one.annotation).encode(value)
    except MISFITS:
        assert wanted is None
        return
    if b"Any" not in repr(one.annotation).encode() and t.Any is not one.annotation:
        msgspec.json.decode(body, type=one.annotation)
    if wanted is not None:
        assert msgspec.json.decode(body) == wanted


@given(st.data())
def test_msgpack_is_what_the_json_says(data: st.DataObject) -> None:
    """Both formats are made of the same copy, so a client that decodes either gets one value."""
    shape = data.draw(shapes())
    value = data.draw(shape.values)
    copy, body = Filter(shape.annotation).encode(value)
    _copy, packed = Filter(shape.annotation).encode(value, msgspec.msgpack.encode)
    assert SECRET.encode() not in packed
    assert msgspec.msgpack.encode(copy) == packed
    assert msgspec.json.encode(copy) == body


class Item(msgspec.Struct):
    """A model."""

    id: int


class Shelf(msgspec.Struct):
    """A model with others in it."""

    items: list[Item]
    best: Item | None
    by_name: dict[str, Item]


def test_usual_types_have_a_mirror() -> None:
    """So that most values need one pass."""
    for annotation in (Item, Shelf, list[Shelf], Item | None):
        assert mirror_of(msgspec.inspect.type_info(annotation)) is not None
