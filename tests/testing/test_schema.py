"""`schema_test` finds what an API does besides what its document says."""

from __future__ import annotations

import sys
import typing as t

import pytest
from msgspec import Meta, Struct

from costrel import Costrel
from costrel.testing import schema_test

FEW = {"generation": {"max_examples": 10, "deterministic": True}}


class Item(Struct):
    """What clients send and get."""

    name: t.Annotated[str, Meta(max_length=20)]
    count: t.Annotated[int, Meta(ge=0, le=1000)] = 0


def shop():
    """Make an API that does what its document says."""
    app = Costrel(__name__)

    @app.get("/items")
    def list_items(limit: t.Annotated[int, Meta(ge=1, le=100)] = 10) -> list[Item]:
        return [Item("tea")][:limit]

    @app.post("/items", status=201)
    def add_item(item: Item) -> Item:
        return item

    return app


def test_api_that_keeps_its_word_passes():
    """Nothing is raised, with all checks."""
    schema_test(shop(), **FEW)


def test_errors_and_answers_that_are_not_documented_are_reported_with_the_request():
    """Each failure is named once, with how to repeat it."""
    app = shop()

    @app.get("/broken")
    def broken(divisor: int = 1) -> Item:
        return Item("tea", 1 // (divisor if divisor > 0 else 0))

    with pytest.raises(AssertionError) as caught:
        schema_test(app, **FEW)
    message = str(caught.value)
    assert "GET /broken: Server error" in message
    assert "curl -X GET" in message
    assert "/items" not in message


def test_missing_schemathesis_is_named_with_its_install_command(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with pytest.raises(RuntimeError, match=r"pip install 'schemathesis>=4'"):
        schema_test(shop())
