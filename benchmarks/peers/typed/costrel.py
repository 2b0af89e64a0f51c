"""Costrel, with sync views."""

from material.shop import shelve
from material.structs import Category, Item, Limit, Offset, Order

from costrel import Costrel

PEER = {
    "title": "Costrel",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": ["granian"],
}

app = Costrel(__name__, static_folder=None)
shelves = shelve(Item)


@app.post("/orders")
def add_order(order: Order) -> Order:
    """Answer with the order of the body."""
    return order


@app.get("/items")
def list_items(
    category: Category, in_stock: bool = True, limit: Limit = 10, offset: Offset = 0
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]
