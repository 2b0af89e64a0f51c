"""The test client and runner drive an application as a server would."""

from __future__ import annotations

import click
import pytest
from werkzeug.test import EnvironBuilder as BaseEnvironBuilder

from costrel import (
    Flask,
    Request,
    Response,
    current_app,
    g,
    has_app_context,
    has_request_context,
    redirect,
    request,
    session,
    stream_with_context,
)
from costrel.globals import app_ctx
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface
from costrel.testing import EnvironBuilder, FlaskClient, FlaskCliRunner


def echo_app(**config):
    """Make an application that says what it was asked, with a log of teardowns."""
    app = Flask(__name__)
    app.testing = True
    app.secret_key = "dev"
    app.config.update(config)
    app.log = []
    app.teardown_appcontext(lambda error: app.log.append(g.get("value")))

    @app.route("/", defaults={"name": ""}, methods=["GET", "POST"])
    @app.route("/<name>", methods=["GET", "POST"])
    def echo(name):
        g.value = name
        return {
            "url": request.url,
            "method": request.method,
            "data": request.get_data(as_text=True),
        }

    return app


# The environ


@pytest.mark.parametrize(
    ("config", "args", "url"),
    [
        ({}, {}, "http://localhost/"),
        ({}, {"path": "/a?b=c"}, "http://localhost/a?b=c"),
        ({"SERVER_NAME": "example.com:81"}, {}, "http://example.com:81/"),
        ({"PREFERRED_URL_SCHEME": "https"}, {}, "https://localhost/"),
        ({"APPLICATION_ROOT": "/root"}, {"path": "/a"}, "http://localhost/root/a"),
        ({"SERVER_NAME": "example.com"}, {"subdomain": "www"}, "http://www.example.com/"),
        ({}, {"url_scheme": "https"}, "https://localhost/"),
        ({}, {"base_url": "https://other.com/app"}, "https://other.com/app/"),
        ({}, {"path": "https://other.com/a?b=c"}, "https://other.com/a?b=c"),
    ],
)
def test_environ_is_made_of_settings_and_arguments(config, args, url):
    """Host, scheme and root come from the configuration, unless given."""
    with echo_app(**config).test_request_context(**args):
        assert request.url == url


def test_environ_with_two_sources_of_the_host_is_refused():
    """A whole URL and parts of one contradict each other."""
    app = echo_app()
    for args in ({"subdomain": "www"}, {"url_scheme": "https"}):
        with pytest.raises(ValueError, match="base_url"):
            EnvironBuilder(app, base_url="http://localhost", **args)


def test_environ_has_json_as_the_application_writes_it():
    """The ``json`` argument goes through the provider."""
    app = echo_app()
    app.json.sort_keys = False
    with app.test_request_context(json={"b": 1, "a": 2}):
        assert request.get_data(as_text=True) == '{"b": 1, "a": 2}'
        assert request.is_json


def test_request_context_takes_what_a_request_has():
    """Method, headers, data and environ variables reach the request."""
    with echo_app().test_request_context(
        "/x",
        method="POST",
        headers={"X-A": "1"},
        data={"a": "1"},
        environ_overrides={"REMOTE_USER": "me"},
    ):
        assert (request.method, request.headers["X-A"]) == ("POST", "1")
        assert request.form["a"] == "1"
        assert request.remote_user == "me"


# Requests


@pytest.mark.usefixtures("path")
def test_client_sends_what_it_is_given():
    """A path, a builder, an environ and a request are all sent."""
    app = echo_app()
    client = app.test_client()
    expected = {"url": "http://localhost/x", "method": "POST", "data": "d"}
    assert client.post("/x", data="d").json == expected
    builder = EnvironBuilder(app, "/x", method="POST", data="d")
    assert client.open(builder).json == expected
    builder = EnvironBuilder(app, "/x", method="POST", data="d")
    assert client.open(builder.get_environ()).json == expected
    base = BaseEnvironBuilder("/x", method="POST", data="d")
    assert client.open(base).json == expected
    builder = EnvironBuilder(app, "/x", method="POST", data="d")
    assert client.open(builder.get_request(Request), buffered=True).json == expected


@pytest.mark.usefixtures("path")
def test_client_says_who_it_is():
    """Address and user agent may be changed for all requests, or for one."""
    app = echo_app()
    app.get("/who")(lambda: [request.remote_addr, request.user_agent.string])
    client = app.test_client()
    address, agent = client.get("/who").json
    assert address == "127.0.0.1"
    assert agent.startswith("Werkzeug/")
    client.environ_base.update(REMOTE_ADDR="10.0.0.1", HTTP_USER_AGENT="mine")
    assert client.get("/who").json == ["10.0.0.1", "mine"]
    assert client.get("/who", environ_base={"REMOTE_ADDR": "10.0.0.2"}).json[0] == "10.0.0.2"
    assert client.get("/who", headers={"User-Agent": "one"}).json[1] == "one"


