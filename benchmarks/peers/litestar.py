"""Litestar, which can render templates from strings, and uses msgspec for JSON."""

import typing as t

from litestar import Litestar, MediaType, get, post
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template.config import TemplateConfig
from material import content

PEER = {
    "title": "Litestar",
    "package": "litestar",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}


@get("/", media_type=MediaType.HTML)
async def hello() -> str:
    """Answer with static HTML."""
    return content.HELLO


@get("/json")
async def json() -> dict[str, t.Any]:
    """Answer with the small object."""
    return content.small_object()


@post("/echo", status_code=200)
async def echo(data: dict[str, t.Any]) -> dict[str, t.Any]:
    """Answer with the JSON of the body."""
    return data


@get("/template/{name:str}", media_type=MediaType.HTML)
async def template(name: str) -> Template:
    """Answer with the greeting."""
    return Template(template_str=content.TEMPLATE, context={"name": name})


@get("/query")
async def query(name: str, count: int, tag: str) -> dict[str, t.Any]:
    """Answer with the parameters."""
    return {"name": name, "count": count, "tag": tag}


app = Litestar(
    [hello, json, echo, template, query],
    openapi_config=None,
    template_config=TemplateConfig(directory=content.TEMPLATES, engine=JinjaTemplateEngine),
)
