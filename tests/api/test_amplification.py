"""A report of errors is never much larger than the request, nor made in much memory."""

from __future__ import annotations

import json
import tracemalloc
import typing as t

import pydantic
import pytest
from msgspec import Struct
from msgspec import inspect as types

from costrel import Costrel
from costrel.api import Body, Form, Query, mismatches
from costrel.api.kinds import kind_of
from costrel.api.models import Refused, adapter_of

LONG = "K" * 1_000_000
WRONG = [""] * 200


class Named(Struct):
    """Names of the client's, with values."""

    d: dict[str, list[int]] = {}
    t: dict[str, tuple[int, int, int]] = {}


class Cat(Struct, tag=True, forbid_unknown_fields=True):
    """One of two."""

    size: t.Literal["small", "large"] = "small"


class Dog(Struct, tag=True, forbid_unknown_fields=True):
    """The other."""

    below: dict[str, list[Cat | Dog]] = {}


class Tree(Struct):
    """A node, which has two others or errors."""

    size: int = 0
    left: Tree | None = None
    right: Tree | None = None


class NamedModel(pydantic.BaseModel):
    """The same of Pydantic's."""

    d: dict[str, list[int]] = {}
    choice: t.Literal["small", "large"] = "small"


class Nested(pydantic.BaseModel):
    """A recursive model."""

    below: list[Nested | int] = []


DOCUMENTS: dict[str, tuple[t.Any, t.Any]] = {
    "name": (Named, {"d": {LONG: WRONG}}),
    "name above a tuple": (Named, {"t": {LONG: ["", "", ""]}}),
    "tag": (Cat | Dog, {"type": LONG}),
    "tags": (list[Cat | Dog], [{"type": LONG[:10_000]}] * 100),
    "tag of another type": (Cat | Dog, {"type": [LONG]}),
    "unknown field": (Cat | Dog, {"type": "Cat", LONG: 1}),
    "names above names": (Dog, {"type": "Dog", "below": {LONG: [{"type": LONG}] * 9}}),
    "escaped name": (Named, {"d": {"~" * 1_000_000: WRONG}}),
    "keys": (dict[int, int], {f"{LONG[:10_000]}{number}": 1 for number in range(100)}),
    "model's name": (NamedModel, {"d": {LONG: WRONG}}),
    "model's choice": (NamedModel, {"choice": LONG}),
}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("case", DOCUMENTS)
def test_report_on_a_long_name_or_value_is_short(case: str) -> None:
    """Pointers and what was sent are cut off, and say so."""
    annotation, document = DOCUMENTS[case]
    app = Costrel(__name__)

    def add(document: t.Any) -> str:
        return ""

    add.__annotations__["document"] = t.Annotated[annotation, Body()]
    app.add_url_rule("/", view_func=add, methods=["POST"])
    response = app.test_client().post("/", json=document)
    assert response.status_code == 422
    assert len(response.data) < 300_000
    assert all(
        len(one["pointer"]) <= 3_000 and len(one["detail"]) <= 500
        for one in response.get_json()["errors"]
    )


def test_cut_pointer_shows_that_it_is() -> None:
    """A name that just fits is whole, and at the end of a pointer there is nothing below."""
    assert mismatches.below("/a", "k" * 500) == "/a/" + "k" * 500
    assert mismatches.below("/a", "k" * 501) == "/a/" + "k" * 499 + "…"
    whole = "/" + "k" * 2_999
    longest = mismatches.below(whole, "more")
    assert longest == whole[:-1] + "…"
    assert mismatches.below(longest, "more") == longest


@pytest.mark.usefixtures("path")
def test_report_on_text_is_short() -> None:
    """In a query and a form too, however long they may be."""
    app = Costrel(__name__)
    app.config.update(MAX_URL_LENGTH=None, MAX_URLENCODED_SIZE=None, MAX_FORM_MEMORY_SIZE=None)

    @app.post("/")
    def add(wanted: t.Annotated[Cat, Query()], more: t.Annotated[Cat, Form()]) -> str:
        return ""

    text = LONG[:5_000]
    query = {"size": text, **{f"{text}{number}": "" for number in range(10)}}
    form = {"size": text, LONG: ""}
    response = app.test_client().post("/", query_string=query, data=form)
    assert response.status_code == 422
    assert len(response.data) < 20_000


def _tree(depth: int) -> dict[str, t.Any]:
    if not depth:
        return {"size": ""}
    return {"left": _tree(depth - 1), "right": _tree(depth - 1)}


def test_search_stops_when_it_has_found_enough() -> None:
    """Also in a tree, and of the unknown names of one object."""
    assert len(mismatches.find(_tree(12), kind_of(Tree))) == mismatches.LIMIT
    many = {"type": "Cat", **{f"{number}": 1 for number in range(50_000)}}
    kind: types.Type = kind_of(Cat)
    assert len(mismatches.find(many, kind)) == mismatches.LIMIT
    assert _peak(lambda: mismatches.find(many, kind)) < 200_000


def test_names_are_not_copied_for_each_error() -> None:
    """The search needs no more memory than its report."""
    value = {"d": {LONG: WRONG}}
    kind = kind_of(Named)
    mismatches.find(value, kind)
    assert _peak(lambda: mismatches.find(value, kind)) < 5_000_000


def _peak(run: t.Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _deep(depth: int) -> t.Any:
    value: t.Any = {"below": [""] * 50_000}
    for _level in range(depth):
        value = {"below": [value]}
    return value


@pytest.mark.parametrize(
    ("model", "document"),
    [(NamedModel, {"d": {LONG[:100_000]: [""] * 300}}), (Nested, _deep(200))],
)
def test_document_whose_errors_pydantic_could_not_hold_is_refused(
    model: t.Any, document: t.Any
) -> None:
    """Before Pydantic makes them: each has all names above its value."""
    adapter = adapter_of(model)
    assert adapter is not None
    with pytest.raises(Refused, match="Too many values"):
        adapter.decode(json.dumps(document).encode())


def test_large_document_that_fits_is_taken() -> None:
    """Long names and many values are fine by themselves."""
    adapter = adapter_of(NamedModel)
    assert adapter is not None
    large = {"d": {f"{LONG[:200]}{number}": [1, 2, 3] for number in range(5_000)}}
    assert len(adapter.decode(json.dumps(large).encode()).d) == 5_000
    assert adapter.decode(json.dumps({"d": {LONG: [1]}}).encode()).d == {LONG: [1]}


def test_very_many_errors_of_pydantic_are_counted() -> None:
    """Instead of making a report of each, of which few would be sent."""
    adapter = adapter_of(NamedModel)
    assert adapter is not None
    with pytest.raises(Refused) as raised:
        adapter.decode(json.dumps({"d": {"k": [""] * 20_000}}).encode())
    assert raised.value.mismatches == [("", "20000 values do not fit")]
