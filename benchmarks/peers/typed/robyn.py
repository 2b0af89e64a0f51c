"""Robyn with Pydantic models, on its own server, written in Rust."""

import sys

from material.pydantic_models import Item, Order
from material.shop import shelve
from robyn import Config, Robyn

PEER = {
    "title": "Robyn",
    "package": "robyn",
    "interface": "own",
    "servers": ["own"],
}

config = Config()
config.log_level = "WARNING"
config.disable_openapi = True
app = Robyn(__file__, config)
shelves = shelve(Item)


@app.post("/orders")
async def add_order(order: Order):
    """Answer with the order of the body."""
    return order


@app.get("/items")
async def list_items(category: str, in_stock: bool = True, limit: int = 10, offset: int = 0):
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]


if __name__ == "__main__":
    app.start(sys.argv[1], int(sys.argv[2]))
