"""What Flask's extensions and tracers do to an application, it bears.

Each test does what the extension in its name was found to do. How a step, a
registry or a context behaves in itself is tested beside its module.
"""

from __future__ import annotations

import copy
import functools
import importlib
import types
import weakref
from collections import Counter
from unittest import mock

import click
import pytest
from jinja2.ext import Extension
from werkzeug.exceptions import HTTPException, MethodNotAllowed, default_exceptions
from werkzeug.local import LocalProxy
from werkzeug.routing import RequestRedirect, Rule
from werkzeug.test import create_environ

import costrel
from costrel import (
    Blueprint,
    Flask,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    has_request_context,
    render_template_string,
    request,
    session,
    stream_with_context,
    templating,
)
from costrel.commands import AppGroup
from costrel.globals import app_ctx, request_ctx
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface
from costrel.signals import Namespace, got_request_exception, request_finished, request_started
from costrel.testing import FlaskClient
from costrel.views import MethodView, View, http_method_funcs

pytestmark = pytest.mark.usefixtures("path")


def make_app(cls=Flask, **kwargs):
    """Make an application with a view, an error and a key."""
    app = cls(__name__, **kwargs)
    app.secret_key = "dev"

    @app.get("/")
    def index():
        return "index"

    app.get("/error", endpoint="error")(lambda: 1 / 0)
    return app


def test_flask_login_keeps_its_user_on_g_and_its_manager_on_the_application():
    """The manager is an attribute, the user a proxy of what a request finds in its session."""
    app = make_app()
    user_loaded = Namespace().signal("user-loaded")
    current_user = LocalProxy(lambda: app.login_manager.load())  # noqa: PLW0108  set below
    loaded = []

    class Manager:
        def __init__(self, app):
            app.login_manager = self
            app.after_request(self.remember)
            app.context_processor(lambda: {"current_user": current_user})

        def load(self):
            if "_login_user" not in g:
                g._login_user = session._get_current_object().get("user", "nobody")
                user_loaded.send(current_app._get_current_object(), user=g._login_user)
            return g._login_user

        def remember(self, response):
            response.headers["X-User"] = g.get("_login_user", "-")
            return response

    class Client(FlaskClient):
        def __init__(self, *args, user=None, **kwargs):
            super().__init__(*args, **kwargs)
            with self.session_transaction() as opened:
                opened["user"] = user

    Manager(app)
    app.get("/me")(lambda: render_template_string("{{ current_user }}"))
    app.test_client_class = Client
    user_loaded.connect(lambda sender, user: loaded.append((sender, user)), app, weak=False)
    client = app.test_client(user="ada")
    response = client.get("/me")
    assert (response.text, response.headers["X-User"]) == ("ada", "ada")
    assert client.get("/").headers["X-User"] == "-"
    assert loaded == [(app, "ada")]


def test_flask_sqlalchemy_scopes_by_the_application_context_and_removes_once():
    """One scope for each request, removed after errors and abandoned streams as well."""
    app = make_app()
    opened, removed = [], Counter()

    def scope():
        return id(app_ctx._get_current_object())

    app.before_request(lambda: opened.append(scope()))
    app.teardown_appcontext(lambda error: removed.update([scope()]))

    @app.get("/stream")
    def stream():
        return Response(stream_with_context(str(scope()) for _ in range(3)))

    for path in ("/", "/error", "/nothing", "/stream"):
        body = app(create_environ(path), lambda status, headers: None)
        if path == "/stream":
            assert next(iter(body)) == str(opened[-1]).encode()
            assert sum(removed.values()) == len(opened) - 1
        del body
    assert len(opened) == 4
    assert sum(removed.values()) == 4
    assert set(removed) == set(opened)


def test_flask_migrate_adds_commands_that_find_the_application():
    """A group of commands runs in the application's context."""
    app = make_app()
    app.extensions["migrate"] = types.SimpleNamespace(folder="migrations")
    group = AppGroup("db")

    @group.command()
    def upgrade():
        click.echo(current_app.extensions["migrate"].folder)

    app.cli.add_command(group)
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).output == "migrations\n"


