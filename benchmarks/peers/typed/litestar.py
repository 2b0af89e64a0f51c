"""Litestar with msgspec's structs, which it uses itself."""

import typing as t

from litestar import Litestar, get, post
from litestar.params import Parameter
from material.shop import shelve
from material.structs import Item, Order

PEER = {
    "title": "Litestar",
    "package": "litestar",
    "interface": "asgi",
    "servers": ["uvicorn"],
}

shelves = shelve(Item)


@post("/orders", status_code=200)
async def add_order(data: Order) -> Order:
    """Answer with the order of the body."""
    return data


@get("/items")
async def list_items(
    category: t.Annotated[str, Parameter(min_length=1, max_length=40)],
    in_stock: bool = True,
    limit: t.Annotated[int, Parameter(ge=1, le=100)] = 10,
    offset: t.Annotated[int, Parameter(ge=0)] = 0,
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]


app = Litestar([add_order, list_items])
