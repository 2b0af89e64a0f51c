"""BlackSheep with Pydantic models, which it recommends; it has no constraints for the query."""

from blacksheep import Application
from material.pydantic_models import Item, Order
from material.shop import shelve

PEER = {
    "title": "BlackSheep",
    "package": "blacksheep",
    "interface": "asgi",
    "servers": ["uvicorn"],
}

app = Application()
shelves = shelve(Item)


@app.router.post("/orders")
async def add_order(order: Order) -> Order:
    """Answer with the order of the body."""
    return order


@app.router.get("/items")
async def list_items(
    category: str, in_stock: bool = True, limit: int = 10, offset: int = 0
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]
