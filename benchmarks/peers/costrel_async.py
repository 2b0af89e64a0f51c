"""Costrel, with coroutine functions as views, on a WSGI server."""

from material import content

from costrel import Flask, render_template_string, request

PEER = {
    "title": "Costrel WSGI, async views",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = Flask(__name__, static_folder=None)


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
    return request.get_json()


@app.get("/template/<name>")
async def template(name):
    """Answer with the greeting."""
    return render_template_string(content.TEMPLATE, name=name)


@app.get("/query")
async def query():
    """Answer with the parameters."""
    args = request.args
    return {"name": args["name"], "count": args.get("count", type=int), "tag": args["tag"]}
