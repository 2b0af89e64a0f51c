"""Tuples: several values, or a value with its status and header fields, by what is declared."""

from __future__ import annotations

import http
import typing as t
from decimal import Decimal

import msgspec
import pydantic
import pytest

from costrel import Costrel
from costrel.dispatch.typed import check_views

pytestmark = pytest.mark.usefixtures("path")


class Row(t.TypedDict):
    """What is declared of a database's rows, which are dictionaries."""

    id: int


class Thing:
    """An object with more than is declared."""

    id, password = 1, "hash"


class Struct(msgspec.Struct):
    """What is declared of it."""

    id: int


class Model(pydantic.BaseModel):
    """The same for Pydantic."""

    id: int


class Pair(t.NamedTuple):
    """Items that are arrays themselves."""

    id: int
    name: str


def answer_to(value: t.Any, returns: t.Any, **options: t.Any) -> t.Any:
    """Return the response of a view that returns a value."""
    app = Costrel(__name__)

    def view():
        return value

    view.__annotations__ = {"return": returns}
    app.get("/", **options)(view)
    return app.test_client().get("/")


ROW = {"id": 1, "password": "hash"}


@pytest.mark.parametrize("count", range(5))
@pytest.mark.parametrize(
    ("returns", "item", "sent"),
    [
        (list[Row], ROW, {"id": 1}), (list[Struct], ROW, {"id": 1}), (list[Model], ROW, {"id": 1}),
        (list[Struct], Thing(), {"id": 1}), (tuple[Struct, ...], ROW, {"id": 1}),
        (Row | list[Row], ROW, {"id": 1}), (list[Row] | None, ROW, {"id": 1}),
        (list[Struct | None], None, None), (list[Pair], (1, "a"), [1, "a"]),
        (list[list[int]], [1, 2], [1, 2]), (list[dict[str, int]], {"a": 1}, {"a": 1}),
        (tuple[int, ...], 404, 404), (list[int] | None, 200, 200), (list[str], "200", "200"),
        (list[float], 1.5, 1.5), (list[int | None], None, None), (tuple[t.Any, ...], 1, 1),
        (list[Decimal], Decimal(1), "1"), (list[t.Literal["a"]], "a", "a"),
    ],
)  # fmt: skip
def test_tuple_of_items_is_the_list_that_is_declared(count, returns, item, sent):
    """However many they are: a database's cursor may return them so."""
    response = answer_to((item,) * count, returns)
    assert (response.status_code, response.json) == (200, [sent] * count)
    assert "password" not in response.headers


@pytest.mark.parametrize(
    ("returns", "first", "sent"),
    [
        (list[Row], [ROW], [{"id": 1}]), (Row | list[Row], ROW, {"id": 1}), (Row, ROW, {"id": 1}),
        (list[int], [1], [1]), (tuple[int, ...], (1, 2), [1, 2]), (list[str], ["a"], ["a"]),
        (tuple[t.Any, ...], (1, 2), [1, 2]), (list[list[int]], [[1]], [[1]]), (int, 5, 5),
        (list[Struct], (ROW, Thing()), [{"id": 1}, {"id": 1}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("more", [(201,), ("201 CREATED",), (201, {"X-More": "a"})])
def test_value_with_a_status_is_told_from_items(returns, first, sent, more):
    """What is behind it is no item of the list."""
    response = answer_to((first, *more), returns)
    assert (response.status_code, response.json) == (201, sent)
    assert response.headers.get("X-More") == ("a" if len(more) == 2 else None)


def test_list_with_header_fields_is_told_from_items():
    """The first of the two is a list, which no row is."""
    response = answer_to(([ROW], {"X-More": "a"}), list[Row])
    assert (response.json, response.headers["X-More"]) == ([{"id": 1}], "a")


def test_item_that_does_not_fit_is_no_header_field():
    """Nothing of it is sent."""
    response = answer_to((ROW, {"id": "2", "password": "hash"}), Row | list[Row])
    assert response.status_code == 500
    assert "password" not in response.headers
    assert "hash" not in response.text


@pytest.mark.parametrize(
    "returns",
    [
        tuple[float, float], tuple[float, float, float], tuple[float, str], tuple[int, list[int]],
        tuple[int, int, int], tuple[str, float], tuple[Decimal, str], tuple[Struct, float],
        tuple[Struct, list[str] | float],
    ],
)  # fmt: skip
def test_tuple_of_values_is_refused_at_the_start(returns):
    """Flask reads a status or header fields there, which these are not: with what to write."""
    app = Costrel(__name__)

    def view():
        raise NotImplementedError

    view.__annotations__ = {"return": returns}
    app.get("/")(view)
    with pytest.raises(TypeError, match=r"Write list\[...\] or a NamedTuple for several values"):
        check_views(app)


@pytest.mark.parametrize(
    ("returns", "more"),
    [
        (tuple[Struct, int], (201,)), (tuple[Struct, http.HTTPStatus], (http.HTTPStatus.CREATED,)),
        (tuple[Struct, t.Literal[201]], (201,)), (tuple[Struct, str], ("201 CREATED",)),
        (tuple[Struct, int | None], (201,)), (tuple[Struct, t.Any], (201,)),
        (tuple[Struct, int, dict[str, str]], (201, {"X-More": "a"})),
        (tuple[Struct, int, list[tuple[str, str]]], (201, [("X-More", "a")])),
        (tuple[Struct, int, t.Mapping[str, str | int]], (201, {"X-More": "a"})),
        (tuple[float, int], (201,)),
    ],
)  # fmt: skip
def test_status_and_header_fields_may_be_declared(returns, more):
    """In each way that Flask knows."""
    value = 1.5 if returns == tuple[float, int] else Thing()
    response = answer_to((value, *more), returns)
    assert response.status_code == 201
    assert response.json == (1.5 if value == 1.5 else {"id": 1})
