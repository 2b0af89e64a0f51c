"""Binding the rules to a host follows the request and the settings."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import SecurityError

from costrel import Flask, request, url_for

# `costrel.url_for` is tested in tests/test_helpers.py.


def hosted_app(server_name=None, **kwargs):
    """Make an application with rules of several hosts."""
    app = Flask(__name__, static_folder=None, **kwargs)
    app.config["SERVER_NAME"] = server_name
    app.add_url_rule("/", "plain", lambda: "plain")
    if kwargs.get("host_matching"):
        app.add_url_rule("/", "host", lambda: "host", host="a.test")
        app.add_url_rule("/", "any", lambda name: name, host="<name>.any.test")
    else:
        app.add_url_rule("/", "sub", lambda: "sub", subdomain="sub")
        app.add_url_rule("/", "any", lambda name: name, subdomain="<name>")
    return app


def ask(app, host):
    """Return the text, or the status of an error, that a host gets."""
    response = app.test_client().get("/", headers={"Host": host})
    return response.text if response.status_code == 200 else response.status_code


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("server_name", [None, "example.test"])
def test_any_host_is_served_as_one_by_default(server_name):
    """Without subdomain matching neither ``SERVER_NAME`` nor the host decides."""
    app = hosted_app(server_name)
    for host in ("localhost", "example.test", "sub.example.test", "other.test:81", "127.0.0.1"):
        assert ask(app, host) == "plain"


@pytest.mark.usefixtures("path")
@pytest.mark.filterwarnings("ignore:Current server name")
def test_subdomains_are_matched_if_asked_for():
    """They are those of ``SERVER_NAME``; Werkzeug calls another host's ``<invalid>``."""
    app = hosted_app("example.test", subdomain_matching=True)
    assert ask(app, "example.test") == "plain"
    assert ask(app, "sub.example.test") == "sub"
    assert ask(app, "x.example.test") == "x"
    assert ask(app, "other.test") == "<invalid>"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("server_name", [None, "example.test"])
def test_hosts_are_matched_if_asked_for(server_name):
    """The request's host decides, whatever ``SERVER_NAME`` says."""
    app = hosted_app(server_name, host_matching=True)
    assert ask(app, "a.test") == "host"
    assert ask(app, "x.any.test") == "x"
    assert ask(app, "b.test") == 404


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("good.test", 200),
        ("good.test:8080", 200),
        ("www.sub.test", 200),
        ("evil.test", 400),
        ("good.test.evil.test", 400),
    ],
)
def test_host_that_is_not_trusted_is_a_400(host, status):
    """SECURITY: no view runs for a host that ``TRUSTED_HOSTS`` does not list."""
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = ["good.test", ".sub.test"]
    ran = []
    app.get("/")(lambda: ran.append(request.host) or "ok")
    assert app.test_client().get("/", headers={"Host": host}).status_code == status
    assert ran == ([host] if status == 200 else [])


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("host", ["a..b", ".", "x" * 64, "a b", "user@host"])
def test_malformed_host_is_a_400(host):
    """SECURITY(CVE-2026-48710): what no URL could be made for reaches no view."""
    app = Flask(__name__)
    app.get("/")(lambda: "plain")
    assert ask(app, "a-b.test:8080") == "plain"
    assert ask(app, host) == 400
    assert ask(hosted_app(), host) == 400


def test_adapter_needs_a_request_or_a_server_name():
    """Without both there is no host to build URLs for."""
    app = hosted_app()
    assert app.create_url_adapter(None) is None
    app.config["SERVER_NAME"] = "example.test"
    app.config["APPLICATION_ROOT"] = "/root"
    adapter = app.create_url_adapter(None)
    assert adapter.build("plain", force_external=True) == "http://example.test/root/"


def test_adapter_of_a_bad_host_is_the_requests_routing_error():
    """COMPAT(Flask-RESTful): asking for an adapter oneself raises the error."""
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    with app.test_request_context(headers={"Host": "evil.test"}) as ctx:
        assert ctx.url_adapter is None
        assert isinstance(request.routing_exception, SecurityError)
        with pytest.raises(SecurityError):
            app.create_url_adapter(ctx.request)


def test_urls_of_other_hosts_are_external():
    """A rule of another subdomain can only be linked with its host."""
    app = hosted_app("example.test", subdomain_matching=True)
    with app.test_request_context(base_url="http://example.test"):
        assert url_for("plain") == "/"
        assert url_for("sub") == "http://sub.example.test/"
        assert url_for("any", name="x") == "http://x.example.test/"
