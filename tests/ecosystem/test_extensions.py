"""What extensions for sites do to an application, it bears.

Each test does what the extension in its name was found to do. How a step, a
registry or a context behaves in itself is tested beside its module.
"""

from __future__ import annotations

import copy
import functools
import types
from collections import Counter

import click
import pytest
from jinja2.ext import Extension
from small import make_app
from werkzeug.local import LocalProxy
from werkzeug.routing import Rule
from werkzeug.test import create_environ

from costrel import (
    Blueprint,
    Response,
    after_this_request,
    current_app,
    g,
    has_request_context,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from costrel.commands.groups import AppGroup
from costrel.globals import app_ctx, request_ctx
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface
from costrel.signals import Namespace
from costrel.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("path")


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
    assert seen == [(f"{make_app.__module__}.index", None), (f"{__name__}.in_blueprint", bp)]
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


def test_flask_admin_asks_the_map_for_endpoints():
    """It is Werkzeug's map, with all of its questions."""
    app = make_app()
    app.add_url_rule("/<lang>/x", "localized", lambda lang: "")
    assert app.url_map.is_endpoint_expecting("localized", "lang")
    assert not app.url_map.is_endpoint_expecting("index", "lang")
    assert app.url_map.host_matching is False


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