def test_flask_wtf_finds_views_to_exempt_by_module_and_name():
    """The function behind the endpoint is the user's own, of applications and blueprints."""
    app = make_app()
    bp = Blueprint("bp", __name__)

    @bp.get("/bp")
    def in_blueprint():
        return "bp"

    app.register_blueprint(bp)
    seen = []

    @app.before_request
    def protect():
        view = app.view_functions.get(request.endpoint)
        blueprint = current_app.blueprints.get(request.blueprint)
        seen.append((f"{view.__module__}.{view.__name__}", blueprint))

    app.jinja_env.globals["csrf_token"] = lambda: "token"
    client = app.test_client()
    client.get("/")
    client.get("/bp")
    assert seen == [(f"{__name__}.index", None), (f"{__name__}.in_blueprint", bp)]
    with app.test_request_context():
        assert render_template_string("{{ csrf_token() }}") == "token"


def test_flask_cors_replaces_the_handlers_of_errors_and_marks_responses():
    """Both handlers of the instance are honoured, and responses take an attribute."""
    app = make_app()

    def mark(response):
        if not hasattr(response, "_FLASK_CORS_EVALUATED"):
            response._FLASK_CORS_EVALUATED = True
            response.headers.add("Access-Control-Allow-Origin", "*")
        return response

    def wrap(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            return mark(app.make_response(function(*args, **kwargs)))

        return wrapped

    app.after_request(mark)
    app.handle_exception = wrap(app.handle_exception)
    app.handle_user_exception = wrap(app.handle_user_exception)
    client = app.test_client()
    for path, status in (("/", 200), ("/error", 500), ("/nothing", 404)):
        response = client.get(path)
        assert response.status_code == status
        assert response.headers.getlist("Access-Control-Allow-Origin") == ["*"]


def test_flask_limiter_leaves_its_state_on_the_request_context():
    """Hooks share it by an attribute; the map is bound to a host of its own."""
    app = make_app()

    @app.before_request
    def check():
        request_ctx._limiter_request_context = {"limit": 5}

    @app.after_request
    def headers(response):
        response.headers["X-Limit"] = str(request_ctx._limiter_request_context["limit"])
        return response

    assert app.test_client().get("/").headers["X-Limit"] == "5"
    assert app.url_map.bind("dev.null").match("/") == ("index", {})
    assert all(isinstance(rule, Rule) for rule in app.url_map.iter_rules())


def test_flask_jwt_extended_handles_classes_of_its_own():
    """A handler for each, and tokens written by the provider of the application."""
    app = make_app()
    errors = [type(f"Error{number}", (Exception,), {}) for number in range(16)]
    for number, error in enumerate(errors):
        app.errorhandler(error)(lambda error, number=number: (str(number), 401))
        app.get(f"/{number}", endpoint=f"e{number}")(
            lambda error=error: (_ for _ in ()).throw(error)
        )
    client = app.test_client()
    assert [client.get(f"/{n}").text for n in range(16)] == [str(n) for n in range(16)]
    with app.app_context():
        provider = current_app.json_provider_class(current_app._get_current_object())
        assert provider.loads(provider.dumps({"a": 1})) == {"a": 1}


def test_flask_caching_caches_by_hooks_of_one_request_and_shares_dicts():
    """A hook that the view adds sees its response, a copy of which has the same ``__dict__``."""

    class CachedResponse(Response):
        def __init__(self, response):
            self.__dict__ = response.__dict__
            self._timeout = 60

    app = make_app()
    kept = []

    @app.get("/cached")
    def cached():
        def keep(response):
            kept.append(response.get_data())
            app.after_request_funcs[None].remove(keep)
            return response

        app.after_request_funcs[None].append(keep)
        return CachedResponse(app.make_response("cached"))

    class Cache(Extension):
        pass

    app.jinja_env.add_extension(Cache)
    config = app.config.copy()
    config.setdefault("CACHE_TYPE", "simple")
    assert "CACHE_TYPE" not in app.config
    assert copy.deepcopy(dict(app.config)) == app.config
    client = app.test_client()
    assert [client.get("/cached").text for _ in range(2)] == ["cached"] * 2
    assert kept == [b"cached"] * 2
    client.get("/")
    assert len(kept) == 2


def test_flask_restful_takes_errors_over_and_asks_for_the_adapter():
    """Handlers are partials on the instance; matching tells the methods that are allowed."""
    app = make_app()
    seen = []

    def handle(original, error):
        got_request_exception.send(current_app._get_current_object(), exception=error)
        if isinstance(error, HTTPException):
            try:
                current_app.create_url_adapter(request).match()
            except MethodNotAllowed as mismatch:
                seen.append(set(mismatch.valid_methods))
            except RequestRedirect as redirect:
                seen.append(redirect.new_url)
            except HTTPException as other:
                seen.append(other.code)
            return {"message": error.name}, error.code
        return original(error)

    app.handle_exception = functools.partial(handle, app.handle_exception)
    app.handle_user_exception = functools.partial(handle, app.handle_user_exception)
    app.before_request(lambda: setattr(request, "unparsed_arguments", {}))
    client = app.test_client()
    response = client.post("/")
    assert (response.status_code, response.json) == (405, {"message": "Method Not Allowed"})
    assert client.get("/nothing").json == {"message": "Not Found"}
    assert seen == [{"GET", "HEAD", "OPTIONS"}, 404]
    assert client.get("/error").status_code == 500


def test_flask_restx_finds_its_private_names():
    """They are where Flask 3.1 has them."""
    scaffold = importlib.import_module("costrel.compat.sansio.scaffold")

    def view():
        """Be a view."""

    assert scaffold._endpoint_from_view_func(view) == "view"
    assert {"get", "post", "delete"} <= http_method_funcs


def test_flask_smorest_reads_the_parts_of_rules():
    """Rules are Werkzeug's own, with their converters and their trace."""
    app = make_app()
    app.add_url_rule("/pets/<int:pet_id>", "pet", lambda pet_id: "", defaults={"a": 1})
    (rule,) = app.url_map.iter_rules("pet")
    assert list(rule._converters) == ["pet_id"]
    assert (True, "pet_id") in rule._trace
    assert rule.defaults == {"a": 1}

    @app.get("/etag")
    def etag():
        response = current_app.make_response("text")
        response.set_etag("tag")
        return response.make_conditional(request)

    assert app.test_client().get("/etag", headers={"If-None-Match": '"tag"'}).status_code == 304


def test_apiflask_overrides_make_response_and_method_routes():
    """The override sees what every view returns, also of the plainest kind."""

    class APIFlask(Flask):
        def make_response(self, rv):
            if isinstance(rv, str):
                rv = rv.upper()
            return super().make_response(rv)

        def _method_route(self, method, rule, options):
            return super()._method_route(method, f"/v1{rule}", options)

    app = make_app(APIFlask)
    assert app.test_client().get("/v1/").text == "INDEX"
    assert default_exceptions[404].code == 404


def test_flask_admin_asks_the_map_for_endpoints():
    """It is Werkzeug's map, with all of its questions."""
    app = make_app()
    app.add_url_rule("/<lang>/x", "localized", lambda lang: "")
    assert app.url_map.is_endpoint_expecting("localized", "lang")
    assert not app.url_map.is_endpoint_expecting("index", "lang")
    assert app.url_map.host_matching is False


def test_flask_security_replaces_the_json_provider():
    """Class and instance, after the application was made; and Quart it is not."""

    class Provider(Flask.json_provider_class):
        def dumps(self, obj, **kwargs):
            return super().dumps({"secured": obj}, **kwargs)

    app = make_app()
    app.get("/json")(lambda: {"a": 1})
    client = app.test_client()
    assert client.get("/json").json == {"a": 1}
    app.json_provider_class = Provider
    app.json = app.json_provider_class(app)
    assert client.get("/json").json == {"secured": {"a": 1}}
    assert not hasattr(costrel, "_quart_patched")


def test_flask_socketio_enters_a_request_of_an_old_environ():
    """Events run in the context of the request that opened the connection."""
    app = make_app()
    environs = []

    class Middleware:
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, environ, start_response):
            environ["flask.app"] = app
            environs.append(environ)
            return self.inner(environ, start_response)

    app.wsgi_app = Middleware(app.wsgi_app)
    assert app.test_client().get("/?x=1").text == "index"
    for number in (1, 2):
        with environs[0]["flask.app"].request_context(environs[0]) as ctx:
            environs[0]["saved_session"] = {"number": number}
            ctx._session = SecureCookieSession(environs[0]["saved_session"])
            assert request.args["x"] == "1"
            assert session["number"] == number
            session["other"] = number
            response = app.response_class()
            app.session_interface.save_session(app, session._get_current_object(), response)
            assert "session=" in response.headers["Set-Cookie"]
        assert not has_request_context()


