"""FastAPI with plain views, which it runs in threads."""

import typing as t

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from material import content

PEER = {
    "title": "FastAPI, sync views",
    "package": "fastapi",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = FastAPI()
greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


@app.get("/", response_class=HTMLResponse)
def hello():
    """Answer with static HTML."""
    return content.HELLO


@app.get("/json")
def json():
    """Answer with the small object."""
    return content.small_object()


@app.post("/echo")
def echo(body: dict[str, t.Any]):
    """Answer with the JSON of the body."""
    return body


@app.get("/template/{name}", response_class=HTMLResponse)
def template(name: str):
    """Answer with the greeting."""
    return greeting.render(name=name)


@app.get("/query")
def query(name: str, count: int, tag: str):
    """Answer with the parameters."""
    return {"name": name, "count": count, "tag": tag}
