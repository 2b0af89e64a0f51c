"""What goes wrong in the application's own validators is its error, not the client's."""

from __future__ import annotations

import typing as t

import pydantic
import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Body, Query

pytestmark = pytest.mark.usefixtures("path")


def _recurse() -> None:
    """Never come to an end, as by a mistake."""
    _recurse()


class Model(pydantic.BaseModel):
    """A model whose validator does so."""

    n: int = 1
    below: list[t.Any] = []

    @pydantic.field_validator("n")
    @classmethod
    def check(cls, value: int) -> int:
        """Check nothing."""
        _recurse()
        return value


class Made(Struct):
    """A struct whose code does so."""

    n: int = 1

    def __post_init__(self) -> None:
        _recurse()


@pytest.mark.parametrize(
    "annotation",
    [
        t.Annotated[Model, Body()],
        t.Annotated[Made, Body()],
        t.Annotated[Model, Query()],
        t.Annotated[Made, Query()],
    ],
)
def test_endless_recursion_of_a_validator_is_an_internal_error(annotation: t.Any) -> None:
    """It is logged as any other, instead of being told to the client as its own mistake."""
    app = Costrel(__name__)
    seen: list[object] = []

    def show(given: t.Any) -> str:
        return ""

    @app.errorhandler(500)
    def answer(error: t.Any) -> tuple[str, int]:
        seen.append(error.original_exception)
        return "", 500

    show.__annotations__["given"] = annotation
    app.add_url_rule("/", view_func=show, methods=["POST"])
    response = app.test_client().post("/?n=1", json={"n": 1})
    assert response.status_code == 500
    assert [type(error) for error in seen] == [RecursionError]


def test_nesting_of_the_client_is_its_own_mistake() -> None:
    """A document that is too deep stays a 400."""
    app = Costrel(__name__)

    @app.post("/")
    def show(given: Model) -> str:
        return ""

    body = '{"n": 1, "below": ' + "[" * 600 + "]" * 600 + "}"
    response = app.test_client().post("/", data=body, content_type="application/json")
    assert response.status_code == 400
