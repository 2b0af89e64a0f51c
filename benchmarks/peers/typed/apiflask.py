"""APIFlask with marshmallow's schemas."""

from apiflask import APIFlask
from material.schemas import ItemQuerySchema, ItemSchema, OrderSchema
from material.shop import shelve

PEER = {
    "title": "APIFlask",
    "package": "apiflask",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
}

app = APIFlask(__name__, static_folder=None)
shelves = shelve(dict)


@app.post("/orders")
@app.input(OrderSchema)
@app.output(OrderSchema)
def add_order(json_data):
    """Answer with the order of the body."""
    return json_data


@app.get("/items")
@app.input(ItemQuerySchema, location="query")
@app.output(ItemSchema(many=True))
def list_items(query_data):
    """Answer with the items that the query chooses."""
    first, limit = query_data["offset"], query_data["limit"]
    shelf = shelves.get((query_data["category"], query_data["in_stock"]), [])
    return shelf[first : first + limit]
