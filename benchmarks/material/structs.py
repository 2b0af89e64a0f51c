"""The models of the typed workloads, for what decodes with msgspec."""

from __future__ import annotations

import typing as t

from msgspec import Meta, Struct

Name = t.Annotated[str, Meta(min_length=1, max_length=100)]
Category = t.Annotated[str, Meta(min_length=1, max_length=40)]
Limit = t.Annotated[int, Meta(ge=1, le=100)]
Offset = t.Annotated[int, Meta(ge=0)]


class Address(Struct):
    """Where an order goes."""

    street: Name
    city: Name
    postcode: t.Annotated[str, Meta(min_length=3, max_length=10)]


class Line(Struct):
    """How much of what."""

    sku: t.Annotated[str, Meta(min_length=1, max_length=40)]
    quantity: t.Annotated[int, Meta(ge=1, le=1000)]
    price: t.Annotated[float, Meta(ge=0)]


class Order(Struct):
    """An order, with ten fields in all."""

    customer: Name
    paid: bool
    address: Address
    lines: t.Annotated[list[Line], Meta(min_length=1, max_length=100)]


class Item(Struct):
    """One item of the shop."""

    id: int
    name: str
    price: float
    weight_g: int
    tags: list[str]


class ItemQuery(Struct):
    """The query of a list of items."""

    category: Category
    in_stock: bool = True
    limit: Limit = 10
    offset: Offset = 0
