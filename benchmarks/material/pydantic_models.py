"""The models of the typed workloads, for what validates with Pydantic."""

import typing as t

from pydantic import BaseModel, Field

Name = t.Annotated[str, Field(min_length=1, max_length=100)]


class Address(BaseModel):
    """Where an order goes."""

    street: Name
    city: Name
    postcode: t.Annotated[str, Field(min_length=3, max_length=10)]


class Line(BaseModel):
    """How much of what."""

    sku: t.Annotated[str, Field(min_length=1, max_length=40)]
    quantity: t.Annotated[int, Field(ge=1, le=1000)]
    price: t.Annotated[float, Field(ge=0)]


class Order(BaseModel):
    """An order, with ten fields in all."""

    customer: Name
    paid: bool
    address: Address
    lines: t.Annotated[list[Line], Field(min_length=1, max_length=100)]


class Item(BaseModel):
    """One item of the shop."""

    id: int
    name: str
    price: float
    weight_g: int
    tags: list[str]
