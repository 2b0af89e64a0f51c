"""What docstrings say of parameters and fields."""

from __future__ import annotations

import typing as t

from msgspec import Struct

from costrel import Costrel
from costrel.api import Form, Query
from costrel.openapi import document_of
from costrel.openapi.docstrings import of_class, read


class Item(Struct):
    """An item.

    Attributes:
        id: Its number,
            which never changes.
        name (str): What it is called.

    It can be bought.
    """

    id: int
    name: str = ""


class Book(Item, kw_only=True):
    """A book.

    Attributes:
        isbn: Its number in bookshops.
    """

    isbn: str


def test_sections_are_no_part_of_the_text() -> None:
    """Other sections are."""
    docstring = read(
        """Add
        an item.

        More of it.

        Args:
            item: The item: a new one,
                not a known one.

            **others: Others.

        Returns:
            item: The item.
        """
    )
    assert docstring.summary == "Add an item."
    assert docstring.rest == "More of it.\n\nReturns:\n    item: The item."
    assert docstring.names == {
        "item": "The item: a new one, not a known one.",
        "others": "Others.",
    }
    assert read(None) == ("", {})


def test_bases_say_what_their_fields_are() -> None:
    """What a class says of itself, it says alone."""
    assert of_class(Item).text == "An item.\n\nIt can be bought."
    assert of_class(Book) == (
        "A book.",
        {
            "id": "Its number, which never changes.",
            "name": "What it is called.",
            "isbn": "Its number in bookshops.",
        },
    )


def test_docstrings_describe_parameters_fields_and_bodies() -> None:
    """A marker that says something else comes first."""
    app = Costrel(__name__)

    @app.post("/<int:number>")
    def add(
        number: int,
        item: Item,
        q: t.Annotated[str, Query(description="The query.")] = "",
        n: int = 0,
    ) -> Book:
        """Add an item.

        Args:
            number: Its number.
            item: The item.
            q: Not shown.
            n: How many.
        """
        return Book(id=n, isbn="")

    @app.post("/form")
    def send(item: t.Annotated[Item, Form()]) -> None:
        """Send a form."""

    document = document_of(app)
    described = document["paths"]["/{number}"]["post"]
    assert {one["name"]: one["description"] for one in described["parameters"]} == {
        "number": "Its number.",
        "q": "The query.",
        "n": "How many.",
    }
    assert described["requestBody"]["description"] == "The item."
    assert "description" not in described
    assert document["components"]["schemas"]["Book"]["properties"]["name"] == {
        "description": "What it is called.",
        "type": "string",
        "default": "",
    }
    content = document["paths"]["/form"]["post"]["requestBody"]["content"]
    fields = content["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert fields["id"]["description"] == "Its number, which never changes."
