"""Falcon as WSGI, compiled by Cython; templates by Jinja, since it has none."""

import falcon
from itsdangerous import URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader
from material import content
from material.fortunes import load_fortunes

PEER = {
    "title": "Falcon",
    "package": "falcon",
    "interface": "wsgi",
    "servers": ["granian"],
    "defaults": ["granian-defaults"],
    "quick": ["granian"],
}

app = falcon.App()
templates = Environment(
    autoescape=True, auto_reload=False, loader=FileSystemLoader(content.TEMPLATES)
)
greeting = templates.from_string(content.TEMPLATE)
sessions = URLSafeTimedSerializer(content.SECRET_KEY, salt="session")

# Falcon builds no URLs and has no session: both are done here by hand, as its users do.
PATHS = {
    "hello": "/",
    "json": "/json",
    "query": "/query",
    "template": "/template/{name}",
    "item": "/items/{number}",
}


def url_for(endpoint, **values):
    """Return the URL of an endpoint."""
    return PATHS[endpoint].format(**values)


templates.globals["url_for"] = url_for


class Hello:
    """Answer with static HTML."""

    def on_get(self, req, resp):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = content.HELLO


class Json:
    """Answer with the small object."""

    def on_get(self, req, resp):
        """Answer."""
        resp.media = content.small_object()


class Echo:
    """Answer with the JSON of the body."""

    def on_post(self, req, resp):
        """Answer."""
        resp.media = req.media


class Template:
    """Answer with the greeting."""

    def on_get(self, req, resp, name):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = greeting.render(name=name)


class Query:
    """Answer with the parameters."""

    def on_get(self, req, resp):
        """Answer."""
        resp.media = {
            "name": req.params["name"],
            "count": req.get_param_as_int("count"),
            "tag": req.params["tag"],
        }


class Login:
    """Sign the user in."""

    def on_get(self, req, resp):
        """Answer."""
        session = sessions.dumps({"user_id": content.LOGGED_IN})
        resp.set_cookie("session", session, secure=False, path="/")


def load_user(req, resp, resource, params):
    """Load the user of the session before the view."""
    session = sessions.loads(req.cookies["session"])
    req.context.user = content.USERS[session["user_id"]]


def set_header(req, resp, resource, name, value):
    """Set one header after the view."""
    resp.set_header(name, value)


class Page:
    """Answer with the page of the user."""

    @falcon.before(load_user)
    @falcon.after(set_header, *content.AFTER[0])
    @falcon.after(set_header, *content.AFTER[1])
    @falcon.after(set_header, *content.AFTER[2])
    def on_get(self, req, resp):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = templates.get_template("page.html").render(
            user=req.context.user, rows=content.ROWS
        )


class Fortunes:
    """Answer with the fortunes."""

    def on_get(self, req, resp):
        """Answer."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = templates.get_template("fortunes.html").render(fortunes=load_fortunes())


app.add_route("/", Hello())
app.add_route("/json", Json())
app.add_route("/echo", Echo())
app.add_route("/template/{name}", Template())
app.add_route("/query", Query())
app.add_route("/login", Login())
app.add_route("/page", Page())
app.add_route("/fortunes", Fortunes())
