"""Bottle, with its own templates and signed cookies."""

import bottle
from material import content
from material.fortunes import load_fortunes

PEER = {
    "title": "Bottle",
    "package": "bottle",
    "interface": "wsgi",
    "servers": ["granian"],
    "defaults": ["granian-defaults"],
    "quick": ["granian"],
}

app = bottle.Bottle()
LOOKUP = [content.TEMPLATES]
SETTINGS = {"autoescape": True, "auto_reload": False, "globals": {"url_for": app.get_url}}


def render(name, **values):
    """Render a Jinja file, as Bottle's adapter does; it is cached by Bottle."""
    return bottle.jinja2_template(
        name,
        template_lookup=LOOKUP,
        template_settings=SETTINGS,
        **values,
    )


@app.get("/", name="hello")
def hello():
    """Answer with static HTML."""
    return content.HELLO


@app.get("/json", name="json")
def json():
    """Answer with the small object."""
    return content.small_object()


@app.post("/echo")
def echo():
    """Answer with the JSON of the body."""
    return bottle.request.json


@app.get("/template/<name>", name="template")
def template(name):
    """Answer with the greeting; Bottle caches templates by their source."""
    return bottle.template(content.TEMPLATE, name=name)


@app.get("/query", name="query")
def query():
    """Answer with the parameters."""
    values = bottle.request.query
    return {"name": values.name, "count": int(values.count), "tag": values.tag}


@app.get("/items/<number:int>", name="item")
def item(number):
    """Answer with an item, to be linked to."""
    return str(number)


@app.get("/login")
def login():
    """Sign the user in."""
    session = {"user_id": content.LOGGED_IN}
    bottle.response.set_cookie("session", session, secret=content.SECRET_KEY, httponly=True)
    return "Signed in."


@app.get("/fortunes")
def fortunes():
    """Answer with the fortunes."""
    return render("fortunes.html", fortunes=load_fortunes())


def load_user(view):
    """Load the user of the session before the view."""

    def with_user(*arguments, **values):
        session = bottle.request.get_cookie("session", secret=content.SECRET_KEY)
        bottle.request.user = content.USERS[session["user_id"]]
        return view(*arguments, **values)

    return with_user


def set_header(header, value):
    """Set one header after the view."""

    def after(view):
        def with_header(*arguments, **values):
            body = view(*arguments, **values)
            bottle.response.set_header(header, value)
            return body

        return with_header

    return after


# Bottle's hooks are the whole application's; what one route needs, its plugins do.
@app.get("/page", apply=[*(set_header(*pair) for pair in content.AFTER), load_user])
def page():
    """Answer with the page of the user."""
    return render("page.html", user=bottle.request.user, rows=content.ROWS)