@pytest.mark.usefixtures("path")
def test_client_follows_redirects_and_keeps_cookies():
    """Like a browser, if asked; without cookies it forgets."""
    app = echo_app()

    @app.get("/start")
    def start():
        session["value"] = 1
        return redirect("/end")

    app.get("/end")(lambda: str(session.get("value")))
    response = app.test_client().get("/start", follow_redirects=True)
    assert (response.text, response.request.path, len(response.history)) == ("1", "/end", 1)
    response = app.test_client(use_cookies=False).get("/start", follow_redirects=True)
    assert response.text == "None"


def test_response_is_of_the_applications_class_and_reads_its_json():
    """Attributes of the response class are there, and its JSON is the application's."""

    class Mine(Response):
        def shout(self):
            return self.text.upper()

    app = echo_app()
    app.response_class = Mine
    app.json.loads = lambda text, **kwargs: "mine"
    response = app.test_client().get("/x")
    assert response.shout().startswith('{"DATA"')
    assert response.json == "mine"


def test_client_class_of_the_application_is_made_with_its_arguments():
    """COMPAT(Flask-Login): the class may be replaced and takes arguments of its own."""

    class Client(FlaskClient):
        def __init__(self, *args, user=None, **kwargs):
            super().__init__(*args, **kwargs)
            self.user = user

        def open(self, *args, **kwargs):
            kwargs.setdefault("headers", {})["X-User"] = self.user
            return super().open(*args, **kwargs)

    app = echo_app()
    app.test_client_class = Client
    app.get("/user")(lambda: request.headers["X-User"])
    client = app.test_client(user="ada")
    assert client.application is app
    assert client.get("/user").text == "ada"


def test_errors_reach_the_test_in_testing_mode_only():
    """``TESTING`` lets an exception through; else the client sees a 500."""
    app = echo_app()

    @app.get("/error")
    def error():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/error")
    app.testing = False
    assert app.test_client().get("/error").status_code == 500


# Kept contexts


@pytest.mark.usefixtures("path")
def test_context_of_the_last_request_stays_inside_of_a_with_block():
    """It can be looked at until the next request, or until the block is left."""
    app = echo_app()
    with app.test_client() as client:
        client.get("/one")
        assert (request.path, g.value, current_app.name) == ("/one", "one", app.name)
        first = app_ctx._get_current_object()
        client.get("/two")
        assert (request.path, g.value) == ("/two", "two")
        assert app_ctx._get_current_object() is not first
    assert not has_app_context()
    client.get("/three")
    assert not has_request_context()


@pytest.mark.usefixtures("path")
def test_session_can_be_looked_at_after_the_request():
    """It is the one that the view used."""
    app = echo_app()

    @app.get("/set")
    def set_it():
        session["value"] = 1
        return ""

    with app.test_client() as client:
        client.get("/set")
        assert session["value"] == 1


@pytest.mark.usefixtures("path")
def test_context_is_kept_after_an_error():
    """What was raised through the client leaves the request to be looked at."""
    app = echo_app(PROPAGATE_EXCEPTIONS=False)
    app.get("/error", endpoint="error")(lambda: 1 / 0)
    with app.test_client() as client:
        assert client.get("/error").status_code == 500
        assert request.path == "/error"
        assert client.get("/<nothing>/x").status_code == 404
        assert request.routing_exception.code == 404
    assert not has_app_context()


@pytest.mark.wsgi_only("over ASGI the stream may be at its end before its context is kept")
@pytest.mark.usefixtures("path")
def test_context_is_kept_while_a_stream_is_read():
    """The stream and the test see the same request, which is torn down once."""
    app = echo_app()

    @app.get("/stream")
    def stream():
        g.value = "stream"
        return Response(stream_with_context(part for part in (request.path, g.value)))

    with app.test_client() as client:
        response = client.get("/stream")
        assert request.path == "/stream"
        assert response.text == "/streamstream"
        assert app.log == []
    assert app.log == ["stream"]


@pytest.mark.usefixtures("path")
def test_buffered_response_is_read_at_once():
    """Nothing is left of the request then, except for what is kept."""
    app = echo_app()
    app.get("/stream")(lambda: Response(stream_with_context(iter(["a"]))))
    response = app.test_client().get("/stream", buffered=True)
    assert app.log == [None]
    assert response.text == "a"


def test_with_blocks_of_one_client_can_not_be_nested():
    """The inner block would end what the outer one keeps."""
    with (
        echo_app().test_client() as client,
        pytest.raises(RuntimeError, match="can't be nested"),
        client,
    ):
        pass


