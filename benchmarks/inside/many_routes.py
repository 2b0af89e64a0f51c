"""Applications of many routes, and the requests that try how they are found.

A third of the rules is static, a third has one number, a third a number and a text, in
mixed order, as the areas of a large application have them.
"""

from __future__ import annotations

import typing as t

CASES = ("static", "dynamic", "worst", "404", "405")
FRAMEWORKS = ("costrel", "flask", "falcon", "bottle")

Kind = t.Literal["static", "number", "texts"]


def list_rules(count: int) -> list[tuple[Kind, str]]:
    """Return kind and area of each rule, in the order they are registered in."""
    kinds: tuple[Kind, ...] = ("static", "number", "texts")
    return [(kinds[number % 3], f"area{number // 3}") for number in range(count)]


def make_targets(count: int) -> dict[str, tuple[str, str, int]]:
    """Return method, path and expected status of each case.

    Static and dynamic are in the middle; the worst is the last rule, with two parameters;
    404 fails at the last segment; 405 is the worst with another method.
    """
    middle, last = f"area{count // 6}", f"area{(count - 3) // 3}"
    return {
        "static": ("GET", f"/{middle}/list", 200),
        "dynamic": ("GET", f"/{middle}/71", 200),
        "worst": ("GET", f"/{last}/71/edit/name", 200),
        "404": ("GET", f"/{last}/71/missing/name", 404),
        "405": ("PUT", f"/{last}/71/edit/name", 405),
    }


def make_app(framework: str, count: int) -> t.Any:
    """Return a WSGI application with so many routes."""
    return {
        "costrel": make_flask_like,
        "flask": make_flask_like,
        "falcon": make_falcon,
        "bottle": make_bottle,
    }[framework](framework, count)


def make_flask_like(framework: str, count: int) -> t.Any:
    """Return an application of Flask or Costrel."""
    app = __import__(framework).Flask(__name__, static_folder=None)
    for kind, area in list_rules(count):
        if kind == "static":

            @app.get(f"/{area}/list", endpoint=f"{area}-list")
            def view():
                return "static"

        elif kind == "number":

            @app.get(f"/{area}/<int:number>", endpoint=f"{area}-number")
            def view(number):
                return "number"

        else:

            @app.get(f"/{area}/<int:number>/edit/<name>", endpoint=f"{area}-edit")
            def view(number, name):
                return "texts"

    return app


def make_falcon(_framework: str, count: int) -> t.Any:
    """Return an application of Falcon."""
    import falcon

    class Static:
        def on_get(self, req, resp):
            resp.text = "static"

    class Number:
        def on_get(self, req, resp, number):
            resp.text = "number"

    class Texts:
        def on_get(self, req, resp, number, name):
            resp.text = "texts"

    app = falcon.App()
    for kind, area in list_rules(count):
        if kind == "static":
            app.add_route(f"/{area}/list", Static())
        elif kind == "number":
            app.add_route(f"/{area}/{{number:int}}", Number())
        else:
            app.add_route(f"/{area}/{{number:int}}/edit/{{name}}", Texts())
    return app


def make_bottle(_framework: str, count: int) -> t.Any:
    """Return an application of Bottle."""
    import bottle

    app = bottle.Bottle()
    for kind, area in list_rules(count):
        if kind == "static":

            @app.get(f"/{area}/list")
            def view():
                return "static"

        elif kind == "number":

            @app.get(f"/{area}/<number:int>")
            def view(number):
                return "number"

        else:

            @app.get(f"/{area}/<number:int>/edit/<name>")
            def view(number, name):
                return "texts"

    return app
