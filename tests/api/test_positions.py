"""Fields that JSON has as an array are read by name from what has names."""

from __future__ import annotations

import collections
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Page
from costrel.sse import EventStream

pytestmark = pytest.mark.usefixtures("path")

SECRET = "hunter2"


class Base(Struct, array_like=True, kw_only=True):
    """What may be sent."""

    title: str


class Stored(Base, array_like=True):
    """What is stored; the positions are others, because of keyword-only fields."""

    password: str


class Card(Struct, array_like=True):
    """What may be sent, with more fields."""

    id: int
    name: str = "none"
    tags: list[str] = []


class Other(Struct, array_like=True):
    """A class of its own with fields before those of a card."""

    id: int
    password: str
    name: str


class Pair(t.NamedTuple):
    """A tuple with names."""

    id: int
    name: str


class Triple(t.NamedTuple):
    """One more field."""

    id: int
    password: str
    name: str


class Secret(t.NamedTuple):
    """As many fields as a pair."""

    id: int
    password: str


class Held(t.NamedTuple):
    """A named tuple with an array in it."""

    base: Base


@dataclass
class Shelf:
    """Arrays in the fields of an object."""

    bases: list[Base]
    by_name: dict[str, Base]
    first: Base | None = None


class Node(Struct, array_like=True):
    """A type that names itself, so that there is no mirror anyway."""

    base: Base
    below: list[Node] = []


class Left(Struct, array_like=True, tag=True):
    """One of two."""

    base: Base


class Right(Struct, array_like=True, tag=True):
    """The other."""

    base: Base


class LeftToo(Struct, array_like=True, tag="Left"):
    """A class that says that it is one of them."""

    password: str


class Plain:
    """An object that is no struct."""

    id = 1
    password = SECRET
    name = "Emma"


class Bases(Struct, array_like=True):
    """An array that is no list."""

    one: Stored


def stored() -> Stored:
    """Return a stored value."""
    return Stored(SECRET, title="Emma")


BASE = b'["Emma"]'
SENT: dict[str, tuple[t.Any, t.Any, bytes]] = {
    "subclass": (Base, stored, BASE),
    "same class": (Base, lambda: Base(title="Emma"), BASE),
    "mapping": (Base, lambda: {"password": SECRET, "title": "Emma"}, BASE),
    "list": (Base, lambda: ["Emma"], BASE),
    "longer list": (Card, lambda: [1, "Emma", ["a"], SECRET], b'[1,"Emma",["a"]]'),
    "shorter list": (Card, lambda: (1,), b'[1,"none",[]]'),
    "other struct": (Card, lambda: Other(1, SECRET, "Emma"), b'[1,"Emma",[]]'),
    "object": (Card, Plain, b'[1,"Emma",[]]'),
    "named tuple": (Card, lambda: Triple(1, SECRET, "Emma"), b'[1,"Emma",[]]'),
    "list of them": (list[Base], lambda: [stored()], b'[["Emma"]]'),
    "tuple of them": (tuple[Base, ...], lambda: (stored(), stored()), b'[["Emma"],["Emma"]]'),
    "deque of them": (list[Base], lambda: collections.deque([stored()]), b'[["Emma"]]'),
    "None or": (Base | None, stored, BASE),
    "list of None or": (list[Base | None], lambda: [None, stored()], b'[null,["Emma"]]'),
    "page": (
        Page[Base], lambda: Page([stored()], 1, 1, 1),
        b'{"items":[["Emma"]],"page":1,"size":1,"total":1}',
    ),
    "fields": (
        Shelf, lambda: Shelf([stored()], {"a": stored()}, stored()),
        b'{"bases":[["Emma"]],"by_name":{"a":["Emma"]},"first":["Emma"]}',
    ),
    "recursive": (Node, lambda: Node(stored(), [Node(stored())]), b'[["Emma"],[[["Emma"],[]]]]'),
    "tagged": (Left | Right, lambda: Left(stored()), b'["Left",["Emma"]]'),
    "tagged list": (Left | Right, lambda: ["Right", stored()], b'["Right",["Emma"]]'),
    "pair": (Pair, lambda: Pair(1, "Emma"), b'[1,"Emma"]'),
    "pair of a triple": (Pair, lambda: Triple(1, SECRET, "Emma"), b'[1,"Emma"]'),
    "pair of an object": (list[Pair], lambda: [Plain()], b'[[1,"Emma"]]'),
    "pair of a tuple": (Pair, lambda: [1, "Emma"], b'[1,"Emma"]'),
    "in a named tuple": (Held, lambda: Held(stored()), b'[["Emma"]]'),
}  # fmt: skip


@pytest.mark.parametrize(("annotation", "make", "sent"), SENT.values(), ids=SENT)
def test_what_has_names_is_read_by_name(
    annotation: t.Any, make: t.Callable[[], t.Any], sent: bytes
) -> None:
    """A field that is not declared is not sent in the place of one that is."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return make()

    show.__annotations__["return"] = annotation
    app.get("/")(show)
    assert app.test_client().get("/").data == sent


REFUSED: dict[str, tuple[t.Any, t.Callable[[], t.Any]]] = {
    "field that is missing": (Base, lambda: Secret(1, SECRET)),
    "pair": (Pair, lambda: Secret(1, SECRET)),
    "set": (Base, lambda: {SECRET}),
    "struct for a list": (list[Base], lambda: Bases(stored())),
    "struct for a dictionary": (dict[str, Base], lambda: Other(1, SECRET, "Emma")),
    "foreign tag": (Left | Right, lambda: LeftToo(SECRET)),
    "text": (Base, lambda: SECRET),
}


@pytest.mark.parametrize(("annotation", "make"), REFUSED.values(), ids=REFUSED)
def test_what_has_other_names_is_refused(annotation: t.Any, make: t.Callable[[], t.Any]) -> None:
    """Nothing of it is sent."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return make()

    show.__annotations__["return"] = annotation
    app.get("/")(show)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/")
    assert answer.status_code == 500
    assert SECRET.encode() not in answer.data


def test_streams_are_read_by_name() -> None:
    """Events and lines have the declared fields only."""
    app = Costrel(__name__)

    @app.get("/lines")
    def lines() -> Iterator[Base]:
        yield stored()

    @app.get("/events")
    def events() -> EventStream[Base]:
        return EventStream(iter([stored()]))

    client = app.test_client()
    assert client.get("/lines").data == b'["Emma"]\n'
    assert b'["Emma"]' in client.get("/events").data
    assert SECRET.encode() not in client.get("/events").data
