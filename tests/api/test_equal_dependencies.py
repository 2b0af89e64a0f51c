"""A dependency is the object that is depended on, not another that is equal to it.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import functools
import typing as t
from dataclasses import dataclass, field

import pytest

from costrel import Costrel, abort
from costrel.api import BearerAuth, Depends

pytestmark = pytest.mark.usefixtures("path")


@dataclass(frozen=True)
class Needs:
    """A guard, equal to others of its name."""

    name: str
    allows: bool = field(compare=False)

    def __call__(self) -> str:
        """Let requests pass, or not."""
        if not self.allows:
            abort(403)
        return self.name

    def check(self) -> str:
        """Do the same."""
        return self()


class Always(type):
    """A class of classes that are all equal."""

    def __eq__(cls, other: object) -> bool:
        """Return that they are."""
        return isinstance(other, Always)

    def __hash__(cls) -> int:
        """Return the same for all."""
        return 1


class First(metaclass=Always):
    """A class."""

    name = "first"


class Second(metaclass=Always):
    """Another class."""

    name = "second"


ALLOWS, REFUSES = Needs("read", allows=True), Needs("read", allows=False)

PAIRS: dict[str, tuple[t.Any, t.Any]] = {
    "objects": (ALLOWS, REFUSES),
    "methods": (ALLOWS.check, REFUSES.check),
    "partials": (functools.partial(ALLOWS), functools.partial(REFUSES)),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("order", [1, -1])
def test_equal_guards_are_called_each(name: str, order: int) -> None:
    """One that lets everybody pass does not stand for one that does not."""
    assert ALLOWS == REFUSES
    guards = PAIRS[name][::order]
    app = Costrel(__name__, dependencies=list(map(Depends, guards)))

    @app.get("/")
    def show() -> list[str]:
        return ["shown"]

    assert app.test_client().get("/").status_code == 403


@pytest.mark.parametrize("name", PAIRS)
def test_equal_dependencies_in_annotations_are_called_each(name: str) -> None:
    """`Annotated` keeps one of two equal annotations."""
    allows, refuses = PAIRS[name]
    app = Costrel(__name__)

    @app.get("/")
    def show(value: t.Annotated[str, Depends(allows)]) -> list[str]:
        return [value]

    @app.get("/refused")
    def refuse(value: t.Annotated[str, Depends(refuses)]) -> list[str]:
        return [value]

    client = app.test_client()
    assert [client.get(url).status_code for url in ("/", "/refused")] == [200, 403]


@pytest.mark.parametrize("name", PAIRS)
def test_override_counts_for_the_object_alone(name: str) -> None:
    """A test that lets requests pass one guard leaves the others."""
    allows, refuses = PAIRS[name]
    app = Costrel(__name__, dependencies=[Depends(refuses)])

    @app.get("/")
    def show(value: t.Annotated[str, Depends(allows)]) -> list[str]:
        return [value]

    client = app.test_client()
    with app.override(allows, lambda: "other"):
        assert client.get("/").status_code == 403
    with app.override(refuses, lambda: "other"):
        assert client.get("/").json == ["read"]


def test_equal_classes_are_two() -> None:
    """Each is made."""
    app = Costrel(__name__)

    @app.get("/")
    def show(
        first: t.Annotated[t.Any, Depends(First)], second: t.Annotated[t.Any, Depends(Second)]
    ) -> list[str]:
        return [first.name, second.name]

    assert app.test_client().get("/").json == ["first", "second"]


class Counter:
    """Count calls."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.count = 0

    def add(self) -> int:
        """Count a call."""
        self.count += 1
        return self.count


def test_method_of_one_object_is_one_dependency() -> None:
    """Python makes a new object at each access."""
    counter, items = Counter(), [3]
    app = Costrel(__name__, dependencies=[Depends(counter.add), Depends(items.pop)])

    @app.get("/")
    def show(
        count: t.Annotated[int, Depends(counter.add)], item: t.Annotated[int, Depends(items.pop)]
    ) -> list[int]:
        return [count, item]

    assert app.test_client().get("/").json == [1, 3]
    with app.override(counter.add, lambda: 7), app.override(items.pop, lambda: 8):
        assert app.test_client().get("/").json == [7, 8]


def test_markers_of_one_function_are_equal() -> None:
    """So `Annotated` keeps one of them."""
    counter, bearer = Counter(), BearerAuth()
    assert Depends(counter.add) == Depends(counter.add) != Depends(Counter().add)
    assert hash(Depends(counter.add)) == hash(Depends(counter.add))
    assert Depends(bearer) != Depends(bearer, use_cache=False)
    assert Depends(bearer) != bearer
