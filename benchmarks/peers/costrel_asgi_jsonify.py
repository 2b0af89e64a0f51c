"""Costrel over ASGI, with async views that return `jsonify(...)`."""

from material import content

from costrel import Flask, jsonify, request

PEER = {
    "title": "Costrel, async views, jsonify",
    "package": "costrel",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "workloads": ["json", "echo", "query"],
    "twin_of": "costrel_asgi",
}

flask_app = Flask(__name__, static_folder=None)


@flask_app.get("/")
async def hello():
    """Answer with static HTML: the workload that servers are tried with."""
    return content.HELLO


@flask_app.get("/json")
async def json():
    """Answer with the small object."""
    return jsonify(content.small_object())


@flask_app.post("/echo")
async def echo():
    """Answer with the JSON of the body."""
    return jsonify(request.get_json())


@flask_app.get("/query")
async def query():
    """Answer with the parameters."""
    args = request.args
    return jsonify(name=args["name"], count=args.get("count", type=int), tag=args["tag"])


app = flask_app.asgi