def test_flask_session_saves_what_it_opened():
    """The interface's own getters follow the settings."""
    store = {}

    class Stored(SecureCookieSessionInterface):
        def open_session(self, app, request):
            return SecureCookieSession(store)

        def save_session(self, app, session, response):
            store.update(session)
            if self.should_set_cookie(app, session):
                response.set_cookie(
                    self.get_cookie_name(app),
                    "id",
                    path=self.get_cookie_path(app),
                    domain=self.get_cookie_domain(app),
                    secure=self.get_cookie_secure(app),
                    httponly=self.get_cookie_httponly(app),
                    samesite=self.get_cookie_samesite(app),
                    expires=self.get_expiration_time(app, session),
                )

    app = make_app()
    app.config.update(SESSION_COOKIE_NAME="sid", SESSION_COOKIE_SECURE=True)
    app.session_interface = Stored()

    @app.get("/set")
    def set_it():
        session["value"] = 1
        return ""

    app.get("/value")(lambda: str(session["value"]))
    client = app.test_client()
    cookie = client.get("/set").headers["Set-Cookie"]
    assert cookie == "sid=id; Secure; HttpOnly; Path=/"
    assert client.get("/value").text == "1"


def test_flask_compress_replaces_the_body_of_whole_responses_once():
    """A response tells whether it is a stream or a file, and its parts can be encoded."""
    app = make_app()
    app.get("/stream")(lambda: iter(["a", "b"]))

    @app.after_request
    def compress(response):
        assert "Content-Encoding" not in response.headers
        if not (response.direct_passthrough or response.is_streamed):
            response.set_data(b"".join(response.iter_encoded())[::-1])
            response.headers["Content-Encoding"] = "backwards"
        return response

    client = app.test_client()
    assert client.get("/").data == b"xedni"
    assert "Content-Encoding" not in client.get("/stream").headers


