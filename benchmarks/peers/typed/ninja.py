"""Django Ninja, with sync views as WSGI."""

import typing as t

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path
from material import content
from material.shop import shelve

PEER = {
    "title": "Django Ninja",
    "package": "django-ninja",
    "interface": "wsgi",
    "servers": ["granian"],
}

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY=content.SECRET_KEY,
)

from ninja import Field, NinjaAPI, Query, Schema  # noqa: E402 - it reads the settings

api = NinjaAPI()
shelves = shelve(dict)

Name = t.Annotated[str, Field(min_length=1, max_length=100)]


class Address(Schema):
    """Where an order goes."""

    street: Name
    city: Name
    postcode: t.Annotated[str, Field(min_length=3, max_length=10)]


class Line(Schema):
    """How much of what."""

    sku: t.Annotated[str, Field(min_length=1, max_length=40)]
    quantity: t.Annotated[int, Field(ge=1, le=1000)]
    price: t.Annotated[float, Field(ge=0)]


class Order(Schema):
    """An order, with ten fields in all."""

    customer: Name
    paid: bool
    address: Address
    lines: t.Annotated[list[Line], Field(min_length=1, max_length=100)]


class Item(Schema):
    """One item of the shop."""

    id: int
    name: str
    price: float
    weight_g: int
    tags: list[str]


@api.post("/orders", response=Order)
def add_order(request, order: Order):
    """Answer with the order of the body."""
    return order


@api.get("/items", response=list[Item])
def list_items(
    request,
    category: str = Query(min_length=1, max_length=40),
    in_stock: bool = True,
    limit: int = Query(10, ge=1, le=100),
    offset: int = Query(0, ge=0),
):
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]


urlpatterns = [path("", api.urls)]
app = get_wsgi_application()
