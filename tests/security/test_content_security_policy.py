"""The content security policy of responses, and its nonce."""

from __future__ import annotations

import re

import pytest

from costrel import (
    Blueprint,
    Costrel,
    Flask,
    Response,
    render_template_string,
    session,
    stream_template_string,
)
from costrel.security import content_security_policy, csp_nonce, headers_for
from costrel.security.csp import read_policy, with_nonce

POLICY = "Content-Security-Policy"
REPORTS = "Content-Security-Policy-Report-Only"
PAGE = '<script nonce="{{ csp_nonce() }}"></script><style nonce="{{ csp_nonce() }}"></style>'


def policy_of(response, name=POLICY):
    """Return the directives of a response's policy."""
    return read_policy(response.headers[name])


def test_nonce_is_made_for_a_template_that_asks(way):
    """The policy of that response allows its scripts and styles, and nothing else changes."""
    app = Costrel(__name__)
    app.add_url_rule("/", "page", lambda: render_template_string(PAGE))
    app.add_url_rule("/plain", "plain", lambda: render_template_string("x"))
    first, second, plain = way.ask(app), way.ask(app), way.ask(app, "/plain")
    nonces = []
    for response in (first, second):
        nonce = response.text.split('"')[1]
        nonces.append(nonce)
        assert response.text.count(nonce) == 2
        directives = policy_of(response)
        assert directives["script-src"] == directives["style-src"] == f"'self' 'nonce-{nonce}'"
        assert response.headers["Cache-Control"] == "no-store"
        del directives["script-src"], directives["style-src"]
        assert directives == policy_of(plain)
    assert nonces[0] != nonces[1]
    assert all(len(nonce) >= 22 for nonce in nonces)
    assert "Cache-Control" not in plain.headers


def test_nonce_is_added_to_what_the_view_says_itself(way):
    """Also to the policy that browsers only report about."""
    app = Costrel(__name__)

    @app.get("/")
    def page():
        response = Response(render_template_string(PAGE), headers={"Cache-Control": "private"})
        response.headers[POLICY] = "script-src https://cdn.example; style-src 'unsafe-inline'"
        response.headers[REPORTS] = "default-src 'none'"
        return response

    response = way.ask(app)
    source = f"'nonce-{response.text.split(chr(34))[1]}'"
    assert policy_of(response) == {
        "script-src": f"https://cdn.example {source}",
        "style-src": "'unsafe-inline'",
    }
    assert policy_of(response, REPORTS) == {
        "default-src": "'none'",
        "script-src": source,
        "style-src": source,
    }
    assert response.headers["Cache-Control"] == "private"


def test_nonce_works_beside_a_session(way):
    """A page that writes the session and has a nonce sends both."""
    app = Costrel(__name__)
    app.secret_key = "a secret of more than thirty-two characters"

    @app.get("/")
    def page():
        session["n"] = 1
        return render_template_string(PAGE)

    response = way.ask(app)
    assert response.text.split('"')[1] in response.headers[POLICY]
    assert "Set-Cookie" in response.headers


def test_nonce_in_a_stream_is_made_before_it(way):
    """The view asks for it, and the template gets the same one."""
    app = Costrel(__name__)

    @app.get("/")
    def page():
        csp_nonce()
        return stream_template_string(PAGE)

    response = way.ask(app)
    nonce = response.text.split('"')[1]
    assert policy_of(response)["script-src"] == f"'self' 'nonce-{nonce}'"


def test_nonce_that_a_stream_asks_for_too_late_is_an_error(planned):
    """The header fields have been sent, so the message says where to ask instead."""
    app = Costrel(__name__)
    app.testing = True
    app.add_url_rule("/", "page", lambda: stream_template_string("x" + PAGE))
    with pytest.raises(RuntimeError, match="in the view, before it returns the stream"):
        _ = app.test_client().get("/").text


def test_nonce_needs_an_application_that_sends_the_policy():
    """On a plain `Flask` nothing would allow the scripts."""
    app = Flask(__name__)
    with app.test_request_context(), pytest.raises(RuntimeError, match="protect"):
        csp_nonce()
    with pytest.raises(RuntimeError, match="request context"):
        csp_nonce()


