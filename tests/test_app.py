"""`Flask` composes: its steps are there by name, and it is freed with its last user."""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from costrel import (
    Blueprint,
    Flask,
    Response,
    abort,
    g,
    render_template_string,
    request,
    session,
    stream_with_context,
    url_for,
)
from costrel.ground.shortways import STEPS

# Steps


# Parameters as `inspect.signature` shows them on Flask 3.1.3.
SIGNATURES = {
    "wsgi_app": "self environ start_response",
    "__call__": "self environ start_response send",  # the last for ASGI, unlike Flask
    "full_dispatch_request": "self",
    "preprocess_request": "self",
    "dispatch_request": "self",
    "raise_routing_exception": "self request",
    "make_default_options_response": "self",
    "finalize_request": "self rv from_error_handler",
    "make_response": "self rv",
    "process_response": "self response",
    "handle_http_exception": "self e",
    "handle_user_exception": "self e",
    "handle_exception": "self e",
    "log_exception": "self exc_info",
    "do_teardown_request": "self exc",
    "do_teardown_appcontext": "self exc",
    "ensure_sync": "self func",
    "async_to_sync": "self func",
    "create_url_adapter": "self request",
    "app_context": "self",
    "request_context": "self environ",
    "test_request_context": "self args kwargs",
    "should_ignore_error": "self error",
    "trap_http_exception": "self e",
    "url_for": "self endpoint _anchor _method _scheme _external values",
    "inject_url_defaults": "self endpoint values",
    "handle_url_build_error": "self error endpoint values",
    "redirect": "self location code",
    "update_template_context": "self context",
    "send_static_file": "self filename",
    "get_send_file_max_age": "self filename",
    "open_resource": "self resource mode encoding",
    "open_instance_resource": "self resource mode encoding",
    "add_url_rule": "self rule endpoint view_func provide_automatic_options options",
    "register_blueprint": "self blueprint options",
    "run": "self host port debug load_dotenv options",
    "test_client": "self use_cookies kwargs",
    "test_cli_runner": "self kwargs",
    "select_jinja_autoescape": "self filename",
    "make_shell_context": "self",
    "auto_find_instance_path": "self",
}


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES.items())
def test_step_has_flasks_name_and_parameters(name, parameters):
    """COMPAT(ddtrace, New Relic): tracers wrap plain functions of the class by their names."""
    step = inspect.getattr_static(Flask, name)
    assert inspect.isfunction(step)
    assert " ".join(inspect.signature(step).parameters) == parameters


def test_all_steps_that_plans_take_over_are_known():
    """The list of steps has no other."""
    assert set(STEPS) <= set(SIGNATURES)


# Set-up


def test_static_rule_needs_a_host_where_hosts_are_matched():
    """The two arguments go together."""
    with pytest.raises(AssertionError, match="static_host"):
        Flask(__name__, host_matching=True)
    with pytest.raises(AssertionError, match="host_matching=True"):
        Flask(__name__, static_host="x")
    with pytest.raises(AssertionError, match="host_matching=True"):
        Flask(__name__, static_host="x", static_folder=None)
    app = Flask(__name__, host_matching=True, static_host="x")
    assert app.url_map.host_matching
    Flask(__name__, host_matching=True, static_folder=None)


def test_application_without_a_static_folder_sends_no_static_file():
    """There is no rule, and the method says what is missing."""
    app = Flask(__name__, static_folder=None)
    assert list(app.url_map.iter_rules()) == []
    with pytest.raises(RuntimeError, match="static_folder"):
        app.send_static_file("x")


OURS = (
    "TYPED_VIEWS", "QUERY_UNKNOWN", "OPENAPI_", "DOCS_PATH", "SYNC_THREADS", "BACKGROUND_GRACE_S",
    "BODY_TIMEOUT_S", "SEND_TIMEOUT_S", "LOOP_LAG_WARNING_S", "TRUSTED_PROXIES", "WEBSOCKET_",
)  # fmt: skip


def test_defaults_are_those_of_flask():
    """COMPAT: a Flask application finds the settings it knows, with the values it knows."""
    app = Flask(__name__)
    ours = {name for name in app.config if name.startswith(OURS)}
    assert {name: value for name, value in app.config.items() if name not in ours} == {
        "APPLICATION_ROOT": "/",
        "DEBUG": False,
        "EXPLAIN_TEMPLATE_LOADING": False,
        "MAX_CONTENT_LENGTH": None,
        "MAX_COOKIE_SIZE": 4093,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1000,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
        "PREFERRED_URL_SCHEME": "http",
        "PROPAGATE_EXCEPTIONS": None,
        "PROVIDE_AUTOMATIC_OPTIONS": True,
        "SECRET_KEY": None,
        "SECRET_KEY_FALLBACKS": None,
        "SEND_FILE_MAX_AGE_DEFAULT": None,
        "SERVER_NAME": None,
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": "session",
        "SESSION_COOKIE_PARTITIONED": False,
        "SESSION_COOKIE_PATH": None,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_COOKIE_SECURE": False,
        "SESSION_REFRESH_EACH_REQUEST": True,
        "TEMPLATES_AUTO_RELOAD": None,
        "TESTING": False,
        "TRAP_BAD_REQUEST_ERRORS": None,
        "TRAP_HTTP_EXCEPTIONS": False,
        "TRUSTED_HOSTS": None,
        "USE_X_SENDFILE": False,
    }