def test_flask_talisman_and_httpauth_use_hooks_and_the_request():
    """A nonce on the request, a function for one response, the authorization."""
    app = make_app()

    @app.before_request
    def before():
        request.csp_nonce = "n"
        if request.endpoint == "secret" and not request.authorization:
            after_this_request(lambda response: response)
            return Response(status=401, headers={"WWW-Authenticate": "Basic"})
        return None

    @app.after_request
    def after(response):
        response.headers["Content-Security-Policy"] = f"nonce-{request.csp_nonce}"
        return response

    app.get("/secret", endpoint="secret")(lambda: request.authorization.username)
    client = app.test_client()
    response = client.get("/secret")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Basic")
    assert client.get("/secret", auth=("ada", "pw")).text == "ada"
    assert response.headers["Content-Security-Policy"] == "nonce-n"


def test_flask_debugtoolbar_replaces_dispatch_request():
    """It dispatches by itself, with the names of the context."""
    app = make_app()
    profiled = []

    def dispatch_request():
        req = request_ctx.request
        if req.routing_exception is not None:
            app.raise_routing_exception(req)
        rule = req.url_rule
        if getattr(rule, "provide_automatic_options", False) and req.method == "OPTIONS":
            return app.make_default_options_response()
        profiled.append(rule.endpoint)
        return app.ensure_sync(app.view_functions[rule.endpoint])(**req.view_args)

    client = app.test_client()
    assert client.get("/").text == "index"
    app.dispatch_request = dispatch_request
    assert client.get("/").text == "index"
    assert client.get("/nothing").status_code == 404
    assert set(client.options("/").allow) == {"GET", "HEAD", "OPTIONS"}
    assert profiled == ["index"]


