"""The application that Flask and Costrel run: the same lines, with either's names."""

from __future__ import annotations

import types
import typing as t

from material import content
from material.fortunes import load_fortunes


def make_app(module: types.ModuleType, *, jsonify: bool = False, kind: str = "Flask") -> t.Any:
    """Build the application with the names of `module`, which is flask or costrel.

    With `jsonify` the views of JSON return `jsonify(...)`, and otherwise dictionaries. `kind` is
    the name of the application's class.
    """
    g, session = module.g, module.session
    render_template = module.render_template
    render_template_string = module.render_template_string
    make = getattr(module, kind)
    app = make(__name__, static_folder=None, template_folder=content.TEMPLATES)
    app.config["SECRET_KEY"] = content.SECRET_KEY

    @app.get("/")
    def hello():
        return content.HELLO

    (add_jsonify if jsonify else add_dictionaries)(app, module)

    @app.get("/template/<name>")
    def template(name):
        return render_template_string(content.TEMPLATE, name=name)

    @app.get("/items/<int:number>")
    def item(number):
        return str(number)

    @app.get("/login")
    def login():
        session["user_id"] = content.LOGGED_IN
        return "Signed in."

    @app.get("/fortunes")
    def fortunes():
        return render_template("fortunes.html", fortunes=load_fortunes())

    # The hooks belong to the page alone: the other workloads are measured without.
    site = module.Blueprint("site", __name__)

    @site.before_request
    def load_user():
        g.user = content.USERS[session["user_id"]]

    for name, value in content.AFTER:

        @site.after_request
        def set_header(response, name=name, value=value):
            response.headers[name] = value
            return response

    @site.get("/page")
    def page():
        return render_template("page.html", user=g.user, rows=content.ROWS)

    app.register_blueprint(site)
    return app


def add_dictionaries(app: t.Any, module: types.ModuleType) -> None:
    """Add the views of JSON, as dictionaries."""
    request = module.request

    @app.get("/json")
    def json():
        return content.small_object()

    @app.post("/echo")
    def echo():
        return request.get_json()

    @app.get("/query")
    def query():
        args = request.args
        return {"name": args["name"], "count": args.get("count", type=int), "tag": args["tag"]}


def add_jsonify(app: t.Any, module: types.ModuleType) -> None:
    """Add the views of JSON, as responses made by `jsonify`."""
    request, jsonify = module.request, module.jsonify

    @app.get("/json")
    def json():
        return jsonify(content.small_object())

    @app.post("/echo")
    def echo():
        return jsonify(request.get_json())

    @app.get("/query")
    def query():
        args = request.args
        return jsonify(name=args["name"], count=args.get("count", type=int), tag=args["tag"])
