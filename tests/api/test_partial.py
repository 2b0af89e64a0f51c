"""Models for PATCH: what a client has sent, and what of it does not fit."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import attrs
import msgspec
import pytest
from msgspec import UNSET, Meta, Struct

from costrel import Costrel
from costrel.api import Partial, changes_of


class Author(Struct):
    """A model in another."""

    name: str


class Book(Struct, forbid_unknown_fields=True, rename={"published": "year"}):
    """A struct."""

    title: t.Annotated[str, Meta(min_length=1)]
    author: Author
    published: t.Annotated[int, Meta(ge=1450)] | None = None
    tags: list[str] = []


@dataclass
class Point:
    """A dataclass."""

    x: t.Annotated[int, Meta(ge=0)]
    y: int = 0
    names: list[str] = field(default_factory=list)


class Row(t.TypedDict):
    """A typed dictionary."""

    id: t.Required[int]
    note: t.NotRequired[t.Annotated[str, Meta(max_length=3)]]


@attrs.define
class Shape:
    """An attrs class."""

    side: int
    color: str = "red"


class Tagged(Struct, tag="tagged"):
    """A struct with a tag."""

    n: int


book = Book(title="Emma", author=Author("Austen"), published=1815)


@pytest.mark.usefixtures("path")
def test_patch_changes_what_was_sent() -> None:
    """And nothing else; null is a value where the model has it."""
    app = Costrel(__name__)

    @app.patch("/")
    def change(changes: Partial[Book]) -> Book:
        return msgspec.structs.replace(book, **changes_of(changes))

    client = app.test_client()
    whole = {"title": "Emma", "author": {"name": "Austen"}, "year": 1815, "tags": []}
    assert client.patch("/", json={}).json == whole
    assert client.patch("/", json={"title": "x"}).json == {**whole, "title": "x"}
    assert client.patch("/", json={"year": None}).json == {**whole, "year": None}
    response = client.patch("/", json={"title": None, "year": 1, "author": {}, "more": 1})
    assert {one["pointer"]: one["detail"] for one in response.json["errors"]} == {
        "/title": "Expected `str`, got `null`",
        "/year": "Expected `int` >= 1450",
        "/author/name": "Required",
        "/more": "Unknown field",
    }


def test_partial_is_made_once_for_a_model() -> None:
    """It has the model's name in its own."""
    partial: t.Any = Partial[Book]
    assert partial is Partial[Book]
    assert (partial.__name__, partial.__module__) == ("PartialBook", __name__)
    assert partial().title is UNSET


@pytest.mark.parametrize(
    ("model", "text", "changes"),
    [
        (Point, '{"y": 2}', {"y": 2}),
        (Shape, '{"color": "blue"}', {"color": "blue"}),
        (Row, '{"note": "x"}', {"note": "x"}),
        (Row, "{}", {}),
        (Tagged, '{"n": 1}', {"n": 1}),
        (Book, '{"year": 1900}', {"published": 1900}),
    ],
)
def test_any_model_can_be_partial(model: t.Any, text: str, changes: dict[str, t.Any]) -> None:
    """Changes have the names of the model's attributes."""
    value = msgspec.json.decode(text, type=Partial[model])
    assert changes_of(value) == changes


@pytest.mark.parametrize(
    ("model", "text"), [(Point, '{"x": -1}'), (Row, '{"note": "long"}'), (Tagged, '{"type": "x"}')]
)
def test_partial_keeps_the_constraints(model: t.Any, text: str) -> None:
    """And the tag, for those that send it."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Partial[model])


@pytest.mark.parametrize("model", [int, list[Book], "Book", t.Any])
def test_partial_of_no_model_is_refused(model: t.Any) -> None:
    """Before it is used anywhere."""
    with pytest.raises(TypeError, match="needs a struct, dataclass, attrs class or TypedDict"):
        Partial[model]


def test_changes_of_another_object_are_refused() -> None:
    """It would have changed nothing, silently."""
    with pytest.raises(TypeError, match="is no Partial model"):
        changes_of(3)
