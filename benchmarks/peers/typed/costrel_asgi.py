"""Costrel over ASGI, with async views."""

from material.shop import shelve
from material.structs import Category, Item, Limit, Offset, Order

from costrel import Costrel

PEER = {
    "title": "Costrel, async views",
    "package": "costrel",
    "interface": "asgi",
    "servers": ["uvicorn"],
    "quick": [],
}

typed_app = Costrel(__name__, static_folder=None)
shelves = shelve(Item)


@typed_app.post("/orders")
async def add_order(order: Order) -> Order:
    """Answer with the order of the body."""
    return order


@typed_app.get("/items")
async def list_items(
    category: Category, in_stock: bool = True, limit: Limit = 10, offset: Offset = 0
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]


app = typed_app.asgi
