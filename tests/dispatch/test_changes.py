"""Registries, classes and settings may change at any time, and requests see it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from served import as_index, ask, served_app
from werkzeug.exceptions import Gone, NotFound
from werkzeug.routing import Rule

from costrel import Blueprint, Flask, Response, g, request, request_started
from costrel.dispatch.plan import Engine
from costrel.sessions import SecureCookieSession, SessionInterface

# Views


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    "replace",
    [
        lambda views, f: views.__setitem__("index", f),
        lambda views, f: views.update(index=f),
        lambda views, f: views.__ior__({"index": f}),
        lambda views, f: (views.pop("index"), views.setdefault("index", f)),
    ],
)
def test_replaced_view_is_called(replace):
    """COMPAT(prometheus-flask-exporter): the registry is read for each request."""
    app = served_app()
    original = app.view_functions["index"]
    replace(app.view_functions, lambda: f"wrapped {original()}")
    assert ask(app) == (200, "wrapped index")


@pytest.mark.usefixtures("path")
def test_registry_of_views_may_be_another_dict():
    """COMPAT(Flask-Injector): a plain dict in its place works, and may change."""
    app = served_app()
    views = {"index": lambda: "one"}
    app.view_functions = views
    assert ask(app) == (200, "one")
    views["index"] = lambda: "two"
    assert ask(app) == (200, "two")


@pytest.mark.usefixtures("path")
def test_view_that_is_gone_is_a_500():
    """A rule without a view is an error like any other."""
    app = served_app()
    app.view_functions.clear()
    assert ask(app)[0] == 500


@pytest.mark.usefixtures("path")
def test_rule_added_later_is_matched():
    """COMPAT: a rule put on the map itself is served, also after requests."""
    app = served_app()
    assert ask(app, "/late")[0] == 404
    app.url_map.add(Rule("/late", endpoint="late"))
    app.view_functions["late"] = lambda: "late"
    assert ask(app, "/late") == (200, "late")


@pytest.mark.usefixtures("path")
def test_view_replaced_by_a_hook_is_called_in_the_same_request():
    """What a hook puts into the registry counts for the view that follows."""
    app = served_app()
    app.before_request_funcs[None].append(
        lambda: app.view_functions.__setitem__("index", lambda: "swapped")
    )
    assert ask(app) == (200, "swapped")


# Hooks


def log_hooks(app):
    """Make functions that log their names, for each kind of hook."""
    app.log = []

    def before(name):
        return lambda: app.log.append(name)

    def after(name):
        return lambda response: (app.log.append(name), response)[1]

    def teardown(name):
        return lambda error: app.log.append(name)

    def preprocess(name):
        return lambda endpoint, values: app.log.append(name)

    return {
        "before_request_funcs": before,
        "after_request_funcs": after,
        "teardown_request_funcs": teardown,
        "url_value_preprocessors": preprocess,
    }


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    "registry",
    [
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "url_value_preprocessors",
    ],
)
def test_hooks_changed_in_any_way_are_seen(registry):
    """COMPAT: append, insert at 0, remove by identity, replace: all between requests."""
    app = served_app()
    make = log_hooks(app)[registry]
    backwards = registry in {"after_request_funcs", "teardown_request_funcs"}
    hooks = getattr(app, registry)
    one, two, three = make("one"), make("two"), make("three")

    def ran():
        app.log.clear()
        ask(app)
        return app.log[::-1] if backwards else app.log

    hooks.setdefault(None, []).append(one)
    assert ran() == ["one"]
    hooks[None].insert(0, two)
    assert ran() == ["two", "one"]
    hooks[None] += [three]
    assert ran() == ["two", "one", "three"]
    hooks[None].remove(one)
    assert ran() == ["two", "three"]
    hooks[None][:] = [one]
    assert ran() == ["one"]
    hooks[None] = plain = [two, one]
    assert ran() == ["two", "one"]
    plain.append(three)
    assert ran() == ["two", "one", "three"]
    setattr(app, registry, {None: [one]})
    assert ran() == ["one"]
    getattr(app, registry)[None].append(two)
    assert ran() == ["one", "two"]


@pytest.mark.usefixtures("path")
def test_appcontext_teardowns_changed_in_any_way_are_seen():
    """The list of the application is read each time as well."""
    app = served_app()
    make = log_hooks(app)["teardown_request_funcs"]

    def ran():
        app.log.clear()
        ask(app)
        return app.log

    app.teardown_appcontext_funcs.append(make("one"))
    assert ran() == ["one"]
    app.teardown_appcontext_funcs.insert(0, make("two"))
    assert ran() == ["one", "two"]
    app.teardown_appcontext_funcs = plain = [make("three")]
    assert ran() == ["three"]
    plain.append(make("four"))
    assert ran() == ["four", "three"]


@pytest.mark.usefixtures("path")
def test_hooks_of_a_blueprint_changed_later_are_seen():
    """COMPAT(Flask-Injector): the application's registries have the blueprint's name as key."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__)
    bp.get("/bp", endpoint="v")(lambda: "bp")
    app.register_blueprint(bp)
    app.get("/app", endpoint="v")(lambda: "app")
    make = log_hooks(app)["before_request_funcs"]
    ask(app, "/bp")
    app.before_request_funcs["bp"].append(make("one"))
    app.before_request_funcs["bp"].insert(0, make("two"))
    ask(app, "/app")
    assert app.log == []
    ask(app, "/bp")
    assert app.log == ["two", "one"]