def test_dash_handles_all_errors_and_imports_the_debugger():
    """A handler of `Exception`, and Werkzeug's own modules."""
    app = make_app()
    app.register_blueprint(Blueprint("assets", __name__, static_folder="assets"))
    app.errorhandler(Exception)(lambda error: (f"handled {type(error).__name__}", 500))
    assert app.test_client().get("/error").text == "handled ZeroDivisionError"
    assert importlib.import_module("werkzeug.debug.tbtools").DebugTraceback


def test_opentelemetry_keeps_weak_references_and_removes_its_hooks():
    """The context of the request can be referred to, and a hook taken away by identity."""
    app = make_app()
    seen = []

    def before():
        seen.append(weakref.ref(request_ctx._get_current_object()))

    app.before_request_funcs[None].append(before)
    client = app.test_client()
    client.get("/")
    app.before_request_funcs[None].remove(before)
    client.get("/")
    assert len(seen) == 1
    assert seen[0]() is None


def test_sentry_hears_signals_with_the_real_request():
    """Sender and request are the objects themselves; the rule tells the transaction's name."""
    app = make_app()
    seen = []

    def started(sender, **kwargs):
        real = request._get_current_object()
        seen.append((sender, real.url_rule.rule, real.url_rule.endpoint))

    with request_started.connected_to(started):
        app.test_client().get("/")
    assert seen == [(app, "/", "index")]


def test_elastic_apm_gets_the_real_application_as_the_sender():
    """Never a proxy, for each signal of a request."""
    app = make_app()
    senders = []

    def receive(sender, **kwargs):
        senders.append(sender)

    with (
        request_started.connected_to(receive),
        request_finished.connected_to(receive),
        got_request_exception.connected_to(receive),
    ):
        app.test_client().get("/error")
    assert len(senders) == 3
    assert all(type(sender) is Flask and sender is app for sender in senders)


