"""Applications whose source works on both Flask and Costrel."""

from __future__ import annotations

import os
import typing as t
from collections import Counter
from types import ModuleType

from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, ValidationError

from .views import add_views_of_requests, add_views_of_responses, add_views_of_sessions

APPS = ("plain", "hooked", "named", "proxied")
SECRET = "known to the test"
PROXIES = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 1, "x_prefix": 1}
LIMIT_BYTES = 2_000
"""``MAX_CONTENT_LENGTH`` of the application with hooks."""

teardowns: Counter[str] = Counter()
"""How often each application's teardown function ran in this process."""


class ListConverter(BaseConverter):
    """Convert non-empty items separated by plus signs."""

    def to_python(self, value: str) -> t.Any:
        items = value.split("+")
        if "" in items:
            raise ValidationError
        return items

    def to_url(self, value: t.Any) -> str:
        return "+".join(super(ListConverter, self).to_url(item) for item in value)


def make_files(folder: str) -> None:
    """Write the static files that every application serves, with fixed times."""
    files = {
        "a.txt": b"text of ten lines\n" * 10,
        "empty.css": b"",
        "\xe9 \u263a.html": b"<p>\xc3\xa9</p>",
        "sub/index.html": b"<p>",
        "data.bin": bytes(range(256)) * 300,
    }
    for name, content in files.items():
        path = os.path.join(folder, "static", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (1_600_000_000, 1_600_000_000.5))


def make_apps(flask: ModuleType, folder: str) -> dict[str, t.Any]:
    """Create the applications: views only, all hooks, trusted hosts, and behind a proxy."""
    plain = new_app(flask, "plain", folder)
    hooked = new_app(flask, "hooked", folder)
    hooked.config.update(
        MAX_CONTENT_LENGTH=LIMIT_BYTES,
        MAX_FORM_MEMORY_SIZE=500,
        MAX_FORM_PARTS=5,
        SESSION_REFRESH_EACH_REQUEST=False,
        APPLICATION_ROOT="/root",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=True,
        SEND_FILE_MAX_AGE_DEFAULT=60,
    )
    hooked.json.sort_keys = False
    add_hooks(flask, hooked)
    named = new_app(flask, "named", folder, subdomain_matching=True)
    named.config.update(
        SERVER_NAME="example.test",
        TRUSTED_HOSTS=["example.test", ".example.test"],
        PREFERRED_URL_SCHEME="https",
    )

    @named.route("/", subdomain="<user>")
    @named.route("/deep/<int:n>", subdomain="<user>")
    def at_home(user: str, n: int = 0) -> t.Any:
        return [user, n, flask.url_for("at_home", user="x", n=1), flask.url_for("index")]

    proxied = new_app(flask, "proxied", folder)
    proxied.wsgi_app = ProxyFix(proxied.wsgi_app, **PROXIES)
    return {"plain": plain, "hooked": hooked, "named": named, "proxied": proxied}


def new_app(flask: ModuleType, name: str, folder: str, **options: t.Any) -> t.Any:
    """Create an application with all the views."""
    app = flask.Flask(name, root_path=folder, **options)
    app.secret_key = SECRET
    app.logger.disabled = True
    app.url_map.converters["list"] = ListConverter
    add_views_of_requests(flask, app)
    add_views_of_responses(flask, app)
    add_views_of_sessions(flask, app)
    add_routes(flask, app)
    app.register_blueprint(make_blueprint(flask))
    return app


def add_routes(flask: ModuleType, app: t.Any) -> None:
    """Add rules of every kind; their views show what matched."""
    rules: list[tuple[str, dict[str, t.Any]]] = [
        ("/int/<int:n>", {}),
        ("/int/<int:n>/", {}),
        ("/signed/<int(signed=True, max=5):n>", {}),
        ("/fixed/<int(fixed_digits=3):n>", {}),
        ("/float/<float:x>", {}),
        ("/float/<float(signed=True):x>/s", {}),
        ("/uuid/<uuid:u>", {}),
        ("/any/<any(a, 'b c', d):k>", {}),
        ("/path/<path:p>/end", {}),
        ("/path/<path:p>", {}),
        ("/three/<string(length=3):s>", {}),
        ("/short/<string(maxlength=4):s>.<ext>", {}),
        ("/list/<list:xs>", {}),
        ("/\xe9/<x>", {}),
        ("/\u263a", {}),
        ("/%20/x", {}),
        ("/a b", {}),
        ("/branch/", {}),
        ("/branch/<x>/", {"methods": ["GET", "POST"]}),
        ("/leaf", {}),
        ("/lax/", {"strict_slashes": False}),
        ("/lax/<x>", {"strict_slashes": False}),
        ("/slashes//x", {"merge_slashes": False}),
        ("/pages/", {"defaults": {"page": 1}, "endpoint": "pages"}),
        ("/pages/page/<int:page>", {"endpoint": "pages"}),
        ("/old/<x>", {"redirect_to": "/leaf?was=<x>"}),
        ("/no-options", {"provide_automatic_options": False}),
        ("/own-options", {"methods": ["OPTIONS", "GET"]}),
        ("/made-up", {"methods": ["MADE-UP", "X"]}),
        ("/post", {"methods": ["POST"]}),
        ("/put", {"methods": ["PUT", "DELETE"]}),
        ("/same", {"methods": ["GET"], "endpoint": "same-get"}),
        ("/same", {"methods": ["POST"], "endpoint": "same-post"}),
        ("/one/<a>/<b>", {}),
        ("/one/<a>/fixed", {}),
        ("/one/<path:a>/<int:b>", {}),
        ("/built", {"build_only": True}),
    ]

    def show(**values: t.Any) -> t.Any:
        rule = flask.request.url_rule
        return {"rule": rule.rule, "values": {key: repr(value) for key, value in values.items()}}

    for number, (rule, options) in enumerate(rules):
        app.add_url_rule(rule, view_func=show, **{"endpoint": f"rule{number}", **options})

    class Item(flask.views.MethodView):
        init_every_request = False

        def get(self, n: int) -> t.Any:
            return f"got {n}"

        def delete(self, n: int) -> t.Any:
            return "", 204

        def options(self, n: int) -> t.Any:
            return "own options"

    class Old(flask.views.View):
        methods: t.ClassVar = ["GET", "POST"]

        def dispatch_request(self) -> t.Any:
            return f"old {flask.request.method}"

    app.add_url_rule("/item/<int:n>", view_func=Item.as_view("item"))
    app.add_url_rule("/old-view", view_func=Old.as_view("old"))

    @app.route("/urls")
    def urls() -> t.Any:
        args = flask.request.args.to_dict()
        given = {key[:8]: value for key, value in args.items() if not key.startswith("_")}
        return [
            flask.url_for("echo", _external=True, **given),
            flask.url_for("echo", rest=args.get("rest", "\xe9/ x?"), _anchor=args.get("_a")),
            flask.url_for("static", filename="a b.txt", _external=True, _scheme="https"),
            flask.url_for("pages", page=1),
            flask.url_for("pages", page=2, _method="GET"),
            flask.url_for("bp.page", word="x"),
            flask.url_for(".index", **given),
        ]

    @app.route("/url/<endpoint>")
    def url(endpoint: str) -> t.Any:
        return flask.url_for(endpoint, **flask.request.args.to_dict())


