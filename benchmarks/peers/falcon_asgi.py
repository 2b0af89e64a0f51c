"""Falcon as ASGI; templates by Jinja, since it has none."""

import falcon
import falcon.asgi
from jinja2 import Environment
from material import content

PEER = {
    "title": "Falcon ASGI",
    "package": "falcon",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = falcon.asgi.App()
greeting = Environment(autoescape=True).from_string(content.TEMPLATE)


class Hello:
    """Answer with static HTML."""

    async def on_get(self, req, resp):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = content.HELLO


class Json:
    """Answer with the small object."""

    async def on_get(self, req, resp):
        """Answer."""
        resp.media = content.small_object()


class Echo:
    """Answer with the JSON of the body."""

    async def on_post(self, req, resp):
        """Answer."""
        resp.media = await req.get_media()


class Template:
    """Answer with the greeting."""

    async def on_get(self, req, resp, name):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = greeting.render(name=name)


class Query:
    """Answer with the parameters."""

    async def on_get(self, req, resp):
        """Answer."""
        resp.media = {
            "name": req.params["name"],
            "count": req.get_param_as_int("count"),
            "tag": req.params["tag"],
        }


app.add_route("/", Hello())
app.add_route("/json", Json())
app.add_route("/echo", Echo())
app.add_route("/template/{name}", Template())
app.add_route("/query", Query())
