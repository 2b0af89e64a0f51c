"""Tokens for browsers that do not say where a request comes from."""

from __future__ import annotations

import re

import pytest
from protected import make_app

from costrel import render_template_string, request, session
from costrel.security import csrf_field, csrf_token
from costrel.security.csrftokens import FIELD, HEADER, SESSION_KEY

pytestmark = pytest.mark.usefixtures("path")

FORM = "<form method=post>{{ csrf_field() }}</form>"


def make_shop(**config):
    """Return an application with a form, a login, and a view that takes both."""
    app = make_app(**config)

    @app.get("/form")
    def form():
        return render_template_string(FORM)

    @app.post("/form")
    def take():
        return f"took {request.form.get('name')}"

    @app.post("/loop")
    async def take_on_loop():
        return f"took {request.form.get('name')}"

    @app.get("/visit/<name>")
    def visit(name):
        session["cart"] = name
        return ""

    @app.get("/user/<name>")
    def user(name):
        session["_user_id"] = name
        return ""

    @app.get("/new")
    def new():
        session.pop(SESSION_KEY, None)
        return ""

    return app


def old_browser(app):
    """Return a client that keeps cookies, and says nothing of sites and origins."""
    client = app.test_client()
    client.environ_base.pop("HTTP_SEC_FETCH_SITE")
    return client


def token_in(page):
    """Return the token of a page's form."""
    return re.search(rf'name="{FIELD}" value="([^"]+)"', page.text)[1]


def post(client, token, path="/form", **headers):
    """Send the form; return its status."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    data = {"name": "Ada"} if token is None else {"name": "Ada", FIELD: token}
    return client.post(path, data=data, headers=fields).status_code


@pytest.mark.parametrize("visits", [(), ("/visit/tea",), ("/user/ada",)])
@pytest.mark.parametrize("path_", ["/form", "/loop"])
def test_form_with_its_token_is_accepted(visits, path_):
    """With a session or, before there is one, with a cookie of its own."""
    client = old_browser(make_shop())
    for visit in visits:
        client.get(visit)
    token = token_in(client.get("/form"))
    client.set_cookie("any", "cookie")
    assert post(client, None, path_) == 403
    assert post(client, token, path_) == 200
    assert post(client, token + "x", path_) == 403


def test_script_sends_its_token_in_a_header():
    """With a body of any type."""
    client = old_browser(make_shop())
    token = token_in(client.get("/form"))
    assert client.post("/form", json={}).status_code == 403
    assert client.post("/form", json={}, headers={HEADER: token}).status_code == 200


def test_files_bring_the_token_too():
    """In a multipart form."""
    client = old_browser(make_shop())
    token = token_in(client.get("/form"))
    data = {FIELD: token, "name": "Ada"}
    answer = client.post("/form", data=data, content_type="multipart/form-data")
    assert answer.text == "took Ada"


def test_token_of_somebody_else_is_refused():
    """It is bound to the session, or to the cookie."""
    app = make_shop()
    for visits in ((), ("/visit/tea",)):
        mine, theirs = old_browser(app), old_browser(app)
        for visit in visits:
            mine.get(visit)
            theirs.get(visit)
        theirs.get("/form")
        assert post(theirs, token_in(mine.get("/form"))) == 403


def test_token_of_a_visitor_is_worth_nothing_after_login():
    """SECURITY(login CSRF): whoever is logged in has a session that tokens are bound to."""
    client = old_browser(make_shop())
    token = token_in(client.get("/form"))
    client.get("/user/ada")
    assert post(client, token) == 403


def test_token_of_an_old_session_is_worth_nothing():
    """When the session gets a new identity, pages have to be loaded again."""
    client = old_browser(make_shop())
    client.get("/visit/tea")
    token = token_in(client.get("/form"))
    client.get("/new")
    client.get("/form")
    assert post(client, token) == 403


@pytest.mark.parametrize(
    ("site", "status"), [("same-site", 200), ("cross-site", 403), ("new-word", 403)]
)
def test_token_helps_a_sibling_site_only(site, status):
    """SECURITY(CVE-2021-21241): with a token that leaked, another site can do nothing."""
    client = old_browser(make_shop())
    token = token_in(client.get("/form"))
    assert post(client, token, Sec_Fetch_Site=site) == status


def test_token_helps_a_page_that_hides_its_origin():
    """A page without a referrer sends the origin "null"; so would any other."""
    client = old_browser(make_shop())
    token = token_in(client.get("/form"))
    assert post(client, token, Origin="null") == 200
    assert post(client, None, Origin="null") == 403


def test_token_is_made_anew_for_each_page():
    """SECURITY(BREACH): a compressed page must not give it away; within one it is the same."""
    client = old_browser(make_shop())
    first, second = token_in(client.get("/form")), token_in(client.get("/form"))
    assert first != second
    assert [post(client, token) for token in (first, second)] == [200, 200]
    app = make_shop()
    with app.test_request_context("/"):
        assert csrf_token() == csrf_token()
        assert csrf_token() in csrf_field()


@pytest.mark.parametrize(
    ("scheme", "debug", "name", "secure"),
    [
        ("https", False, "__Host-csrf", True),
        ("https", True, "__Host-csrf", True),
        ("http", False, "__Host-csrf", True),
        ("http", True, "csrf", False),
    ],
)
def test_cookie_is_for_this_host_only(scheme, debug, name, secure):
    """SECURITY(cookie tossing): another host below the same domain can't set it."""
    app = make_shop(DEBUG=debug)
    page = old_browser(app).get("/form", base_url=f"{scheme}://localhost")
    (cookie,) = page.headers.getlist("Set-Cookie")
    value, *attributes = cookie.split("; ")
    assert re.fullmatch(rf"{name}=[\w-]{{22}}", value)
    expected = {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set())
    assert set(attributes) == expected
    assert "Cookie" in page.headers["Vary"]


