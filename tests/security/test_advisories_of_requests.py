"""Advisories about hosts, paths, methods, templates and logs.

On `Flask` and on `Costrel` with everything on.
"""

from __future__ import annotations

import contextvars
import logging
from importlib.metadata import requires

import pytest
from advised import ask_raw
from jinja2 import TemplateNotFound
from jinja2 import __version__ as jinja_version
from packaging.requirements import Requirement

from costrel import Response, redirect, render_template, render_template_string, request, url_for
from costrel.views import MethodView


def add_views(app):
    """Add views whose rules redirect, and one that tells how it sees its URL."""

    @app.get("/url")
    def url():
        seen = [request.url, request.base_url, request.url_root, request.path]
        return [*seen, url_for("url", _external=True)]

    app.add_url_rule("/branch/", "branch", lambda: "")
    app.add_url_rule("/pages/", "pages", lambda page: page, defaults={"page": "1"})
    app.add_url_rule("/pages/<page>", "pages")
    app.add_url_rule("/any/<path:rest>/", "any", lambda rest: rest)
    return app


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test/branch", "///evil.test/branch", "//branch", "//pages//1", "/any//evil.test",
        "//any//evil.test", "/\\evil.test/branch", "\\\\evil.test/branch", "http://evil.test/branch",
        "/any/@evil.test", "/any/x\r\nLocation: http://evil.test",
    ],
)  # fmt: skip
def test_cve_2020_28724_a_redirect_of_routing_stays_on_the_host(make_app, path):
    """A slash that is added, removed or merged never leads to another host."""
    response = ask_raw(add_views(make_app()), path)
    if response.location is None:
        assert response.status_code == 404
    else:
        assert response.status_code == 308
        assert response.location.startswith("http://localhost/")
        assert not response.location.startswith("http://localhost//")
        assert "\n" not in response.location


@pytest.mark.parametrize("target", ["@evil.test", "evil.test", ":80@evil.test/x", ".evil.test"])
def test_cve_2026_54282_a_path_without_a_slash_does_not_reach_the_host(make_app, target):
    """GHSA-jp82-jpqv-5vv3: it never runs into the host of a URL."""
    app = make_app()
    app.add_url_rule("/<path:any_>", "anything", lambda any_: request.url)
    response = ask_raw(app, target)
    assert response.status_code in {200, 400, 404}
    if response.status_code == 200:
        assert response.text.startswith("http://localhost/")


@pytest.mark.parametrize(
    "host", ["a/../x?", "localhost/x", "localhost?x", "u:p@localhost", "localhost#", "a b"]
)
def test_cve_2026_48710_a_malformed_host_changes_no_path(make_app, host):
    """GHSA-86qp-5c8j-p5mr: it gets a 400, and its error page sees the path as it was sent."""
    app = add_views(make_app())
    app.register_error_handler(400, lambda _error: ([request.path, request.url, request.host], 400))
    response = ask_raw(app, "/url", HTTP_HOST=host)
    assert response.status_code == 400
    assert response.json == ["/url", "http:///url", ""]


@pytest.mark.parametrize("method", ["DISPATCH_REQUEST", "__INIT__", "AS_VIEW", "METHODS"])
def test_starlette_3286_a_method_names_no_attribute_of_a_view(make_app, method):
    """A client can't choose which function of a `MethodView` runs: it gets a 405."""

    class View(MethodView):
        def get(self):
            return "got"

    app = make_app(CSRF_PROTECTION=False)
    app.add_url_rule("/", view_func=View.as_view("view"))
    app.add_url_rule(
        "/listed",
        view_func=View.as_view("listed"),
        methods=["GET", "DISPATCH_REQUEST", "AS_VIEW", "__INIT__", "METHODS"],
    )
    assert ask_raw(app, "/", method).status_code == 405
    assert ask_raw(app, "/listed", method).status_code == 405
    assert ask_raw(app, "/listed").text == "got"


