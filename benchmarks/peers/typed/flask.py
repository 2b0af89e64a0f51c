"""Flask with marshmallow, called in the views."""

from flask import Flask, request
from marshmallow import ValidationError
from material.schemas import ItemQuerySchema, ItemSchema, OrderSchema
from material.shop import shelve

PEER = {
    "title": "Flask, marshmallow",
    "package": "flask",
    "interface": "wsgi",
    "servers": ["granian"],
}

app = Flask(__name__, static_folder=None)
shelves = shelve(dict)
order_schema, items_schema = OrderSchema(), ItemSchema(many=True)
item_query_schema = ItemQuerySchema()


@app.errorhandler(ValidationError)
def refuse(error):
    """Answer that values are wrong."""
    return {"errors": error.messages}, 422


@app.post("/orders")
def add_order():
    """Answer with the order of the body."""
    order = order_schema.load(request.get_json())
    return order_schema.dump(order)


@app.get("/items")
def list_items():
    """Answer with the items that the query chooses."""
    query = item_query_schema.load(request.args)
    shelf = shelves.get((query["category"], query["in_stock"]), [])
    return items_schema.dump(shelf[query["offset"] : query["offset"] + query["limit"]])
