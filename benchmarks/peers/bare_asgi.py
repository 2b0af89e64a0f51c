"""The bare ASGI callable: the upper limit for all others over ASGI."""

import asyncio

from material import bare, content
from workloads.wait import SECONDS

PEER = {
    "title": "bare ASGI callable",
    "package": "",
    "interface": "asgi",
    "servers": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "workloads": ["hello", "json", "echo", "template", "query", "page", "fortunes", "wait"],
    "sockets": "uvicorn",
}


async def hello(scope, receive, send):
    """Answer with static HTML."""
    await reply(send, bare.HELLO, bare.HTML)


async def json(scope, receive, send):
    """Answer with the small object."""
    await reply(send, bare.encode(content.small_object()), bare.JSON)


async def echo(scope, receive, send):
    """Answer with the JSON of the body."""
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    await reply(send, bare.encode(bare.decode(body)), bare.JSON)


async def template(scope, receive, send):
    """Answer with the greeting."""
    await reply(send, bare.answer_template(scope["path"][10:]), bare.HTML)


async def query(scope, receive, send):
    """Answer with the parameters."""
    await reply(send, bare.answer_query(scope["query_string"].decode()), bare.JSON)


async def login(scope, receive, send):
    """Answer with a signed cookie."""
    await reply(send, b"Signed in.", bare.HTML, ("Set-Cookie", bare.make_cookie()))


async def page(scope, receive, send):
    """Answer with the page of the user."""
    cookies = next(value for name, value in scope["headers"] if name == b"cookie")
    await reply(send, bare.answer_page(cookies.decode()), bare.HTML, *content.AFTER)


async def fortunes(scope, receive, send):
    """Answer with the fortunes."""
    await reply(send, bare.answer_fortunes(), bare.HTML)


async def wait(scope, receive, send):
    """Answer after a while."""
    await asyncio.sleep(SECONDS)
    await reply(send, b"Waited.", bare.HTML)


async def converse(receive, send):
    """Send back what comes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def reply(send, body, content_type, *headers):
    """Send a body."""
    fields = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    fields += [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


PATHS = {
    "/": hello,
    "/json": json,
    "/echo": echo,
    "/query": query,
    "/login": login,
    "/page": page,
    "/fortunes": fortunes,
    "/wait": wait,
}


async def app(scope, receive, send):
    """Find the function of the path; any other path is the template's."""
    if scope["type"] == "http":
        await PATHS.get(scope["path"], template)(scope, receive, send)
    elif scope["type"] == "websocket":
        await converse(receive, send)
    elif scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
