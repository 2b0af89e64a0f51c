"""The work of each workload without a framework: what no framework can be faster than.

JSON by msgspec, templates by Jinja, sessions by itsdangerous, and nothing that a request
does not need: no routing but one dictionary, no methods, no errors.
"""

from __future__ import annotations

import functools
import typing as t
from urllib.parse import parse_qsl, quote

import msgspec
from itsdangerous import URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader

from material import content
from material.fortunes import load_fortunes

HTML = "text/html; charset=utf-8"
JSON = "application/json"

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode
HELLO = content.HELLO.encode()
templates = Environment(
    autoescape=True, auto_reload=False, loader=FileSystemLoader(content.TEMPLATES)
)
greeting = templates.from_string(content.TEMPLATE)
sessions = URLSafeTimedSerializer(content.SECRET_KEY, salt="session")

URLS: dict[str, t.Callable[..., str]] = {
    "hello": lambda: "/",
    "json": lambda: "/json",
    "query": lambda: "/query",
    "template": lambda name: f"/template/{quote(name)}",
    "item": lambda number: f"/items/{int(number)}",
}


def url_for(endpoint: str, **values: t.Any) -> str:
    """Return the URL of an endpoint, relative."""
    return URLS[endpoint](**values)


templates.globals["url_for"] = url_for
find_template = functools.cache(templates.get_template)


def answer_template(name: str) -> bytes:
    """Return the greeting."""
    return greeting.render(name=name).encode()


def answer_query(query: str) -> bytes:
    """Return the parameters as JSON."""
    values = dict(parse_qsl(query))
    return encode({"name": values["name"], "count": int(values["count"]), "tag": values["tag"]})


def read_cookie(cookies: str) -> int:
    """Return the id of the user that the signed cookie names."""
    return sessions.loads(cookies.partition("session=")[2].partition(";")[0])["user_id"]


def make_cookie() -> str:
    """Return a `Set-Cookie` that signs a user in."""
    value = sessions.dumps({"user_id": content.LOGGED_IN})
    return f"session={value}; HttpOnly; Path=/"


def answer_page(cookies: str) -> bytes:
    """Return the page for the user of the session."""
    user = content.USERS[read_cookie(cookies)]
    return find_template("page.html").render(user=user, rows=content.ROWS).encode()


def answer_fortunes() -> bytes:
    """Return the fortunes."""
    return find_template("fortunes.html").render(fortunes=load_fortunes()).encode()