@pytest.mark.usefixtures("path")
def test_before_hook_added_by_a_before_hook_runs_in_the_same_request():
    """The list is followed while it grows."""
    app = served_app()
    make = log_hooks(app)["before_request_funcs"]
    hooks = app.before_request_funcs[None]

    def first():
        app.log.append("first")
        hooks.append(make("late"))

    hooks.append(first)
    ask(app)
    assert app.log == ["first", "late"]
    app.log.clear()
    hooks[:] = [first, make("second")]
    ask(app)
    assert app.log == ["first", "second", "late"]


@pytest.mark.usefixtures("path")
def test_before_hook_added_by_a_before_hook_may_answer():
    """It is one like the others: what it returns is the response."""
    app = served_app()
    hooks = app.before_request_funcs[None]
    hooks.append(lambda: hooks.append(lambda: "late answer"))
    assert ask(app) == (200, "late answer")


@pytest.mark.usefixtures("path")
def test_before_hook_added_by_a_value_preprocessor_runs_in_the_same_request():
    """The hooks are read after the preprocessors ran."""
    app = served_app()
    make = log_hooks(app)["before_request_funcs"]
    app.url_value_preprocessors[None].append(
        lambda endpoint, values: app.before_request_funcs[None].append(make("late"))
    )
    ask(app)
    assert app.log == ["late"]


@pytest.mark.usefixtures("path")
def test_before_hook_that_removes_itself_runs_once():
    """COMPAT: the way to run something before the first request only."""
    app = served_app()
    make = log_hooks(app)["before_request_funcs"]
    hooks = app.before_request_funcs[None]

    def once():
        app.log.append("once")
        hooks.remove(once)

    hooks.extend([make("first"), once])
    ask(app)
    ask(app)
    assert app.log == ["first", "once", "first"]


@pytest.mark.usefixtures("path")
def test_hooks_cleared_by_a_hook_do_not_run():
    """What was taken away while others ran does not run any more."""
    app = served_app()
    make = log_hooks(app)["before_request_funcs"]
    hooks = app.before_request_funcs[None]
    hooks.extend([hooks.clear, make("second")])
    ask(app)
    assert app.log == []


@pytest.mark.usefixtures("path")
def test_after_hook_added_by_the_view_runs_on_its_own_response():
    """COMPAT(Flask-Caching): it may take itself away again, in each request."""
    app = served_app()

    @as_index(app)
    def index():
        def mark(response):
            app.after_request_funcs[None].remove(mark)
            response.headers["X-Mark"] = "1"
            return response

        app.after_request_funcs.setdefault(None, []).append(mark)
        return "index"

    client = app.test_client()
    for _ in range(3):
        assert client.get("/").headers["X-Mark"] == "1"
    assert "X-Mark" not in client.get("/a/view").headers
    assert app.after_request_funcs[None] == []


@pytest.mark.usefixtures("path")
def test_teardown_added_by_the_view_runs_for_its_own_request():
    """The registry is read when the request is left."""
    app = served_app()
    make = log_hooks(app)["teardown_request_funcs"]

    @as_index(app)
    def index():
        app.teardown_request_funcs[None].append(make("request"))
        app.teardown_appcontext_funcs.append(make("app"))
        return "index"

    ask(app)
    assert app.log == ["request", "app"]


# What a hook may do to the match


