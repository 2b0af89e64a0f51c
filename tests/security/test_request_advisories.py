"""Advisories about hosts, paths, methods, cookies, headers and templates."""

from __future__ import annotations

import logging
from importlib.metadata import requires

import pytest
from jinja2 import TemplateNotFound, __version__
from packaging.requirements import Requirement
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from costrel import Flask, Request, Response, redirect, render_template_string, request, url_for
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")

HOSTILE_HOSTS = [
    "a/../x?",
    "x/y",
    "x?y",
    "x#y",
    "u:p@evil.test",
    "x\\y",
    "x y",
    "x\ty",
    "\x8a",
    "x,y",
]


def make_app(**config):
    """Make an application that tells how it sees its URL."""
    app = Flask(__name__)
    app.config.update(config)

    @app.get("/url")
    def url():
        seen = [request.url, request.base_url, request.url_root, request.path, request.host]
        return [*seen, url_for("url"), url_for("url", _external=True)]

    @app.get("/branch/")
    def branch():
        return ""

    @app.get("/pages/", defaults={"page": 1})
    @app.get("/pages/<int:page>")
    def pages(page):
        return str(page)

    @app.get("/any/<path:rest>/")
    def rest(rest):
        return rest

    return app


def ask(app, method="GET", path="/", **environ):
    """Send a request as a server has read it, also one that no client would write."""
    builder = app.test_request_context(path="/", method=method).environ
    started = []

    def start_response(status, headers, exc_info=None):
        started.append((status, headers))

    environ = {**builder, "PATH_INFO": path, **environ}
    body = b"".join(app(environ, start_response))
    ((status, headers),) = started
    return TestResponse(iter([body]), status, Headers(headers), Request(environ))


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_malformed_host_is_refused(host):
    """CVE-2026-48710, GHSA-86qp-5c8j-p5mr: 400; no part of a host becomes part of a URL."""
    response = ask(make_app(), path="/url", HTTP_HOST=host)
    assert response.status_code == 400
    assert ask(make_app(), path="/branch", HTTP_HOST=host).location is None


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_page_about_a_malformed_host_can_show_the_url(host):
    """CVE-2026-48710: an error page that names the URL shows none of the host."""
    app = make_app()

    @app.errorhandler(400)
    def refused(_error):
        return [request.url, request.path, request.host, url_for("url")], 400

    response = ask(app, path="/url", HTTP_HOST=host)
    assert response.json == ["http:///url", "/url", "", "/url"]


@pytest.mark.parametrize("host", ["my_service:8000", "[::1]:8000", "xn--exmple-cua.test", "", "x:"])
def test_unusual_host_is_served(host):
    """CVE-2026-48710: only what can't be a host is refused; Flask serves these."""
    assert ask(make_app(), path="/url", HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize(
    "target", ["@evil.test", "evil.test", ".evil.test", ":80@evil.test/x", "*"]
)
def test_target_without_a_slash_does_not_reach_the_host(target):
    """CVE-2026-54282, GHSA-jp82-jpqv-5vv3: the path never runs into the host of a URL.

    Compatibility: such a path is matched as if it began with a slash.
    """
    app = make_app()

    @app.get("/<path:any_>")
    def anything(any_):
        return request.url

    url = ask(app, path=target, HTTP_HOST="good.test").text
    assert url.startswith("http://good.test/")
    assert ask(make_app(), path=target).status_code == 404


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test/branch",
        "//evil.test/pages/1",
        "//evil.test//branch",
        "///evil.test/branch",
        "//branch",
        "//pages//1",
        "/branch",
        "//any/evil.test",
        "/any//evil.test",
        "//any//evil.test",
        "/\\evil.test/branch",
        "/\\\\evil.test/any/x",
        "\\\\evil.test/branch",
        "http://evil.test/branch",
        "http:\\\\evil.test/branch",
        "/any/@evil.test",
        "/any/x\r\nLocation: http://evil.test",
    ],
)
def test_redirect_of_routing_stays_on_the_host(target):
    """CVE-2020-28724: a slash added, removed or merged never leads to another host."""
    response = ask(make_app(), path=target, HTTP_HOST="good.test")
    if response.location is None:
        assert response.status_code == 404
        return
    assert response.status_code == 308
    assert response.location.startswith("http://good.test/")
    assert not response.location.startswith("http://good.test//")
    assert "\n" not in response.location


