"""Costrel by ASGI, with coroutine functions as views."""

from material import content

from costrel import Flask, render_template_string, request

PEER = {
    "title": "Costrel, async views",
    "package": "costrel",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "quick": ["uvicorn"],
    "workloads": ["hello", "json", "echo", "template", "query"],
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


app = flask_app.asgi
