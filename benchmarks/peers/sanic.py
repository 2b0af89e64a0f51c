"""Sanic, also on its own server; its templates come from files, so this one is Jinja's."""

import sys

from jinja2 import Environment
from material import content
from sanic import Sanic, html
from sanic import json as json_response

PEER = {
    "title": "Sanic",
    "package": "sanic",
    "interface": "asgi",
    "in_process": [],
    "candidates": ["own", "uvicorn", "granian-asgi"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = Sanic("peer", configure_logging=False)
greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


@app.get("/")
async def hello(request):
    """Answer with static HTML."""
    return html(content.HELLO)


@app.get("/json")
async def json(request):
    """Answer with the small object."""
    return json_response(content.small_object())


@app.post("/echo")
async def echo(request):
    """Answer with the JSON of the body."""
    return json_response(request.json)


@app.get("/template/<name>", unquote=True)
async def template(request, name):
    """Answer with the greeting."""
    return html(greeting.render(name=name))


@app.get("/query")
async def query(request):
    """Answer with the parameters."""
    values = request.args
    return json_response(
        {"name": values.get("name"), "count": int(values.get("count")), "tag": values.get("tag")}
    )


if __name__ == "__main__":
    app.run(sys.argv[1], int(sys.argv[2]), single_process=True, access_log=False, motd=False)