def test_instance_resources_are_read_and_written(tmp_path):
    """Text and bytes, below the instance folder."""
    app = Flask(__name__, instance_path=str(tmp_path))
    with app.open_instance_resource("a.txt", "w") as file:
        file.write("é")
    assert (tmp_path / "a.txt").read_bytes() == "é".encode()
    with app.open_instance_resource("a.txt") as file:
        assert file.read() == "é".encode()
    with app.open_instance_resource("a.txt", "r") as file:
        assert file.read() == "é"


# Steps called by hand, as tests and extensions do


def test_steps_may_be_called_in_a_context_of_ones_own():
    """COMPAT: the hooks run without a server, and the response goes through them."""
    app = Flask(__name__)

    @app.before_request
    def before():
        g.before = True

    @app.after_request
    def after(response):
        response.headers["X-After"] = "1"
        return response

    app.get("/")(lambda: "view")
    with app.test_request_context("/"):
        assert app.preprocess_request() is None
        assert g.before
        assert app.dispatch_request() == "view"
        response = app.process_response(app.make_response("text"))
        assert response.headers["X-After"] == "1"
        assert app.full_dispatch_request().data == b"view"
        assert app.finalize_request("x").headers["X-After"] == "1"


def test_default_options_response_lists_what_the_url_answers():
    """COMPAT(Flask-CORS): an extension makes it in the context of a request."""
    app = Flask(__name__)
    app.route("/", methods=["GET", "PUT"])(lambda: "")
    with app.test_request_context("/", method="OPTIONS"):
        response = app.make_default_options_response()
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS", "PUT"}


def test_ensure_sync_wraps_coroutine_functions_only():
    """A plain function comes back as it is."""
    app = Flask(__name__)

    def plain():
        return 1

    async def coroutine():
        return 2

    assert app.ensure_sync(plain) is plain
    assert app.ensure_sync(coroutine)() == 2


# Being freed


@pytest.fixture
def no_collector():
    """Turn the collector of cycles off, so that only references count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def new_app():
    """Make an application with a view of many kinds."""
    app = Flask(__name__)
    app.secret_key = "dev"
    bp = Blueprint("bp", __name__)

    @bp.get("/<kind>")
    def view(kind):
        if kind == "json":
            return {"a": 1}
        if kind == "session":
            session["a"] = g.a = 1
        if kind == "stream":
            return Response(stream_with_context(part for part in [request.path]))
        if kind == "url":
            return url_for("bp.view", kind="x")
        if kind == "form":
            return request.args.get("x", "-")
        return "text"

    app.register_blueprint(bp)
    app.before_request(lambda: None)
    app.after_request(lambda response: response)
    app.teardown_request(lambda error: None)
    return app


def link(app, ctx):
    """Build a URL and use ``g`` in a context."""
    app.config["SERVER_NAME"] = "localhost"
    with ctx:
        g.url = app.url_for("static", filename="x")


@pytest.mark.wsgi_only("a worker thread may be about to let go of its last request")
@pytest.mark.usefixtures("path", "no_collector")
@pytest.mark.parametrize(
    "use",
    [
        lambda app: None,
        lambda app: app.test_client().get("/text").text,
        lambda app: app.test_client().get("/json").json,
        lambda app: app.test_client().get("/session").text,
        lambda app: app.test_client().get("/stream").text,
        lambda app: app.test_client().get("/url").text,
        lambda app: app.test_client().get("/form?x=1").text,
        lambda app: (app.cli, app.logger, app.json.dumps({}), app.url_map, repr(app)),
        lambda app: link(app, app.test_request_context("/text")),
        lambda app: link(app, app.app_context()),
    ],
)
def test_application_is_freed_with_its_last_user(use):
    """It is in no cycle, before and after it served; a test suite may make thousands."""
    app = new_app()
    gone = weakref.ref(app)
    use(app)
    del app
    assert gone() is None


def test_application_with_templates_is_freed_by_the_collector():
    """The environment refers to it, and it to the environment, as with Flask."""
    app = new_app()
    gone = weakref.ref(app)
    with app.app_context():
        render_template_string("{{ g }}")
    del app
    gc.collect()
    assert gone() is None


# Subclasses


@pytest.mark.usefixtures("path")
def test_subclass_may_rebind_the_name_of_its_base():
    """COMPAT(opentelemetry): a subclass with a wrapped ``wsgi_app`` stands in for `Flask`."""
    log = []

    class Instrumented(Flask):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            original = self.wsgi_app

            def wrapped(environ, start_response):
                log.append(environ["PATH_INFO"])
                return original(environ, start_response)

            self.wsgi_app = wrapped

    app = Instrumented(__name__)
    app.get("/")(lambda: "view")
    assert app.test_client().get("/").text == "view"
    assert log == ["/"]


@pytest.mark.usefixtures("path")
def test_handler_overridden_in_a_subclass_suppresses_the_error():
    """COMPAT: what ``handle_user_exception`` returns is the response."""

    class Mine(Flask):
        def handle_user_exception(self, e):
            return f"handled {type(e).__name__}", 418

    app = Mine(__name__)
    app.get("/")(lambda: abort(404))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (418, "handled NotFound")


def test_folder_may_be_a_path_object():
    """Folders are taken as `os.PathLike` too."""
    app = Flask(__name__, static_folder=Path("s"), template_folder=Path("t"), root_path="/r")
    assert app.static_folder == "/r/s"
    assert app.jinja_loader.searchpath == ["/r/t"]


@pytest.mark.usefixtures("no_collector")
def test_application_that_served_by_asgi_is_freed_with_its_last_user():
    """It is in no cycle with its other face either."""
    app = Flask(__name__)

    @app.get("/")
    async def view():
        return "text"

    gone = weakref.ref(app)
    assert asyncio.run(app.async_test_client().get("/")).text == "text"
    del app, view
    assert gone() is None
