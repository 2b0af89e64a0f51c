"""Quart, Flask's interface made asynchronous."""

from material import content
from quart import Quart, render_template_string, request, websocket

PEER = {
    "title": "Quart",
    "package": "quart",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "workloads": ["hello", "json", "echo", "template", "query"],
    "sockets": "uvicorn",
}

app = Quart(__name__, static_folder=None)


@app.get("/")
async def hello():
    """Answer with static HTML."""
    return content.HELLO


@app.get("/json")
async def json():
    """Answer with the small object."""
    return content.small_object()


@app.post("/echo")
async def echo():
    """Answer with the JSON of the body."""
    return await request.get_json()


@app.get("/template/<name>")
async def template(name):
    """Answer with the greeting."""
    return await render_template_string(content.TEMPLATE, name=name)


@app.get("/query")
async def query():
    """Answer with the parameters."""
    args = request.args
    return {"name": args["name"], "count": args.get("count", type=int), "tag": args["tag"]}


@app.websocket("/socket")
async def socket():
    """Send back what comes."""
    while True:
        await websocket.send(await websocket.receive())
