"""What goes wrong in the application's own validators is its error, not the client's."""

from __future__ import annotations

import json
import typing as t

import msgspec
import pydantic
import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Body, Form, Query
from costrel.testing import FlaskClient

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


class Secretive(Struct):
    """A struct whose code has mistakes, and refuses some values."""

    n: int = 0

    def __post_init__(self) -> None:
        if self.n == 1:
            len(t.cast("t.Any", self.n))
        if self.n == 2:
            b"\xff".decode()
        if self.n == 3:
            json.loads("hunter2")
        if self.n == 4:
            raise ValueError("4 is taken")
        if self.n == 5:
            raise msgspec.ValidationError("5 is taken")


class Holder(Struct):
    """Such a struct in a list."""

    items: list[Secretive]


@pytest.fixture
def client(path: str) -> FlaskClient:
    """Return a client of an application that takes it from several places."""
    app = Costrel(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.post("/body")
    def body(given: Secretive) -> Secretive:
        return given

    @app.post("/list")
    def of_list(given: Holder) -> Holder:
        return given

    @app.post("/query")
    def query(given: t.Annotated[Secretive, Query()]) -> Secretive:
        return given

    @app.post("/form")
    def form(given: t.Annotated[Secretive, Form()], name: str = "") -> Secretive:
        return given

    return app.test_client()


def send(client: FlaskClient, place: str, n: int) -> t.Any:
    """Send a number to a place."""
    if place == "query":
        return client.post(f"/query?n={n}")
    if place == "form":
        return client.post("/form", data={"n": n})
    item = {"n": n}
    return client.post(f"/{place}", json={"items": [item]} if place == "list" else item)


@pytest.mark.parametrize("n", [1, 2, 3], ids=["TypeError", "UnicodeError", "JSONDecodeError"])
@pytest.mark.parametrize("place", ["body", "list", "query", "form"])
def test_mistakes_in_post_init_are_internal_errors(
    client: FlaskClient, place: str, n: int, caplog: pytest.LogCaptureFixture
) -> None:
    """They are logged, and their text is not sent."""
    response = send(client, place, n)
    assert response.status_code == 500
    assert not {"len()", "0xff", "Expecting"} & set(response.text.split())
    assert "The code of a type raised" in caplog.text


@pytest.mark.parametrize("n", [4, 5], ids=["ValueError", "ValidationError"])
@pytest.mark.parametrize("place", ["body", "list", "query", "form"])
def test_refusals_of_post_init_are_told(client: FlaskClient, place: str, n: int) -> None:
    """A `ValueError` itself is for the client."""
    response = send(client, place, n)
    assert response.status_code == 422
    assert f"{n} is taken" in response.text
