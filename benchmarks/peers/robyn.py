"""Robyn, on its own server, written in Rust; templates by Jinja."""

import sys
from urllib.parse import unquote, unquote_plus

from jinja2 import Environment
from material import content
from robyn import Config, Request, Robyn, html

PEER = {
    "title": "Robyn",
    "package": "robyn",
    "interface": "own",
    "candidates": ["own"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

config = Config()
config.log_level = "WARNING"
config.disable_openapi = True
app = Robyn(__file__, config)
greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


@app.get("/")
async def hello():
    """Answer with static HTML."""
    return html(content.HELLO)


@app.get("/json")
async def json():
    """Answer with the small object."""
    return content.small_object()


@app.post("/echo")
async def echo(request: Request):
    """Answer with the JSON of the body."""
    return request.json()


@app.get("/template/:name")
async def template(request: Request):
    """Answer with the greeting; Robyn leaves the parameter percent-encoded."""
    return html(greeting.render(name=unquote(request.path_params["name"])))


@app.get("/query")
async def query(request: Request):
    """Answer with the parameters, which Robyn leaves percent-encoded too."""
    values = request.query_params
    return {
        "name": unquote_plus(values.get("name", "")),
        "count": int(values.get("count", "0")),
        "tag": unquote_plus(values.get("tag", "")),
    }


if __name__ == "__main__":
    app.start(sys.argv[1], int(sys.argv[2]))
