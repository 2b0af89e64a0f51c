"""FastAPI with async views; typed parameters, templates by Jinja, sessions by Starlette."""

import typing as t

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from material import content
from material.fortunes import load_fortunes
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

PEER = {
    "title": "FastAPI",
    "package": "fastapi",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "defaults": ["uvicorn-defaults"],
}

plain = FastAPI()
templates = Environment(
    autoescape=True, auto_reload=False, loader=FileSystemLoader(content.TEMPLATES)
)
greeting = templates.from_string(content.TEMPLATE)


@plain.get("/", response_class=HTMLResponse)
async def hello():
    """Answer with static HTML."""
    return content.HELLO


@plain.get("/json")
async def json():
    """Answer with the small object."""
    return content.small_object()


@plain.post("/echo")
async def echo(body: dict[str, t.Any]):
    """Answer with the JSON of the body."""
    return body


@plain.get("/template/{name}", response_class=HTMLResponse)
async def template(name: str):
    """Answer with the greeting."""
    return greeting.render(name=name)


@plain.get("/query")
async def query(name: str, count: int, tag: str):
    """Answer with the parameters."""
    return {"name": name, "count": count, "tag": tag}


@plain.get("/items/{number}", response_class=HTMLResponse)
async def item(number: int):
    """Answer with an item, to be linked to."""
    return str(number)


@plain.get("/fortunes", response_class=HTMLResponse)
def fortunes():
    """Answer with the fortunes, in a thread, since SQLAlchemy's session blocks."""
    return templates.get_template("fortunes.html").render(fortunes=load_fortunes())


# Middleware is a whole application's: the page has one with, the other workloads one without.
class SetHeader:
    """Set one header after the view: plain ASGI, the fast way to write a middleware."""

    def __init__(self, app, name, value):
        self.app = app
        self.name = name
        self.value = value

    async def __call__(self, scope, receive, send):
        """Answer with the header added."""

        async def send_with_header(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[self.name] = self.value
            await send(message)

        await self.app(scope, receive, send_with_header)


site = FastAPI(
    middleware=[
        *(Middleware(SetHeader, name=name, value=value) for name, value in content.AFTER),
        Middleware(SessionMiddleware, secret_key=content.SECRET_KEY),
    ]
)


async def load_user(request: Request):
    """Load the user of the session before the view."""
    return content.USERS[request.session["user_id"]]


@site.get("/login", response_class=HTMLResponse)
async def login(request: Request):
    """Sign the user in."""
    request.session["user_id"] = content.LOGGED_IN
    return "Signed in."


@site.get("/page", response_class=HTMLResponse)
async def page(user: t.Annotated[content.User, Depends(load_user)]):
    """Answer with the page of the user."""
    return templates.get_template("page.html").render(user=user, rows=content.ROWS)


templates.globals["url_for"] = plain.url_path_for


async def app(scope, receive, send):
    """Choose the application."""
    chosen = site if scope.get("path") in {"/page", "/login"} else plain
    await chosen(scope, receive, send)
