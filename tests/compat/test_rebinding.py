"""A Flask module that is a package here still has its names rebound by users and tracers."""

from __future__ import annotations

import pytest

from costrel import Flask, cli, ctx, request, sessions, templating, testing, wrappers
from costrel import render_template_string as render

PACKAGES = {
    ctx: "AppContext RequestContext _AppCtxGlobals after_this_request has_app_context",
    sessions: (
        "NullSession SecureCookieSession SecureCookieSessionInterface SessionInterface"
        " SessionMixin TaggedJSONSerializer session_json_serializer"
    ),
    templating: "DispatchingJinjaLoader Environment _default_template_ctx_processor _render",
    testing: "EnvironBuilder FlaskClient FlaskCliRunner",
    wrappers: "Request Response",
}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_package_has_the_names_of_flasks_module(package):
    """They are the package's own attributes, not those of a module below it only."""
    assert not [name for name in PACKAGES[package].split() if name not in vars(package)]


def test_rendering_function_is_looked_up_when_called(monkeypatch):
    """COMPAT(ddtrace): wraps ``flask.templating._render``."""
    app, calls = Flask(__name__), []
    original = templating._render

    def traced(*args):
        calls.append(args)
        return original(*args)

    monkeypatch.setattr(templating, "_render", traced)
    with app.app_context():
        assert render("{{ 1 + 1 }}") == "2"
    assert len(calls) == 1


def test_environ_builder_is_looked_up_when_called(monkeypatch):
    """A test suite may replace ``flask.testing.EnvironBuilder`` for its clients."""

    class Builder(testing.EnvironBuilder):
        def get_environ(self):
            return super().get_environ() | {"HTTP_X_BUILT": "here"}

    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: request.headers["X-Built"])
    monkeypatch.setattr(testing, "EnvironBuilder", Builder)
    assert app.test_client().get("/").text == "here"


def test_banner_is_looked_up_when_called(monkeypatch):
    """Programs silence it by replacing ``flask.cli.show_server_banner``."""
    said = []
    monkeypatch.setattr(cli, "show_server_banner", lambda *args: said.append(args))
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *_args, **_kwargs: None)
    Flask("named").run(load_dotenv=False)
    assert said
    assert said[0][1] == "named"