def test_cve_2018_16516_what_an_error_page_repeats_is_escaped(make_app):
    """No page of ours has markup of a client in it: of its path, its query or its fields."""
    app = add_views(make_app())
    app.add_url_rule("/needed", "needed", lambda: request.args["<b>needed"])
    script = "<script>alert(1)</script>"
    for path in (f"/{script}", f"/any/{script}", f"/pages/{script}/", "/needed"):
        response = ask_raw(app, path, QUERY_STRING="a=%3Cscript%3E", HTTP_REFERER=script)
        assert "<script>" not in response.text or response.status_code == 200
        assert "<b>" not in response.text
    location = ask_raw(app, f"/any/{script}").location
    assert location
    assert "<script>" not in location


@pytest.mark.parametrize(
    "path", ["/number/{}x", "/uuid/{}", "/float/{}.", "/any/{}x", "/?{}", "/?a={}%"]
)
def test_cve_2021_32838_what_a_path_must_look_like_is_checked_in_linear_time(
    make_app, path, assert_linear
):
    """No converter tries every way to split a long text."""
    app = make_app(MAX_URL_LENGTH=None)
    for kind, rule in {
        "int": "number",
        "uuid": "uuid",
        "float": "float",
        "any(a,b)": "any",
    }.items():
        app.add_url_rule(f"/{rule}/<{kind}:value>", rule, lambda value: "")
    address, _, query = path.partition("?")

    def run(size):
        text = "1" * size
        status = ask_raw(app, address.format(text), QUERY_STRING=query.format(text)).status_code
        assert status == 404

    assert_linear(run, 20_000)


def test_cve_2020_28493_links_in_a_text_are_found_in_linear_time(make_app, assert_linear):
    """``urlize`` does not try every end of every word."""
    app = make_app()
    with app.app_context():
        urlize = app.jinja_env.from_string("{{ text|urlize }}")
        assert_linear(lambda size: urlize.render(text="a.b@" * size), 500)
        assert_linear(lambda size: urlize.render(text="http://" + "." * size), 500)


def attributes(make_app, name):
    """Render an attribute whose name a client has chosen."""
    app = make_app()
    app.add_url_rule(
        "/",
        "tag",
        lambda: render_template_string("<p{{ a|xmlattr }}>", a={request.args["n"]: "alert(1)"}),
    )
    return app.test_client().get("/", query_string={"n": name})


def test_ghsa_h5c8_rqwp_cp95_a_space_in_a_name_begins_no_attribute(make_app):
    """``xmlattr`` refuses names with spaces."""
    assert attributes(make_app, "class").text == '<p class="alert(1)">'
    for space in " \t\n\r\f":
        assert "onclick" not in attributes(make_app, f"x{space}onclick").text


def test_ghsa_h75v_3vvj_5mfj_a_name_does_not_end_a_tag(make_app):
    """``xmlattr`` refuses names with ``/``, ``>`` and ``=``."""
    for end in ("/", ">", "="):
        assert "onclick" not in attributes(make_app, f"x{end}onclick").text


def jinja_is_not_accepted(version):
    """Tell whether our requirement excludes a version of Jinja, and takes the one in use."""
    (jinja,) = [
        each
        for each in map(Requirement, requires("costrel") or ())
        if each.name.lower() == "jinja2"
    ]
    return not jinja.specifier.contains(version) and jinja.specifier.contains(jinja_version)


@pytest.mark.parametrize(
    "name", ["../secret.html", "/secret.html", "a/../../secret.html", "{{ 7 }}"]
)
def test_ghsa_gmj6_6f8f_6699_a_template_name_is_no_code(make_app, tmp_path, name):
    """Fixed in Jinja 3.1.5, which is the least we accept; a name leads to a file below a folder."""
    assert jinja_is_not_accepted("3.1.4")
    (tmp_path / "templates").mkdir()
    (tmp_path / "secret.html").write_text("secret")
    app = make_app()
    with app.app_context(), pytest.raises(TemplateNotFound):
        render_template(name)


