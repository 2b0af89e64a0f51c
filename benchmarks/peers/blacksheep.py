"""BlackSheep, compiled by Cython; its templates come from files, so this one is Jinja's."""

from blacksheep import Application, Request, html
from blacksheep.server.responses import json as json_response
from jinja2 import Environment
from material import content

PEER = {
    "title": "BlackSheep",
    "package": "blacksheep",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = Application()
greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


@app.router.get("/")
async def hello():
    """Answer with static HTML."""
    return html(content.HELLO)


@app.router.get("/json")
async def json():
    """Answer with the small object."""
    return json_response(content.small_object())


@app.router.post("/echo")
async def echo(request: Request):
    """Answer with the JSON of the body."""
    return json_response(await request.json())


@app.router.get("/template/{name}")
async def template(name: str):
    """Answer with the greeting."""
    return html(greeting.render(name=name))


@app.router.get("/query")
async def query(name: str, count: int, tag: str):
    """Answer with the parameters."""
    return json_response({"name": name, "count": count, "tag": tag})
