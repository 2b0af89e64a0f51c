"""The bare ASGI callable with msgspec by hand: the upper limit over ASGI."""

import msgspec

from peers.typed.bare import choose, decode_order, encode, read_query

PEER = {
    "title": "bare ASGI callable, msgspec",
    "package": "",
    "interface": "asgi",
    "servers": ["uvicorn"],
}


async def add_order(scope, receive, send):
    """Answer with the order of the body."""
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    try:
        order = decode_order(body)
    except msgspec.ValidationError as error:
        await refuse(send, error)
    else:
        await reply(send, 200, encode(order))


async def list_items(scope, receive, send):
    """Answer with the items that the query chooses."""
    try:
        query = read_query(scope["query_string"].decode())
    except msgspec.ValidationError as error:
        await refuse(send, error)
    else:
        await reply(send, 200, encode(choose(query)))


async def refuse(send, error):
    """Answer that a value is wrong."""
    await reply(send, 422, encode({"detail": str(error)}))


async def reply(send, status, body):
    """Send JSON."""
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


PATHS = {"/orders": add_order, "/items": list_items}


async def app(scope, receive, send):
    """Find the function of the path."""
    if scope["type"] == "http":
        await PATHS[scope["path"]](scope, receive, send)
    elif scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
