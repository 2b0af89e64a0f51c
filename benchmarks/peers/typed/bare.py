"""The bare WSGI callable with msgspec by hand: the upper limit for typed views."""

from urllib.parse import parse_qsl

import msgspec
from material.shop import shelve
from material.structs import Item, ItemQuery, Order

PEER = {
    "title": "bare callable, msgspec",
    "package": "",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": ["granian"],
}

encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(Order).decode
shelves = shelve(Item)


def add_order(environ, start_response):
    """Answer with the order of the body."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    try:
        order = decode_order(body)
    except msgspec.ValidationError as error:
        return refuse(start_response, error)
    return send(start_response, "200 OK", encode(order))


def list_items(environ, start_response):
    """Answer with the items that the query chooses."""
    try:
        query = read_query(environ["QUERY_STRING"])
    except msgspec.ValidationError as error:
        return refuse(start_response, error)
    return send(start_response, "200 OK", encode(choose(query)))


def read_query(text):
    """Return the values of a query."""
    return msgspec.convert(dict(parse_qsl(text)), ItemQuery, strict=False)


def choose(query):
    """Return the items that a query chooses."""
    items = shelves.get((query.category, query.in_stock), [])
    return items[query.offset : query.offset + query.limit]


def refuse(start_response, error):
    """Answer that a value is wrong."""
    return send(start_response, "422 Unprocessable Entity", encode({"detail": str(error)}))


def send(start_response, status, body):
    """Send JSON."""
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, fields)
    return [body]


PATHS = {"/orders": add_order, "/items": list_items}


def app(environ, start_response):
    """Find the function of the path."""
    return PATHS[environ["PATH_INFO"]](environ, start_response)
