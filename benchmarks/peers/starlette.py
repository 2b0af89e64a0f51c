"""Starlette; its templates come from files, so the one from a string is Jinja's."""

from jinja2 import Environment
from material import content
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute

PEER = {
    "title": "Starlette",
    "package": "starlette",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "workloads": ["hello", "json", "echo", "template", "query"],
    "sockets": "uvicorn",
}

greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


async def hello(request):
    """Answer with static HTML."""
    return HTMLResponse(content.HELLO)


async def json(request):
    """Answer with the small object."""
    return JSONResponse(content.small_object())


async def echo(request):
    """Answer with the JSON of the body."""
    return JSONResponse(await request.json())


async def template(request):
    """Answer with the greeting."""
    return HTMLResponse(greeting.render(name=request.path_params["name"]))


async def query(request):
    """Answer with the parameters."""
    values = request.query_params
    return JSONResponse(
        {"name": values["name"], "count": int(values["count"]), "tag": values["tag"]}
    )


async def socket(websocket):
    """Send back what comes."""
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/json", json),
        Route("/echo", echo, methods=["POST"]),
        Route("/template/{name}", template),
        Route("/query", query),
        WebSocketRoute("/socket", socket),
    ]
)
