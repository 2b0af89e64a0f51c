"""Pydantic's dataclasses in typed views: their checks always run."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pydantic
import pydantic.dataclasses
import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Body, Depends, Form, Partial, Query
from costrel.dispatch.typed import check_views

T = t.TypeVar("T")


@pydantic.dataclasses.dataclass
class Amount:
    """A dataclass with a constraint."""

    n: t.Annotated[int, pydantic.Field(gt=0)]


@dataclass
class Taxed(Amount):
    """One that inherits it."""

    tax: int = 0


@pydantic.dataclasses.dataclass
class Box(t.Generic[T]):
    """A generic one."""

    n: t.Annotated[int, pydantic.Field(gt=0)]
    more: T | None = None


class Order(pydantic.BaseModel):
    """A model with one."""

    amount: Amount


class Holder(Struct):
    """A struct with one in it."""

    amounts: list[Amount]


@dataclass
class Held:
    """A dataclass with one in it."""

    amount: Amount | None = None


BODIES: dict[str, tuple[t.Any, t.Callable[[t.Any], t.Any]]] = {
    "itself": (Amount, lambda amount: amount),
    "inherited": (Taxed, lambda amount: amount),
    "generic": (Box[str], lambda amount: amount),
    "optional": (Amount | None, lambda amount: amount),
    "list": (list[Amount], lambda amount: [amount]),
    "dict": (dict[str, Amount], lambda amount: {"a": amount}),
    "constrained": (t.Annotated[list[Amount], "doc"], lambda amount: [amount]),
    "in a model": (Order, lambda amount: {"amount": amount}),
}


def _app(annotation: t.Any) -> Costrel:
    app = Costrel(__name__)

    def add(given: t.Any) -> list[str]:
        return [type(given).__name__]

    add.__annotations__["given"] = annotation
    app.add_url_rule("/", view_func=add, methods=["POST"])
    return app


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("case", BODIES)
def test_checks_of_the_dataclass_run(case: str) -> None:
    """Wherever it is in the document, which is held to JSON's types."""
    annotation, around = BODIES[case]
    client = _app(annotation).test_client()
    assert client.post("/", json=around({"n": 5})).status_code == 200
    for wrong in (-5, "5"):
        response = client.post("/", json=around({"n": wrong}))
        assert response.status_code == 422
        assert response.get_json()["errors"][0]["pointer"].endswith("/n")


@pytest.mark.parametrize(
    "annotation",
    [
        Holder,
        list[Holder],
        Held,
        t.Annotated[Held, Form()],
        t.Annotated[Amount, Query()],
        t.Annotated[Amount, Form()],
        t.Annotated[Held, Query()],
    ],
)
def test_place_where_they_would_not_run_is_refused(annotation: t.Any) -> None:
    """When the application is set up."""
    with pytest.raises(TypeError, match="Pydantic"):
        check_views(_app(annotation))


def test_dependency_is_held_to_the_same() -> None:
    """What a dependency takes is checked as what a view does."""

    def find(holder: t.Annotated[Holder, Body()]) -> Holder:
        return holder

    with pytest.raises(TypeError, match="Pydantic"):
        check_views(_app(t.Annotated[Holder, Depends(find)]))


def test_partial_of_one_is_refused() -> None:
    """Of its fields, a struct would be made without the checks."""
    with pytest.raises(TypeError, match="checks"):
        Partial[Amount]


def test_such_a_view_is_documented_and_answers() -> None:
    """A dataclass that is returned is filtered as any other."""
    app = Costrel(__name__)

    @app.post("/")
    def add(amount: Amount) -> Amount:
        return amount

    client = app.test_client()
    assert client.post("/", json={"n": 1}).json == {"n": 1}
    document = client.get("/openapi.json").get_json()
    assert "requestBody" in document["paths"]["/"]["post"]