@pytest.mark.usefixtures("path")
def test_kept_context_borrows_the_one_around_the_client():
    """The application context of a test is shared by its requests, and stays its own."""
    app = echo_app()
    with app.app_context() as outer:
        with app.test_client() as client:
            client.get("/one")
            assert app_ctx._get_current_object() is outer
            assert g.value == "one"
            client.get("/two")
        assert not has_request_context()
        assert g.value == "two"
        assert app.log == []
    assert app.log == ["two"]


@pytest.mark.usefixtures("path")
def test_application_context_may_be_left_before_the_client():
    """COMPAT: fixtures that entered the two are left in either order."""
    app = echo_app()
    client, ctx = app.test_client(), app.app_context()
    client.__enter__()
    ctx.push()
    client.get("/one")
    client.get("/two")
    ctx.pop()
    assert request.path == "/two"
    assert app.log == []
    client.__exit__(None, None, None)
    assert not has_app_context()
    assert app.log == ["two"]


# The session of a client


@pytest.mark.usefixtures("path")
def test_session_transaction_reads_and_changes_the_clients_session():
    """What is put in there, the next request has, and the other way round."""
    app = echo_app()
    app.get("/value")(lambda: str(session.setdefault("count", session.get("start", 0) + 1)))
    client = app.test_client()
    with client.session_transaction() as opened:
        assert "count" not in opened
        opened["start"] = 5
        assert not has_request_context()
    assert client.get("/value").text == "6"
    with client.session_transaction() as opened:
        assert opened["count"] == 6


def test_session_transaction_takes_the_arguments_of_a_request():
    """The session may depend on the host or on a header."""
    app = echo_app(SERVER_NAME="example.com", SESSION_COOKIE_DOMAIN="other.com")
    app.get("/value")(lambda: str(session.get("value")))
    client = app.test_client()
    with client.session_transaction(base_url="http://other.com") as opened:
        opened["value"] = 1
    assert client.get("/value", base_url="http://other.com").text == "1"


def test_session_transaction_needs_cookies_and_a_session():
    """Without them the error says what is missing."""
    app = echo_app()
    with (
        pytest.raises(TypeError, match="use_cookies=True"),
        app.test_client(use_cookies=False).session_transaction(),
    ):
        pass
    app.secret_key = None
    with (
        pytest.raises(RuntimeError, match="secret_key"),
        app.test_client().session_transaction(),
    ):
        pass


def test_session_transaction_uses_the_interface_of_the_application():
    """It opens and saves like a request does."""
    app = echo_app()
    seen = []

    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            seen.append("open")
            return SecureCookieSession()

        def save_session(self, app, session, response):
            seen.append(dict(session))

    app.session_interface = Interface()
    with app.test_client().session_transaction() as opened:
        opened["a"] = 1
    assert seen[0] == "open"
    assert seen[-1] == {"a": 1}


# Commands


def test_runner_invokes_commands_with_the_application():
    """A command has the application's context, and the runner's result."""
    app = echo_app()

    @app.cli.command("hello")
    @click.argument("name")
    def hello(name):
        click.echo(f"Hello {name} of {current_app.name}")

    result = app.test_cli_runner().invoke(args=["hello", "you"])
    assert result.output == f"Hello you of {app.name}\n"
    assert result.exit_code == 0
    result = app.test_cli_runner().invoke(hello, ["you"])
    assert result.output == f"Hello you of {app.name}\n"


def test_runner_class_of_the_application_is_made_with_its_arguments():
    """The class may be replaced and takes click's arguments."""

    class Runner(FlaskCliRunner):
        pass

    app = echo_app()
    app.test_cli_runner_class = Runner
    runner = app.test_cli_runner(env={"A": "1"})
    assert type(runner) is Runner
    assert runner.env == {"A": "1"}


@pytest.mark.parametrize(
    "attributes",
    [
        "Expires=Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "expires = Mon, 01 Jan 2020 00:00:00 +99999999999999999999",
        "Max-Age=" + "9" * 5_000,
        "Max-Age=soon",
        "Expires=never; Max-Age=1e3; Path=/",
    ],
)
def test_cookie_with_an_unreadable_attribute_is_kept_without_it(attributes):
    """As browsers keep it (RFC 6265 §5.2.1); a header without a name sets nothing."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        response = Response(request.cookies.get("a", "none"))
        response.headers.add("Set-Cookie", f"a=b; {attributes}")
        response.headers.add("Set-Cookie", "; Path=/")
        return response

    client = app.test_client()
    assert ["none", "b"] == [client.get("/").text for _ in range(2)]