def test_ddtrace_wraps_registration_rendering_and_signals(monkeypatch):
    """Methods of the classes and functions of modules, replaced after import."""
    calls = []

    def traced(name, function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            calls.append(name)
            return function(*args, **kwargs)

        return wrapper

    for owner, names in (
        (Flask, ["add_url_rule", "before_request", "register_error_handler", "dispatch_request"]),
        (Blueprint, ["after_request"]),
        (templating, ["_render"]),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, traced(name, getattr(owner, name)))
    app = make_app()
    app.before_request(lambda: None)
    app.register_error_handler(404, lambda error: ("", 404))
    bp = Blueprint("bp", __name__)
    bp.after_request(lambda response: response)
    app.register_blueprint(bp)
    app.get("/page")(lambda: templating.render_template_string("{{ 1 }}"))
    assert calls.count("add_url_rule") == 4
    assert app.test_client().get("/page").text == "1"
    assert Counter(calls)["before_request"] == 1
    assert {"register_error_handler", "after_request", "dispatch_request", "_render"} <= set(calls)
    assert list(request_started.receivers_for(app)) == []


def test_new_relic_wraps_the_making_of_class_views():
    """``View.as_view`` is a class method that can be replaced; views know their class."""
    original = View.as_view.__func__
    named = []

    def as_view(cls, name, *args, **kwargs):
        named.append(name)
        return original(cls, name, *args, **kwargs)

    class Pets(MethodView):
        def get(self):
            return "pets"

    with mock.patch.object(View, "as_view", classmethod(as_view)):
        view = Pets.as_view("pets")
    app = make_app()
    app.add_url_rule("/pets", view_func=view)
    assert app.test_client().get("/pets").text == "pets"
    assert (named, view.view_class, view.methods) == (["pets"], Pets, {"GET"})


def test_prometheus_exporter_wraps_views_that_are_registered_already():
    """The registry's entry is replaced, and the request carries the time."""
    app = make_app()
    original = app.view_functions["index"]
    client = app.test_client()
    client.get("/")

    @functools.wraps(original)
    def measured():
        request.prom_start_time = 1
        try:
            return f"measured {original()}"
        except Exception as error:  # noqa: BLE001  as the exporter has it
            return current_app.handle_user_exception(error)

    app.view_functions["index"] = measured
    app.after_request_funcs[None].append(
        lambda response: (response.headers.add("X-Start", request.prom_start_time), response)[1]
    )
    response = client.get("/")
    assert (response.text, response.headers["X-Start"]) == ("measured index", "1")


def test_flask_injector_rewrites_all_registries():
    """Every function is wrapped, in the containers it is found in."""
    app = make_app()
    log = []
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: (log.append("after"), response)[1])
    app.teardown_request(lambda error: log.append("teardown"))
    app.context_processor(lambda: {"name": "name"})
    app.errorhandler(404)(lambda error: ("handled", 404))
    app.jinja_env.globals["helper"] = lambda: "helper"
    app.get("/page")(lambda: render_template_string("{{ name }} {{ helper() }}"))

    def wrap(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            log.append("injected")
            return function(*args, **kwargs)

        return wrapper

    def process_dict(functions):
        for key, function in functions.items():
            if isinstance(function, types.FunctionType):
                functions[key] = wrap(function)

    def process_lists(registry):
        for functions in registry.values():
            functions[:] = [wrap(function) for function in functions]

    client = app.test_client()
    client.get("/page")
    log.clear()
    process_dict(app.view_functions)
    process_dict(app.jinja_env.globals)
    process_lists(app.before_request_funcs)
    process_lists(app.after_request_funcs)
    process_lists(app.teardown_request_funcs)
    process_lists(app.template_context_processors)
    for by_code in app.error_handler_spec.values():
        for handlers in by_code.values():
            process_dict(handlers)
    app.before_request_funcs[None].insert(0, lambda: log.append("scope"))
    assert client.get("/page").text == "name helper"
    assert [entry for entry in log if entry != "injected"] == [
        "scope",
        "before",
        "after",
        "teardown",
    ]
    assert log.count("injected") >= 6
    log.clear()
    assert client.get("/nothing").text == "handled"
    assert log.count("injected") == 4


def test_flasgger_replaces_the_registration_of_rules():
    """``add_url_rule`` of the instance is what the decorators call."""
    app = make_app()
    added = []
    original = app.add_url_rule

    def add_url_rule(rule, *args, **kwargs):
        added.append(rule)
        return original(rule, *args, **kwargs)

    app.add_url_rule = add_url_rule
    app.swag = object()
    app.get("/documented")(lambda: "documented")
    bp = Blueprint("bp", __name__)
    bp.get("/bp", endpoint="view")(lambda: "")
    app.register_blueprint(bp)
    assert added == ["/documented", "/bp"]
    assert app.test_client().get("/documented").text == "documented"


def test_pytest_flask_patches_the_response_class_inside_of_a_request(monkeypatch):
    """The class is read for each response, while a request context is pushed around a test."""

    class JSONResponse(Response):
        def __eq__(self, other):
            return self.status_code == other

        __hash__ = None

    app = make_app()
    client = app.test_client()
    assert client.get("/") != 200
    monkeypatch.setattr(app, "response_class", JSONResponse)
    ctx = app.test_request_context()
    ctx.push()
    assert app.test_client().get("/") == 200
    assert request.path == "/"
    ctx.pop()
    assert not has_request_context()


def test_abort_in_a_view_keeps_its_arguments_for_handlers():
    """COMPAT(webargs, Flask-RESTful): what is set on the error is there in its handler."""
    app = make_app()

    @app.get("/abort")
    def view():
        try:
            abort(422)
        except HTTPException as error:
            error.data = {"messages": ["wrong"]}
            raise

    app.errorhandler(422)(lambda error: (error.data, 422))
    assert app.test_client().get("/abort").json == {"messages": ["wrong"]}