def passed(make_app, text):
    """Render a text of a client by passing it to a template."""
    app = make_app()
    app.add_url_rule("/", "text", lambda: render_template_string("{{ t }}", t=request.args["t"]))
    return app.test_client().get("/", query_string={"t": text}).text


def test_ghsa_q2x7_8rv6_6q7h_a_text_of_a_client_is_not_formatted(make_app):
    """Fixed in Jinja 3.1.5: what is passed to a template stays text, whatever it contains."""
    assert jinja_is_not_accepted("3.1.4")
    text = "{0.__class__} {{ ''.format }} %s"
    assert passed(make_app, text) == text.replace("'", "&#39;")


def test_ghsa_cpwx_vrp4_4pq7_a_text_of_a_client_reaches_no_filter(make_app):
    """Fixed in Jinja 3.1.6, which is the least we accept."""
    assert jinja_is_not_accepted("3.1.5")
    text = "{{ ''|attr('format') }}{% set x = 1 %}"
    assert passed(make_app, text) == text.replace("'", "&#39;")


def with_text_in_a_header(make_app, where, text):
    """Ask for a response that has a text of a client in a header; return the response."""
    app = make_app()

    @app.get("/")
    def index():
        response = Response("")
        match where:
            case "field":
                response.headers["X-Text"] = text
            case "location":
                return redirect(f"/{text}")
            case "cookie":
                response.set_cookie("name", text)
            case "tuple":
                return "", 200, {"X-Text": text}
        return response

    return ask_raw(app)


@pytest.mark.parametrize("where", ["field", "location", "cookie", "tuple"])
@pytest.mark.parametrize("char", ["\r\n", "\n", "\r"])
def test_cve_2018_1000164_a_line_break_begins_no_other_header(make_app, where, char):
    """What a client has sent stays in the header that it was put into, or there is a 500."""
    response = with_text_in_a_header(make_app, where, f"x{char}X-Injected: 1")
    assert response.status_code in {200, 302, 500}
    assert "X-Injected" not in response.headers
    assert not any({"\r", "\n"} & {*value} for value in response.headers.values())


@pytest.mark.parametrize("where", ["field", "location", "cookie", "tuple"])
def test_cve_2020_7695_two_line_breaks_begin_no_other_response(make_app, where):
    """Nor does a NUL end a header."""
    for char in ("\r\n\r\n<html>", "\0"):
        response = with_text_in_a_header(make_app, where, f"x{char}")
        assert response.status_code in {200, 302, 500}
        assert not any({"\r", "\n", "\0"} & {*value} for value in response.headers.values())


def test_cve_2020_7694_control_characters_of_a_path_are_not_logged(make_app, caplog):
    """A path can't write lines, or colours, into the log."""
    app = make_app()

    @app.before_request
    def fail():
        raise RuntimeError

    app.logger.propagate = True
    with caplog.at_level(logging.ERROR, app.logger.name):
        assert ask_raw(app, "/x\r\n[ERROR] forged\x1b[31m").status_code == 500
    (record,) = [each for each in caplog.records if each.name == app.logger.name]
    assert record.getMessage().startswith(r"Exception on /x\r\n[ERROR] forged\x1b[31m [GET]")


visitor: contextvars.ContextVar[str] = contextvars.ContextVar("visitor", default="nobody")


@pytest.mark.parametrize("name", ["sync", "async"])
def test_cpython_140947_a_context_variable_of_a_request_ends_with_it(make_app, name):
    """The next request of a connection does not see what this one has set."""
    app = make_app()

    def set_and_tell():
        before = visitor.get()
        visitor.set("anna")
        return before

    async def set_and_tell_async():
        return set_and_tell()

    app.add_url_rule("/sync", "sync", set_and_tell)
    app.add_url_rule("/async", "async", set_and_tell_async)
    client = app.test_client()
    seen = [contextvars.Context().run(client.get, f"/{name}").text for _ in range(3)]
    assert seen == ["nobody"] * 3
