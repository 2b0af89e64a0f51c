# pyright: strict, reportPrivateUsage=false
"""The proxies, the application and its parts have the types that users rely on."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import click
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict
from werkzeug.routing import Rule

from costrel import (
    Blueprint,
    Config,
    Flask,
    Request,
    Response,
    abort,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    make_response,
    redirect,
    render_template,
    render_template_string,
    request,
    send_from_directory,
    session,
    url_for,
    websocket,
)
from costrel.ctx import AppContext, RequestContext
from costrel.globals import app_ctx, request_ctx
from costrel.sessions import SessionInterface, SessionMixin
from costrel.testing import FlaskClient, FlaskCliRunner
from costrel.websockets import WebSocket

# The proxies are what they stand for.

t.assert_type(current_app._get_current_object(), Flask)
t.assert_type(request._get_current_object(), Request)
t.assert_type(session._get_current_object(), SessionMixin)
t.assert_type(app_ctx._get_current_object(), AppContext)
t.assert_type(request_ctx._get_current_object(), RequestContext)
t.assert_type(websocket._get_current_object(), WebSocket)


def take(app: Flask, request: Request, session: SessionMixin, websocket: WebSocket) -> None:
    """Take what the proxies stand for."""


take(current_app, request, session, websocket)
t.assert_type(current_app.config, Config)
t.assert_type(current_app.debug, bool)
t.assert_type(current_app.testing, bool)
t.assert_type(current_app.secret_key, str | bytes | None)
t.assert_type(current_app.permanent_session_lifetime, timedelta)
t.assert_type(request.method, str)
t.assert_type(request.args, MultiDict[str, str])
t.assert_type(request.files, ImmutableMultiDict[str, FileStorage])
t.assert_type(request.endpoint, str | None)
t.assert_type(request.blueprint, str | None)
t.assert_type(request.blueprints, list[str])
t.assert_type(request.view_args, dict[str, t.Any] | None)
t.assert_type(request.url_rule, Rule | None)
t.assert_type(session.permanent, bool)
t.assert_type(has_app_context(), bool)
t.assert_type(has_request_context(), bool)


def use() -> None:
    """Use attributes that only a running application has."""
    g.user = "ada"
    t.assert_type("user" in g, bool)
    g.setdefault("items", []).append(1)
    session["value"] = 1
    session.permanent = True
    current_app.logger.info("%s", request.path)
    current_app.extensions["mine"] = object()
    request.max_content_length = 1000


# Helpers


def helpers() -> None:
    """Call each helper."""
    t.assert_type(url_for("index", _external=True, page=1), str)
    t.assert_type(render_template("a.html", a=1), str)
    t.assert_type(render_template_string("{{ a }}", a=1), str)
    t.assert_type(make_response("a", 200), Response)
    t.assert_type(send_from_directory("a", "b", as_attachment=True), Response)
    flash("message", "info")
    get_flashed_messages(with_categories=True)
    redirect("/", code=303)


def after_abort(found: str | None) -> str:
    """Know that `abort` does not return."""
    if found is None:
        abort(404)
    return found


@copy_current_request_context
def work(number: int) -> str:
    """Keep the signature when wrapped."""
    return str(number)


t.assert_type(work(1), str)

# The application

app = Flask(__name__, static_folder=None, instance_relative_config=True)
app.config.from_mapping(SECRET_KEY="dev")
app.debug = True
app.secret_key = b"dev"
app.permanent_session_lifetime = timedelta(days=1)
app.register_blueprint(Blueprint("bp", __name__), url_prefix="/bp")
t.assert_type(app.test_client(), FlaskClient)
t.assert_type(app.test_cli_runner(), FlaskCliRunner)
t.assert_type(app.app_context(), AppContext)
t.assert_type(app.test_request_context("/", method="POST", json={"a": 1}), RequestContext)


@app.cli.command("hello")
@click.argument("name")
def hello(name: str) -> None:
    """Be a command."""
    click.echo(name)


def in_a_test() -> None:
    """Use a client as tests do."""
    with app.test_client() as client:
        response = client.get("/", query_string={"a": 1}, headers={"X-A": "1"})
        t.assert_type(response.status_code, int)
        t.assert_type(response.text, str)
        with client.session_transaction() as opened:
            t.assert_type(opened, SessionMixin)
            opened["a"] = 1
    with app.test_request_context("/") as ctx:
        t.assert_type(ctx, RequestContext)
        t.assert_type(ctx.request, Request)


# Subclasses


class OwnRequest(Request):
    """Add a property to requests."""

    @property
    def user(self) -> str:
        """Give a name."""
        return self.headers.get("X-User", "")


class OwnInterface(SessionInterface):
    """Narrow the types of the application and the request."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Open nothing."""
        return None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing."""


class OwnApp(Flask):
    """Override steps with their types."""

    request_class = OwnRequest
    session_interface = OwnInterface()

    def make_response(self, rv: t.Any) -> Response:
        """Take anything."""
        return super().make_response(rv)

    def handle_exception(self, e: Exception) -> Response:
        """Do as before."""
        return super().handle_exception(e)

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Decide by name."""
        return 60 if filename else None
