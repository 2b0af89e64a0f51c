"""Costrel over ASGI, with async views."""

import asyncio

from material import content
from workloads.wait import SECONDS

from costrel import Flask, render_template_string, request, websocket

PEER = {
    "title": "Costrel, async views",
    "package": "costrel",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "quick": ["uvicorn"],
    "workloads": ["hello", "json", "echo", "template", "query", "wait"],
    "sockets": "uvicorn",
}

flask_app = Flask(__name__, static_folder=None)


@flask_app.get("/")
async def hello():
    """Answer with static HTML."""
    return content.HELLO


@flask_app.get("/json")
async def json():
    """Answer with the small object."""
    return content.small_object()


@flask_app.post("/echo")
async def echo():
    """Answer with the JSON of the body."""
    return request.get_json()


@flask_app.get("/template/<name>")
async def template(name):
    """Answer with the greeting."""
    return render_template_string(content.TEMPLATE, name=name)


@flask_app.get("/query")
async def query():
    """Answer with the parameters."""
    args = request.args
    return {"name": args["name"], "count": args.get("count", type=int), "tag": args["tag"]}


@flask_app.get("/wait")
async def wait():
    """Answer after a while."""
    await asyncio.sleep(SECONDS)
    return "Waited."


@flask_app.websocket("/socket")
async def socket():
    """Send back what comes."""
    async for message in websocket:
        await websocket.send(message)


app = flask_app.asgi