def test_cookie_is_sent_once():
    """The next page uses the one that is there."""
    client = old_browser(make_shop())
    assert client.get("/form").headers.getlist("Set-Cookie")
    assert not client.get("/form").headers.getlist("Set-Cookie")


def test_cookie_that_is_made_up_is_replaced():
    """Only what this application could have set counts."""
    client = old_browser(make_shop())
    client.set_cookie("__Host-csrf", "known")
    page = client.get("/form")
    assert page.headers.getlist("Set-Cookie")
    assert post(client, token_in(page)) == 200


def test_session_holds_the_value_and_the_page_does_not():
    """Where there is a session, no other cookie is needed."""
    client = old_browser(make_shop())
    client.get("/visit/tea")
    page = client.get("/form")
    assert not any("__Host-csrf" in cookie for cookie in page.headers.getlist("Set-Cookie"))
    with client.session_transaction() as stored:
        assert stored[SESSION_KEY] not in page.text


def test_key_that_was_replaced_still_verifies():
    """SECURITY(GHSA-4grg-w6v8-c28g): the new one signs; without the old one, its tokens end."""
    app = make_shop(SECRET_KEY="old" * 12)
    client = old_browser(app)
    token = token_in(client.get("/form"))
    app.config.update(SECRET_KEY="new" * 12, SECRET_KEY_FALLBACKS=["old" * 12])
    assert post(client, token) == 200
    newer = token_in(client.get("/form"))
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert post(client, token) == 403
    assert post(client, newer) == 200


def test_missing_secret_is_told_in_words():
    """A page that needs a token says what is missing; a request without one is refused."""
    app = make_shop(SECRET_KEY=None)
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="costrel secret"):
        csrf_token()
    client = old_browser(app)
    client.set_cookie("a", "b")
    assert post(client, "any") == 403


def test_global_of_the_application_stays():
    """COMPAT(Flask-WTF): it has a `csrf_token` of its own."""
    app = make_shop()
    app.jinja_env.globals["csrf_token"] = lambda: "own"

    @app.get("/own")
    def own():
        return render_template_string("{{ csrf_token() }}")

    assert app.test_client().get("/own").text == "own"


@pytest.mark.parametrize("token", ["", ".", "é", "a.b", "a" * 100_000, "\ud800", "\x00"])
def test_token_of_any_form_is_refused_without_an_error(token):
    """Whatever a client makes up."""
    client = old_browser(make_shop())
    client.get("/form")
    answer = client.post("/form", data=f"{FIELD}={token}".encode(errors="surrogatepass"),
                         content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code == 403