def test_nonce_is_known_to_imported_macros_and_replaceable():
    """It is a global of templates, and an application's own of that name stays."""
    app = Costrel(__name__)
    app.jinja_env.globals["csp_nonce"] = lambda: "own"
    with app.test_request_context():
        assert render_template_string("{{ csp_nonce() }}") == "own"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("default-src 'self'", "default-src 'self'; script-src 'self' N; style-src 'self' N"),
        ("default-src 'none'", "default-src 'none'; script-src N; style-src N"),
        ("script-src a.example", "script-src a.example N"),
        (
            "script-src a.example; script-src-elem b.example",
            "script-src a.example; script-src-elem b.example N",
        ),
        ("style-src 'self' 'unsafe-inline'", "style-src 'self' 'unsafe-inline'"),
        ("img-src *", "img-src *"),
        ("SCRIPT-SRC  A ;; script-src b", "script-src A N"),
    ],
)
def test_nonce_goes_where_browsers_look_for_it(given, expected):
    """The most specific directive gets it, and 'unsafe-inline' is not switched off by it."""
    assert with_nonce(given, "n") == expected.replace("N", "'nonce-n'")


def test_setting_changes_directives(way):
    """A dict has the differences, and None leaves a directive out."""
    app = Costrel(__name__)
    app.config["CONTENT_SECURITY_POLICY"] = {
        "img-src": ["'self'", "https://img.example"],
        "object-src": None,
        "upgrade-insecure-requests": "",
    }
    app.add_url_rule("/", "view", lambda: "x")
    directives = policy_of(way.ask(app))
    assert directives["img-src"] == "'self' https://img.example"
    assert directives["default-src"] == "'self'"
    assert directives["upgrade-insecure-requests"] == ""
    assert "object-src" not in directives


def test_setting_of_text_replaces_the_policy(way):
    """Whoever writes all of it gets that."""
    app = Costrel(__name__)
    app.config["CONTENT_SECURITY_POLICY"] = "default-src 'none'"
    app.add_url_rule("/", "view", lambda: "x")
    assert way.ask(app).headers[POLICY] == "default-src 'none'"


def test_report_only_policy_is_sent_beside_the_other(way):
    """A new policy can be tried before it is enforced."""
    app = Costrel(__name__)
    app.config["CONTENT_SECURITY_POLICY_REPORT_ONLY"] = {
        "img-src": "'none'",
        "report-uri": "/reports",
    }
    app.add_url_rule("/", "view", lambda: "x")
    response = way.ask(app)
    assert policy_of(response)["img-src"] == "'self' data:"
    assert policy_of(response, REPORTS) == {
        **policy_of(response),
        "img-src": "'none'",
        "report-uri": "/reports",
    }


def test_view_and_blueprint_change_their_policy(way):
    """By directive, by replacing it, or by leaving it out."""
    app = Costrel(__name__)
    blueprint = Blueprint("shop", __name__)
    headers_for(blueprint, policy={"img-src": "*"}, report_only="default-src 'none'")

    @blueprint.get("/changed")
    @content_security_policy({"script-src": "https://cdn.example"})
    async def changed():
        return "x"

    @blueprint.get("/none")
    @content_security_policy(None, report_only=True)
    @content_security_policy(None)
    def none():
        return "x"

    app.register_blueprint(blueprint)
    response = way.ask(app, "/changed")
    assert policy_of(response)["img-src"] == "*"
    assert policy_of(response)["script-src"] == "https://cdn.example"
    assert response.headers[REPORTS] == "default-src 'none'"
    response = way.ask(app, "/none")
    assert POLICY not in response.headers
    assert REPORTS not in response.headers


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"default-src": "self"}, "'self'"),
        ({"script-src": "'self'; img-src *"}, "commas or semicolons"),
        ({"script-src": "'self', https://a.example"}, "commas or semicolons"),
        ({"img_src": "*"}, "no directive"),
        ("default-src none", "'none'"),
        ({"img-src": "a\r\nb"}, "commas or semicolons"),
    ],
)
def test_policy_that_browsers_take_differently_is_refused(policy, message):
    """The usual mistakes are errors that name the place."""
    with pytest.raises(ValueError, match=message) as caught:
        content_security_policy(policy)
    assert "test_content_security_policy.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("scripts-src", "Did you mean 'script-src'?"),
        ("image-src", "Did you mean 'img-src'?"),
        ("frame-ancestor", "Did you mean 'frame-ancestors'?"),
        ("everything", "There are: base-uri"),
    ],
)
@pytest.mark.parametrize("of", [lambda name: {name: "'self'"}, "{} 'self'".format])
def test_unknown_directive_is_refused(name, hint, of):
    """Browsers would ignore it; in a dict, and in a text."""
    with pytest.raises(ValueError, match=re.escape(hint)):
        content_security_policy(of(name))


def test_page_of_the_api_keeps_its_own_policy(way):
    """The page to try an API has a stricter policy, and works with it."""
    app = Costrel(__name__)
    app.debug = True
    response = way.ask(app, "/docs")
    assert response.status_code == 200
    assert policy_of(response)["default-src"] == "'none'"
    assert len(response.headers.getlist(POLICY)) == 1
    assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"]