def make_blueprint(flask: ModuleType) -> t.Any:  # noqa: C901  many hooks
    """Create a blueprint with hooks, handlers, a variable prefix and a nested blueprint."""
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp/<lang>")
    inner = flask.Blueprint("inner", __name__, url_prefix="/inner")

    @bp.url_value_preprocessor
    def take(_endpoint: str, values: dict[str, t.Any]) -> None:
        flask.g.lang = values.pop("lang")
        if flask.g.lang == "none":
            flask.abort(404, "no such language")

    @bp.url_defaults
    def give(_endpoint: str, values: dict[str, t.Any]) -> None:
        values.setdefault("lang", flask.g.get("lang", "default"))

    @bp.before_request
    def before() -> t.Any:
        return "stopped" if "stop" in flask.request.args else None

    @bp.after_request
    def after(response: t.Any) -> t.Any:
        response.headers["X-Lang"] = (
            flask.g.get("lang", "unset").encode("ascii", "replace").decode()
        )
        return response

    @bp.errorhandler(KeyError)
    def on_key(error: KeyError) -> t.Any:
        return f"key {error.args}", 418

    @bp.errorhandler(404)
    def on_404(error: t.Any) -> t.Any:
        return f"not here: {error.description}", 404

    @bp.route("/page/<word>", methods=["GET", "POST"])
    def page(word: str) -> t.Any:
        return [flask.g.lang, word, flask.url_for(".page", word="y"), flask.request.blueprint]

    @bp.route("/fail/<kind>")
    def fail(kind: str) -> t.Any:
        if kind == "404":
            flask.abort(404)
        raise {"key": KeyError, "value": ValueError}.get(kind, TypeError)(kind)

    @inner.route("/")
    def home() -> t.Any:
        return flask.render_template_string("{{ g.lang }} {{ request.blueprints }}")

    bp.register_blueprint(inner)
    return bp


def add_hooks(flask: ModuleType, app: t.Any) -> None:  # noqa: C901  many hooks
    """Add every kind of hook and handler to an application."""
    request = flask.request

    @app.before_request
    def before() -> t.Any:
        if {*flask.g} - {"lang"}:
            return "g of another request", 599
        flask.g.x = request.path
        if "X-Stop" in request.headers:
            return {"stopped": request.headers["X-Stop"]}, 203
        if "X-Fail" in request.headers:
            raise LookupError(request.headers["X-Fail"])
        return None

    @app.after_request
    def after(response: t.Any) -> t.Any:
        response.headers["X-After"] = f"{response.status_code} {flask.g.get('x') == request.path}"
        response.headers.add("X-Each", "1")
        return response

    @app.teardown_request
    def tear_down_request(_error: BaseException | None) -> None:
        flask.g.pop("x", None)

    @app.teardown_appcontext
    def tear_down(_error: BaseException | None) -> None:
        teardowns[app.name] += 1

    @app.context_processor
    def add_names() -> dict[str, t.Any]:
        return {"a": "processed"}

    @app.errorhandler(404)
    def on_404(error: t.Any) -> t.Any:
        return {"missing": request.path, "why": error.description}, 404

    @app.errorhandler(405)
    def on_405(error: t.Any) -> t.Any:
        return f"not {request.method}: {sorted(error.valid_methods or ())}", 405

    @app.errorhandler(ValueError)
    def on_value(error: ValueError) -> t.Any:
        return f"value {error}", 422

    @app.errorhandler(500)
    def on_500(error: t.Any) -> t.Any:
        return f"failed: {type(error.original_exception).__name__}", 500

    @app.errorhandler(HTTPException)
    def on_http(error: t.Any) -> t.Any:
        return {"code": error.code, "name": error.name}, error.code