@pytest.mark.usefixtures("path")
def test_rule_that_a_hook_names_instead_is_the_one_that_counts():
    """The endpoint alone may change, with the values as they are."""
    app = served_app()
    app.view_functions["other"] = lambda name: f"other {name}"
    other = Rule("/other/<name>", endpoint="other")
    app.url_map.add(other)
    app.before_request_funcs[None].append(lambda: setattr(request, "url_rule", other))
    assert ask(app, "/a/view") == (200, "other a")


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("how", ["hook", "preprocessor", "signal"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda app: request.view_args.update(name="changed"), (200, "changed")),
        (lambda app: setattr(request, "view_args", {"name": "new"}), (200, "new")),
        (lambda app: setattr(request, "routing_exception", Gone()), (410, None)),
        (
            lambda app: (
                setattr(request, "url_rule", next(app.url_map.iter_rules("index"))),
                setattr(request, "view_args", {}),
            ),
            (200, "index"),
        ),
        (lambda app: None, (200, "a")),
    ],
)
def test_what_a_hook_does_to_the_match_counts(how, change, expected):
    """The view is the one that the request names when it is its turn."""
    app = served_app()

    def hook(*args, **kwargs):
        change(app)

    if how == "hook":
        app.before_request_funcs[None].append(hook)
    elif how == "preprocessor":
        app.url_value_preprocessors[None].append(hook)
    with request_started.connected_to(hook if how == "signal" else lambda *a, **k: None, app):
        status, text = ask(app, "/a/view")
    assert status == expected[0]
    if expected[1] is not None:
        assert text == expected[1]


# Everything else that is read for each request


@pytest.mark.usefixtures("path")
def test_error_handlers_changed_later_are_seen():
    """COMPAT(Flask-Injector): also deep inside of the nested registry."""
    app = served_app()
    app.error_handler_spec[None][404][NotFound] = lambda error: ("mine", 404)
    assert ask(app, "/nothing") == (404, "mine")
    app.error_handler_spec = defaultdict(lambda: defaultdict(dict))
    app.error_handler_spec[None][None][ZeroDivisionError] = lambda error: ("zero", 400)
    assert ask(app, "/error") == (400, "zero")
    assert ask(app, "/nothing")[0] == 404


@pytest.mark.usefixtures("path")
def test_classes_and_services_replaced_later_are_used():
    """COMPAT(pytest-flask): response, request and ``g`` classes are read for each request."""

    class MyResponse(Response):
        default_mimetype = "text/plain"

    class MyRequest(Flask.request_class):
        mine = "mine"

    class Globals:
        value = "g"

    app = served_app()
    assert app.test_client().get("/").mimetype == "text/html"
    app.response_class = MyResponse
    assert app.test_client().get("/").mimetype == "text/plain"
    app.request_class = MyRequest
    app.app_ctx_globals_class = Globals
    app.view_functions["index"] = lambda: request.mine + g.value
    assert ask(app) == (200, "mineg")


@pytest.mark.usefixtures("path")
def test_hosts_trusted_later_are_checked():
    """SECURITY: a setting that changes between two requests counts for the second."""
    app = served_app()
    client = app.test_client()
    assert client.get("/", headers={"Host": "evil.test"}).status_code == 200
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    assert client.get("/", headers={"Host": "evil.test"}).status_code == 400
    assert client.get("/", headers={"Host": "good.test"}).status_code == 200
    app.config["TRUSTED_HOSTS"] = None

    class Picky(Flask.request_class):
        trusted_hosts = ["good.test"]  # noqa: RUF012  Werkzeug's shape

    app.request_class = Picky
    assert client.get("/", headers={"Host": "evil.test"}).status_code == 400
    assert client.get("/", headers={"Host": "good.test"}).status_code == 200


@pytest.mark.usefixtures("path")
def test_session_interface_replaced_later_is_used():
    """COMPAT(Flask-Session): opening and saving are of the interface of the moment."""
    app = served_app()
    log = []

    class Interface(SessionInterface):
        def open_session(self, app, request):
            log.append("open")
            return SecureCookieSession()

        def save_session(self, app, session, response):
            log.append(response.status_code)

    app.session_interface = Interface()
    ask(app)
    assert log == ["open", 200]


@pytest.mark.usefixtures("path")
def test_attribute_set_on_the_application_in_a_request_is_harmless():
    """An application counts or caches on itself while it serves."""
    app = served_app()
    app.count = 0

    @as_index(app)
    def index():
        app.count += 1
        return str(app.count)

    assert [ask(app)[1] for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.usefixtures("path")
def test_environment_of_one_rule_does_not_leak_into_another():
    """Values given to a view may be changed by it, for that request only."""
    app = Flask(__name__)

    @app.get("/", defaults={"n": 1})
    def view(n):
        seen = str(request.view_args)
        request.view_args["n"] = 5
        return seen

    assert [ask(app)[1] for _ in range(2)] == ["{'n': 1}"] * 2


@pytest.mark.usefixtures("planned")
def test_subclass_defined_beside_an_application_leaves_its_base_class_alone():
    """Applications of the base class are still instances of it, and still take the short ways."""

    class Base(Flask):
        """A class of which there is an application."""

    app = served_app(Base)

    class Own(Base):
        """A subclass that no application has."""

    assert issubclass(Base, Base)
    assert not Engine(app).general
    assert not Engine(Own("own")).general