@pytest.mark.parametrize("name", ["", "x"])
@pytest.mark.parametrize("value", ["__Host-session=bad", "__Secure-session=bad"])
def test_cookie_without_a_name_is_ignored(name, value):
    """CVE-2023-23934, GHSA-px8h-6qxv-m22q: ``=__Host-x=bad`` is not the cookie ``__Host-x``."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        return dict(request.cookies)

    sent = f"{name}={value}; good=1"
    seen = app.test_client(use_cookies=False).get("/", headers={"Cookie": sent}).json
    assert seen == {"good": "1"} | ({name: value} if name else {})


@pytest.mark.parametrize(
    "method",
    [
        "DISPATCH_REQUEST",
        "AS_VIEW",
        "__INIT__",
        "__CLASS__",
        "_SECRET",
        "HELPER",
        "DECORATORS",
        "METHODS",
        "dispatch_request",
    ],
)
def test_method_that_names_an_attribute_is_not_allowed(method):
    """Starlette #3286: no client picks the function of a `MethodView` that runs.

    405, also where the rule lists what is no HTTP method.
    """
    app = Flask(__name__)

    class View(MethodView):
        def get(self):
            return "get"

        def helper(self):
            return "not for clients"

        _secret = helper

    app.add_url_rule("/", view_func=View.as_view("plain"))
    listed = ["GET", "DISPATCH_REQUEST", "AS_VIEW", "__INIT__", "__CLASS__", "_SECRET"]
    app.add_url_rule("/listed", view_func=View.as_view("listed"), methods=listed)
    assert ask(app, method, "/").status_code == 405
    assert ask(app, method, "/listed").status_code == 405
    assert ask(app, "GET", "/listed").text == "get"


@pytest.mark.parametrize("char", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("where", ["header", "location", "cookie", "mimetype", "tuple", "download"])
def test_response_header_with_a_line_break_is_never_sent(where, char):
    """CVE-2020-7695: text of a client can't begin another header, or another response."""
    app = Flask(__name__)
    text = f"x{char}X-Injected: 1"

    @app.get("/")
    def index():
        response = Response("")
        match where:
            case "header":
                response.headers["X-Text"] = text
            case "location":
                return redirect(f"/{text}")
            case "cookie":
                response.set_cookie("name", text)
            case "mimetype":
                response.content_type = text
            case "tuple":
                return "", 200, {"X-Text": text}
            case "download":
                response.headers.set("Content-Disposition", "attachment", filename=text)
        return response

    response = ask(app)
    assert response.status_code in {200, 302, 500}
    for name, value in response.headers.items():
        assert name != "X-Injected"
        assert "\r" not in value
        assert "\n" not in value


def test_log_of_an_error_keeps_control_characters_of_the_path_out(caplog):
    """CVE-2020-7694: a path can't write lines, or colours, into the log."""
    app = Flask(__name__)

    @app.before_request
    def fail():
        raise RuntimeError

    app.logger.propagate = True
    with caplog.at_level(logging.ERROR, app.logger.name):
        assert ask(app, path="/x\r\n[ERROR] forged\x1b[31m").status_code == 500
    (record,) = [each for each in caplog.records if each.name == app.logger.name]
    assert record.getMessage() == r"Exception on /x\r\n[ERROR] forged\x1b[31m [GET]"


def test_jinja_of_a_known_advisory_is_not_accepted():
    """GHSA-h5c8-rqwp-cp95 to GHSA-cpwx-vrp4-4pq7, CVE-2020-28493: Jinja 3.1.6 or later."""
    (jinja,) = [
        requirement
        for requirement in map(Requirement, requires("costrel") or ())
        if requirement.name.lower() == "jinja2"
    ]
    assert not jinja.specifier.contains("3.1.5")
    assert jinja.specifier.contains(__version__)


def test_attribute_name_of_a_client_can_not_leave_the_tag():
    """GHSA-h5c8-rqwp-cp95, GHSA-h75v-3vvj-5mfj: ``xmlattr`` refuses names that end a tag."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        return render_template_string("<p{{ attributes|xmlattr }}>", attributes=request.args)

    client = app.test_client()
    assert client.get("/?class=a").text == '<p class="a">'
    for name in ("x%20onclick", "x/onclick", "x%3E", "x%09onclick"):
        response = client.get(f"/?{name}=alert(1)")
        assert "onclick=" not in response.text
        assert "x>" not in response.text


def test_text_of_a_client_is_no_template_and_is_escaped():
    """GHSA-gmj6-6f8f-6699, GHSA-q2x7-8rv6-6q7h: what is passed to a template stays text."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        return render_template_string("{{ text }}", text=request.args["text"])

    text = app.test_client().get("/", query_string={"text": "{{ 7 * 7 }}<script>"}).text
    assert text == "{{ 7 * 7 }}&lt;script&gt;"


@pytest.mark.parametrize("name", ["../secret.html", "/secret.html", "a/../../secret.html", "{{x}}"])
def test_template_name_does_not_leave_the_folder(name, tmp_path):
    """GHSA-gmj6-6f8f-6699: a template's name is a path below the folder, and never code."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "secret.html").write_text("secret")
    app = Flask(__name__, root_path=str(tmp_path))
    with app.app_context(), pytest.raises(TemplateNotFound):
        app.jinja_env.get_template(name)


def test_urlize_takes_linear_time(assert_linear):
    """CVE-2020-28493: links of a text are found without trying every end of every word."""
    app = Flask(__name__)
    with app.app_context():
        urlize = app.jinja_env.from_string("{{ text|urlize }}")
        assert_linear(lambda size: urlize.render(text="a.b@" * size), 500)
        assert_linear(lambda size: urlize.render(text="http://" + "." * size), 500)
