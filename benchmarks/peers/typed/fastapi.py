"""FastAPI with async views and Pydantic models."""

import typing as t

from fastapi import FastAPI, Query
from material.pydantic_models import Item, Order
from material.shop import shelve

PEER = {
    "title": "FastAPI",
    "package": "fastapi",
    "interface": "asgi",
    "servers": ["uvicorn"],
    "quick": [],
}

app = FastAPI()
shelves = shelve(Item)


@app.post("/orders")
async def add_order(order: Order) -> Order:
    """Answer with the order of the body."""
    return order


@app.get("/items")
async def list_items(
    category: t.Annotated[str, Query(min_length=1, max_length=40)],
    in_stock: bool = True,
    limit: t.Annotated[int, Query(ge=1, le=100)] = 10,
    offset: t.Annotated[int, Query(ge=0)] = 0,
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]
