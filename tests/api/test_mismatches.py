"""What a search for errors skips is what msgspec accepts."""

from __future__ import annotations

import typing as t

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from costrel.api.kinds import kind_of
from costrel.api.mismatches import find, fits_of

TYPES: list[t.Any] = [
    str, int, float, bool, None,
    t.Annotated[str, Meta(min_length=2)], t.Annotated[str, Meta(max_length=3)],
    t.Annotated[str, Meta(min_length=1, max_length=2)], t.Annotated[str, Meta(pattern="^a")],
    t.Annotated[int, Meta(ge=0)], t.Annotated[int, Meta(le=5)], t.Annotated[int, Meta(ge=0, le=5)],
    t.Annotated[int, Meta(gt=0)], t.Annotated[int, Meta(multiple_of=2)],
    t.Annotated[float, Meta(ge=0)], t.Annotated[float, Meta(ge=0, le=5)],
    t.Annotated[float, Meta(lt=1)],
]  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 8), st.integers(),
    st.floats(allow_nan=False, allow_infinity=False), st.floats(-2, 7), st.text(max_size=4),
    st.just([]), st.just({}),
    st.sampled_from([2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, "a", "ab", "ä€😀"]),
)  # fmt: skip


class Place(msgspec.Struct):
    """Where somebody lives."""

    street: t.Annotated[str, Meta(min_length=1)]
    number: t.Annotated[int, Meta(ge=1)]


class Person(msgspec.Struct):
    """Somebody."""

    name: str
    age: t.Annotated[int, Meta(ge=0, le=150)]
    home: Place


@pytest.mark.parametrize("annotation", TYPES, ids=str)
@given(value=VALUES)
def test_value_that_is_said_to_fit_is_one_that_msgspec_takes(annotation, value):
    """So no error of a document is left out."""
    fits = fits_of(kind_of(annotation))
    if fits is not None and fits(value):
        msgspec.json.decode(msgspec.json.encode({"value": value}), type=dict[str, annotation])


@pytest.mark.parametrize("annotation", TYPES[:11], ids=str)
def test_plain_types_are_told_without_msgspec(annotation):
    """A search that always asks msgspec would be right too, and slow."""
    usual = {"str": "ab", "int": 3, "float": 1.5, "bool": True}
    value = next((usual[name] for name in usual if name in str(annotation)), None)
    fits = fits_of(kind_of(annotation))

    assert annotation is TYPES[8] or (fits is not None and fits(value))


def test_errors_are_found_among_fields_that_fit():
    """Each with its place, those of nested objects too."""
    value = {"name": "Ann", "age": 200, "home": {"street": "", "number": 3}}

    assert [found.pointer for found in find(value, kind_of(Person))] == ["/age", "/home/street"]
