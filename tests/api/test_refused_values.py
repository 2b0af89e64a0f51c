"""Values that do not fit are answered without an error being raised, unless it may be handled."""

from __future__ import annotations

import asyncio
import typing as t
from decimal import Decimal

import msgspec
import pytest
from msgspec import Meta, Struct
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from costrel import Blueprint, Costrel
from costrel.api import Body, InvalidRequest, mismatches

pytestmark = pytest.mark.usefixtures("path")

WRONG = {"in": "query", "pointer": "/n", "detail": "Expected `int`"}


class Tree(Struct):
    """A recursive model."""

    size: t.Annotated[int, Meta(ge=0)]
    below: list[Tree] = []
    named: dict[str, Tree] = {}


def _make_app(set_up: t.Callable[[Costrel, Blueprint], object] | None = None) -> Costrel:
    app, site = Costrel(__name__), Blueprint("site", __name__)

    @site.get("/sync")
    def sync(n: int) -> dict[str, int]:
        return {"n": n}

    @site.get("/async")
    async def on_loop(n: int) -> dict[str, int]:
        return {"n": n}

    if set_up is not None:
        set_up(app, site)
    app.register_blueprint(site)
    return app


def _ask(app: Costrel, url: str, way: str) -> t.Any:
    if way == "wsgi":
        return app.test_client().get(url)
    return asyncio.run(app.async_test_client().get(url))


def _replace_step(app: Costrel, handle: t.Any) -> None:
    app.handle_http_exception = handle  # type: ignore[method-assign]


def _trap(app: Costrel, handle: t.Any) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    app.register_error_handler(Exception, handle)


HANDLED: dict[str, t.Callable[[Costrel, Blueprint, t.Any], object]] = {
    "by code": lambda app, _site, handle: app.register_error_handler(422, handle),
    "by class": lambda app, _site, handle: app.register_error_handler(InvalidRequest, handle),
    "by base": lambda app, _site, handle: app.register_error_handler(UnprocessableEntity, handle),
    "as any": lambda app, _site, handle: app.register_error_handler(HTTPException, handle),
    "by the blueprint": lambda _app, site, handle: site.register_error_handler(422, handle),
    "trapped": lambda app, _site, handle: _trap(app, handle),
    "replaced": lambda app, _site, handle: _replace_step(app, handle),
}


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
@pytest.mark.parametrize("url", ["/sync?n=a", "/async?n=a"])
@pytest.mark.parametrize("how", HANDLED)
def test_whoever_handles_such_an_error_gets_it(url: str, how: str, way: str) -> None:
    """With all that is wrong."""
    seen: list[t.Any] = []

    def handle(error: Exception) -> tuple[str, int]:
        seen.append(error)
        return "handled", 418

    response = _ask(_make_app(lambda app, site: HANDLED[how](app, site, handle)), url, way)
    assert (response.status_code, response.text) == (418, "handled")
    (error,) = seen
    assert isinstance(error, InvalidRequest)
    assert [item.pointer for item in error.errors] == ["/n"]


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_a_handler_that_is_registered_later_is_called(url: str, way: str) -> None:
    """Between two requests."""
    app = _make_app()
    response = _ask(app, f"{url}?n=a", way)
    assert (response.status_code, response.json["errors"]) == (422, [WRONG])
    app.error_handler_spec[None][422][UnprocessableEntity] = lambda _error: ("handled", 418)
    assert _ask(app, f"{url}?n=a", way).status_code == 418
    assert _ask(app, f"{url}?n=1", way).json == {"n": 1}


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_hooks_see_such_a_response(url: str, way: str) -> None:
    """After-hooks get it, and teardown functions no error."""
    app, seen = _make_app(), []

    @app.after_request
    def note(response: t.Any) -> t.Any:
        seen.append(response.status_code)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        seen.append(error)

    assert _ask(app, f"{url}?n=a", way).status_code == 422
    assert seen == [422, None]


def test_of_recursive_values_all_mismatches_are_found() -> None:
    """At any depth, each with its pointer."""
    kind = msgspec.inspect.type_info(Tree)
    value = {"size": 1, "below": [{"size": -1}, {"size": 0, "named": {"a/b": {"below": [{}]}}}]}
    assert [tuple(found) for found in mismatches.find(value, kind)] == [
        ("/below/0/size", "Expected `int` >= 0"),
        ("/below/1/named/a~1b/size", "Required"),
        ("/below/1/named/a~1b/below/0/size", "Required"),
    ]


def test_the_search_ends_after_enough_mismatches() -> None:
    """However many there are."""
    kind = msgspec.inspect.type_info(list[dict[str, int]])
    found = mismatches.find([{"a": "x", "b": None}] * 100_000, kind)
    assert mismatches.LIMIT <= len(found) <= mismatches.LIMIT + 2


class Row(Struct, array_like=True):
    """A struct that JSON has as an array."""

    count: int
    price: Decimal
    name: str


class TaggedRow(Struct, array_like=True, tag="row"):
    """One with a tag before its fields."""

    price: Decimal
    inner: Row | None = None


class OtherRow(Struct, array_like=True, tag="other"):
    """One that the tag tells from it."""

    count: int


class Triple(t.NamedTuple):
    """A tuple with names."""

    count: int
    price: Decimal
    name: str


@pytest.mark.parametrize(
    ("annotation", "value", "pointers"),
    [
        (list[Row], [["x", "y", 3], [1]], ["/0/0", "/0/1", "/0/2", "/1"]),
        (Row, ["x", "1"], ["", "/0"]),
        (Row, [1, "NaN", "a"], ["/1"]),
        (Row, [1, "1_000", "a"], ["/1"]),
        (dict[str, Row], {"a": [1, "Infinity", "a"]}, ["/a/1"]),
        (TaggedRow | OtherRow, ["row", "NaN", ["x", "1", "a"]], ["/1", "/2/0"]),
        (TaggedRow | OtherRow, ["other", "x"], ["/1"]),
        (tuple[int, Decimal, str], ["x", "NaN"], ["", "/0", "/1"]),
        (tuple[int, Decimal, str], ["x", "1", "a", 4], ["", "/0"]),
        (Triple, ["x"], ["", "/0"]),
        (list[Triple | None], [["x", "NaN", 3], None], ["/0/0", "/0/1", "/0/2"]),
    ],
)  # fmt: skip
def test_of_arrays_of_fields_all_mismatches_are_found(
    annotation: t.Any, value: t.Any, pointers: list[str]
) -> None:
    """Each at its item, those of an array that is too short too, and what is no decimal."""
    app = Costrel(__name__)

    def take(value: t.Any) -> str:
        raise NotImplementedError

    take.__annotations__ = {"value": t.Annotated[annotation, Body()], "return": dict[str, int]}
    app.post("/")(take)
    response = app.test_client().post("/", json=value)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json["errors"]] == pointers
