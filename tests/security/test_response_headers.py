"""The header fields that protect users are on every response, once, and can be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from costrel import (
    Blueprint,
    Costrel,
    Flask,
    Response,
    abort,
    send_file,
    send_from_directory,
    session,
    stream_template_string,
    stream_with_context,
)
from costrel.security import (
    DEFAULT_HEADERS,
    content_security_policy,
    exemptions_of,
    headers,
    headers_for,
    protect,
)
from costrel.views import MethodView

HSTS = "Strict-Transport-Security"
POLICY = "Content-Security-Policy"
EXPECTED = {
    **{name: value for name, value in DEFAULT_HEADERS.items() if name != HSTS},
    POLICY: (
        "default-src 'self'; img-src 'self' data:; base-uri 'self'; object-src 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
}


def make_app(cls=Costrel, **config):
    """Make an application whose server errors are answered."""
    app = cls(__name__)
    app.config.update(PROPAGATE_EXCEPTIONS=False, **config)
    app.logger.disabled = True
    return app


def assert_protected(response):
    """Each field is there, once, with its default value."""
    for name, value in EXPECTED.items():
        assert response.headers.getlist(name) == [value]
    assert HSTS not in response.headers


VIEWS = {
    "text": lambda: "text",
    "json": lambda: {"a": 1},
    "bytes": lambda: b"bytes",
    "status": lambda: ("made", 201),
    "no content": lambda: ("", 204),
    "response": lambda: Response("r", headers={"X-A": "1"}),
    "stream": lambda: (part for part in "ab"),
    "redirect": lambda: abort(Response(status=302, headers={"Location": "/"})),
    "not found": lambda: abort(404),
    "forbidden": lambda: abort(403),
    "error": lambda: 1 / 0,
    "session": lambda: str(len(session)),
}


@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_response_of_any_kind_has_each_field_once(way, kind, method):
    """Text, JSON, streams, redirects and errors have the same fields."""
    app = make_app()
    app.add_url_rule("/", "view", VIEWS[kind])
    assert_protected(way.ask(app, method=method))


@pytest.mark.parametrize("kind", VIEWS)
def test_response_of_async_view_has_each_field_once(way, kind):
    """Whether its view is a coroutine function makes no difference."""
    app = make_app()

    @app.get("/")
    async def view():
        return VIEWS[kind]()

    assert_protected(way.ask(app))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/", 405),
        ("OPTIONS", "/", 200),
        ("GET", "/folder", 308),
        ("GET", "/static/page.css", 200),
        ("GET", "/static/none.css", 404),
    ],
)
def test_response_that_no_view_made_has_each_field_once(way, method, path, status, tmp_path):
    """Routing errors, redirects, OPTIONS and static files have them too."""
    (tmp_path / "page.css").write_text("p {}")
    app = make_app()
    app.static_folder = tmp_path
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/folder/", "folder", lambda: "x")
    response = way.ask(app, path, method)
    assert response.status_code == status
    assert_protected(response)
    response.close()


def test_static_file_that_is_unmodified_has_the_fields(way, tmp_path):
    """A 304 updates what the browser has stored with the file."""
    (tmp_path / "page.css").write_text("p {}")
    app = make_app()
    app.static_folder = tmp_path
    first = way.ask(app, "/static/page.css")
    tag = first.headers["ETag"]
    first.close()
    for _ in range(2):
        response = way.ask(app, "/static/page.css", headers={"If-None-Match": tag})
        assert response.status_code == 304
        assert_protected(response)
        assert response.headers["Cache-Control"] == "no-cache"
        response.close()


def test_flask_sends_none_of_them(way):
    """`Flask` answers as Flask does."""
    app = Flask(__name__)
    app.add_url_rule("/", "view", lambda: "text")
    assert [name for name, _ in way.ask(app).headers] == ["Content-Type", "Content-Length"]


def test_protected_flask_sends_the_same_as_costrel(way):
    """`protect` gives to a `Flask` what `Costrel` has."""
    plain, safe = make_app(Flask), make_app(Costrel)
    protect(plain)
    for app in (plain, safe):
        app.add_url_rule("/", "view", lambda: "text")
    assert way.ask(plain).headers == way.ask(safe).headers


def test_field_that_a_response_has_stays(way):
    """What a view has set is not overwritten, nor repeated."""
    app = make_app()

    @app.get("/")
    def view():
        return "x", {"x-frame-options": "SAMEORIGIN", POLICY: "default-src 'none'"}

    response = way.ask(app)
    assert response.headers.getlist("X-Frame-Options") == ["SAMEORIGIN"]
    assert response.headers.getlist(POLICY) == ["default-src 'none'"]


def test_field_that_an_after_hook_sets_stays(way):
    """Hooks of the application run before, whichever way they were registered."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")

    @app.after_request
    def change(response):
        assert "Referrer-Policy" not in response.headers
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    assert way.ask(app).headers.getlist("Referrer-Policy") == ["no-referrer"]


def test_hook_registered_before_the_others_still_works(way):
    """An extension may insert its after-hook at the front; it then sees the fields."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")
    seen = []

    def look(response):
        seen.append(response.headers["X-Frame-Options"])
        return response

    app.after_request_funcs[None].insert(0, look)
    assert_protected(way.ask(app))
    assert seen == ["DENY"]


def test_after_hook_that_fails_leaves_the_error_protected(way):
    """The page of a server error has the fields although a hook fails for it too."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")

    @app.after_request
    def fail(response):
        raise ValueError

    response = way.ask(app)
    assert response.status_code == 500
    assert_protected(response)


def test_hsts_is_sent_over_tls_only(way):
    """A browser must ignore it over plain HTTP (RFC 6797 §8.1)."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")
    assert HSTS not in way.ask(app).headers
    secure = way.ask(app, base_url="https://localhost")
    assert secure.headers[HSTS] == "max-age=31536000"


def test_hsts_is_not_sent_in_debug_mode(way):
    """A browser would not talk plain HTTP to localhost any more, on any port."""
    app = make_app()
    app.debug = True
    app.add_url_rule("/", "view", lambda: "x")
    assert HSTS not in way.ask(app, base_url="https://localhost").headers


def test_setting_changes_drops_and_adds_fields(way):
    """SECURITY_HEADERS has the differences, in any spelling."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")
    assert_protected(way.ask(app))
    app.config["SECURITY_HEADERS"] = {
        "referrer-policy": "no-referrer",
        "Permissions-Policy": None,
        "X-Own": "1",
    }
    response = way.ask(app)
    assert response.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert "Permissions-Policy" not in response.headers
    assert response.headers["X-Own"] == "1"


def test_setting_none_sends_no_field(way):
    """The policy has a setting of its own."""
    app = make_app(SECURITY_HEADERS=None, CONTENT_SECURITY_POLICY=None)
    app.add_url_rule("/", "view", lambda: "x")
    names = {name for name, _ in way.ask(app).headers}
    assert names == {"Content-Type", "Content-Length"}


def test_default_of_settings_can_not_be_changed_for_all_applications():
    """The default is shared, and changing it in place would not be noticed."""
    app = Costrel(__name__)
    with pytest.raises(TypeError):
        app.config["SECURITY_HEADERS"]["X-A"] = "1"


def test_view_changes_its_own_fields(way):
    """The decorator is about this view, its errors included."""
    app = make_app()

    @app.get("/")
    @headers({"Cross-Origin-Resource-Policy": "cross-origin", "X-Frame-Options": None})
    def view():
        abort(403)

    app.add_url_rule("/other", "other", lambda: "x")
    response = way.ask(app)
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "X-Frame-Options" not in response.headers
    assert "frame-ancestors" not in response.headers[POLICY]
    assert_protected(way.ask(app, "/other"))


def test_class_based_view_changes_its_own_fields(way):
    """As a decorator of the class, or in its `decorators`."""
    app = make_app()

    @headers({"Referrer-Policy": "no-referrer"})
    class Decorated(MethodView):
        def get(self):
            return "x"

    class Listed(MethodView):
        decorators = [headers({"Referrer-Policy": "same-origin"})]  # noqa: RUF012  Flask's

        def get(self):
            return "x"

    app.add_url_rule("/decorated", view_func=Decorated.as_view("decorated"))
    app.add_url_rule("/listed", view_func=Listed.as_view("listed"))
    assert way.ask(app, "/decorated").headers["Referrer-Policy"] == "no-referrer"
    assert way.ask(app, "/listed").headers["Referrer-Policy"] == "same-origin"


def test_blueprint_changes_the_fields_of_its_views(way):
    """An inner blueprint counts more than the one around it, and a view more than both."""
    app = make_app()
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    headers_for(outer, {"Referrer-Policy": "no-referrer", "X-Own": "outer"})
    headers_for(inner, {"X-Own": "inner"}, policy={"img-src": "*"})
    outer.add_url_rule("/outer", "view", lambda: "x")
    inner.add_url_rule("/inner", "view", lambda: "x")
    inner.add_url_rule("/view", "own", headers({"X-Own": "view"})(lambda: "x"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/", "view", lambda: "x")
    found = {path: way.ask(app, path).headers for path in ("/outer", "/inner", "/view")}
    assert [found[path]["X-Own"] for path in found] == ["outer", "inner", "view"]
    assert all(fields["Referrer-Policy"] == "no-referrer" for fields in found.values())
    assert ["img-src *" in fields[POLICY] for fields in found.values()] == [False, True, True]
    assert_protected(way.ask(app))


@pytest.mark.parametrize(
    ("options", "ancestors"), [("SAMEORIGIN", "frame-ancestors 'self'"), (None, None)]
)
def test_framing_that_is_allowed_is_allowed_in_the_policy(way, options, ancestors):
    """Browsers prefer the policy to X-Frame-Options, so the two must agree."""
    app = make_app(SECURITY_HEADERS={"X-Frame-Options": options})
    app.add_url_rule("/", "view", lambda: "x")
    policy = way.ask(app).headers[POLICY]
    assert ancestors in policy if ancestors else "frame-ancestors" not in policy


@pytest.mark.parametrize(
    ("ancestors", "options"),
    [("'self'", "SAMEORIGIN"), ("https://partner.example", None), ("'none'", "DENY")],
)
def test_framing_that_the_policy_allows_is_allowed(way, ancestors, options):
    """The older field says the same, or is left out if it can't."""
    app = make_app(CONTENT_SECURITY_POLICY={"frame-ancestors": ancestors})
    app.add_url_rule("/", "view", lambda: "x")
    assert way.ask(app).headers.get("X-Frame-Options") == options


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"X-A": "a\r\nX-B: b"}, "without line breaks"),
        ({"X A": "a"}, "no name"),
        ({"X-A": "é"}, "of ASCII"),
        ({"X-A": 1}, "can't have the value 1"),
        ({"content-security-policy": "x"}, "@content_security_policy"),
        ("X-A: a", "a dict"),
    ],
)
def test_field_that_can_not_be_sent_is_refused_where_it_is_written(values, message):
    """The error names the file."""
    with pytest.raises(ValueError, match=message) as caught:
        headers(values)
    assert "test_response_headers.py:" in str(caught.value)


@pytest.mark.parametrize("value", ["ALLOW-FROM https://partner.example", "ALLOWALL", "DENY, DENY"])
def test_framing_that_browsers_do_not_know_is_refused(planned, value):
    """The policy would lose its directive with it; the error names that."""
    app = make_app(SECURITY_HEADERS={"x-frame-options": value})
    with pytest.raises(ValueError, match="frame-ancestors"):
        app.test_client().get("/")
    with pytest.raises(ValueError, match=r"frame-ancestors.*None"):
        headers({"X-Frame-Options": value})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("X-Frame-Option", "X-Frame-Options"),
        ("x-content-type-option", "X-Content-Type-Options"),
        ("Referer-Policy", "Referrer-Policy"),
        ("Permission-Policy", "Permissions-Policy"),
        ("Strict-Transport-Securty", "Strict-Transport-Security"),
        ("Cross-Origin-Open-Policy", "Cross-Origin-Opener-Policy"),
    ],
)
def test_misspelled_field_is_refused(name, meant):
    """Browsers would ignore it, and the default would stay."""
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        headers({name: None})


@pytest.mark.parametrize("name", ["X-Own", "Cross-Origin-Embedder-Policy", "X-Request-Id", "Nel"])
def test_other_fields_are_accepted(name):
    """Whatever they are for."""
    headers({name: "value"})


def test_setting_that_can_not_be_sent_is_named(planned):
    """The first request raises an error that names the setting."""
    app = Costrel(__name__)
    app.testing = True
    app.config["SECURITY_HEADERS"] = {"X-A": "a\nb"}
    app.add_url_rule("/", "view", lambda: "x")
    with pytest.raises(ValueError, match="the setting SECURITY_HEADERS"):
        app.test_client().get("/")


def test_what_is_no_function_can_not_be_marked():
    """The error says what to decorate instead."""
    with pytest.raises(TypeError, match="Decorate the function"):
        headers({"X-A": "1"})("view".upper)


def test_response_that_read_the_session_is_not_stored_by_caches(way):
    """Not even by the browser, where others might go back to it."""
    app = make_app(SECRET_KEY="k" * 40)

    @app.get("/")
    def view():
        return str(session.get("user"))

    @app.get("/own")
    def own():
        session["n"] = 1
        return "x", {"Cache-Control": "private"}

    app.add_url_rule("/plain", "plain", lambda: "x")
    response = way.ask(app)
    assert response.headers.getlist("Cache-Control") == ["no-store"]
    assert "Cookie" in response.headers["Vary"]
    assert way.ask(app, "/own").headers.getlist("Cache-Control") == ["private"]
    assert "Cache-Control" not in way.ask(app, "/plain").headers


def make_streams(app):
    """Add views whose bodies read the session when the header fields have been sent."""

    @app.get("/generator")
    def generator():
        return stream_with_context(str(session.get("user")) for _ in range(2))

    @app.get("/wrapped")
    def wrapped():
        return Response(iter(list(map(str.encode, generator()))), headers={"Vary": "Accept"})

    @app.get("/template")
    def template():
        return stream_template_string("{{ session.user }}")

    @app.get("/async")
    async def async_generator():
        async def make():
            yield str(session.get("user"))

        return stream_with_context(make())

    @app.get("/own")
    def own():
        return Response(generator(), headers={"Cache-Control": "max-age=60"})


@pytest.mark.parametrize("path", ["/generator", "/wrapped", "/template", "/async"])
def test_stream_that_may_read_the_session_is_not_stored_by_caches(way, path):
    """It is known only afterwards, so it is taken for read."""
    app = make_app(SECRET_KEY="k" * 40)
    make_streams(app)
    response = way.ask(app, path)
    assert response.headers.getlist("Cache-Control") == ["no-store"]
    assert "Cookie" in ", ".join(response.headers.getlist("Vary"))


def test_stream_keeps_the_caching_that_was_set(way):
    """It varies by cookie nevertheless."""
    app = make_app(SECRET_KEY="k" * 40)
    make_streams(app)
    response = way.ask(app, "/own")
    assert response.headers.getlist("Cache-Control") == ["max-age=60"]
    assert response.headers.getlist("Vary") == ["Cookie"]


def fields_of_file(way, app, path):
    """Return the header fields of a file, and close it."""
    response = way.ask(app, path)
    response.close()
    return response.headers


@pytest.mark.parametrize(
    ("age_s", "options", "private"),
    [
        (None, {}, "no-store"),
        (3600, {}, "no-store"),
        (None, {"max_age": 60}, "private, max-age=60"),
        (3600, {"max_age": lambda _path: 60}, "private, max-age=60"),
        (3600, {"max_age": 0}, "no-cache, max-age=0"),
    ],
)
def test_file_of_a_view_that_read_the_session_is_not_public(way, age_s, options, private):
    """`send_file` knows of no users, so what it sets counts for files for everybody."""
    app = make_app(SECRET_KEY="k" * 40, SEND_FILE_MAX_AGE_DEFAULT=age_s)

    @app.get("/private")
    def private_file():
        return send_file(__file__, **options) if session.get("user") is None else "x"

    @app.get("/late")
    def late():
        response = send_from_directory(Path(__file__).parent, Path(__file__).name, **options)
        session.get("user")
        return response

    @app.get("/own")
    def own():
        response = private_file()
        response.headers["Cache-Control"] = "public, max-age=7"
        return response

    app.add_url_rule("/public", "public", lambda: send_file(__file__, **options))
    for path in ("/private", "/late", "/private", "/late"):
        found = fields_of_file(way, app, path)
        assert found.getlist("Cache-Control") == [private]
        assert "Expires" not in found or private.startswith("no-cache")
    assert fields_of_file(way, app, "/own")["Cache-Control"] == "public, max-age=7"
    public = fields_of_file(way, app, "/public")["Cache-Control"]
    assert "private" not in public
    assert "no-store" not in public


@pytest.mark.parametrize(
    ("age_s", "expected"), [(None, "no-cache"), (3600, "private, max-age=3600")]
)
def test_static_file_stays_in_the_clients_cache_if_a_hook_reads_the_session(
    way, age_s, expected, tmp_path
):
    """As hooks do that look who is logged in: static files are for everybody whom they let in."""
    (tmp_path / "x.css").write_text("x")
    app = Costrel(__name__, static_folder=tmp_path, static_url_path="/s")
    app.config.update(SECRET_KEY="k" * 40, SEND_FILE_MAX_AGE_DEFAULT=age_s)
    app.before_request(lambda: session.get("user"))
    assert fields_of_file(way, app, "/s/x.css").getlist("Cache-Control") == [expected]


def test_weakened_fields_are_listed_for_an_audit():
    """Every place that weakens one is named, and none that only tightens."""
    app = Costrel(__name__)
    app.config["SECURITY_HEADERS"] = {"Referrer-Policy": "no-referrer", HSTS: "max-age=60"}
    app.config["CONTENT_SECURITY_POLICY"] = {"script-src": "'none'", "base-uri": None}
    blueprint = Blueprint("shop", __name__)
    headers_for(blueprint, {"X-Frame-Options": "SAMEORIGIN"})

    @blueprint.get("/")
    @content_security_policy(None)
    @headers({"X-Content-Type-Options": None, "X-Own": "1"})
    def view():
        return "x"

    app.register_blueprint(blueprint)
    found = [e for e in exemptions_of(app) if e.feature == "headers"]
    assert {(e.target, e.reason) for e in found} == {
        ("*", f"{HSTS}: max-age=60"),
        ("*", "Content-Security-Policy without base-uri"),
        ("shop", "X-Frame-Options: SAMEORIGIN"),
        ("shop.view", "without X-Content-Type-Options"),
        ("shop.view", "without Content-Security-Policy"),
    }
    origins = {e.origin for e in found if e.target != "*"}
    assert all("test_response_headers.py:" in origin for origin in origins)


def test_view_may_be_marked_between_two_requests(way):
    """A blueprint that is changed when it is registered later is compiled again."""
    app = make_app()
    app.add_url_rule("/", "view", lambda: "x")
    assert_protected(way.ask(app))
    app.view_functions["view"] = headers({"X-Own": "1"})(lambda: "x")
    assert way.ask(app).headers["X-Own"] == "1"


def test_rules_with_the_same_fields_share_what_is_compiled():
    """It takes kilobytes; a rule with other fields, or settings that change, get their own."""
    app = make_app()
    hook = app.after_request_funcs[None][0]
    app.add_url_rule("/one", "one", lambda: "x")
    app.add_url_rule("/two", "two", lambda: "x")
    app.add_url_rule("/own", "own", headers({"X-Own": "1"})(lambda: "x"))

    def compiled():
        rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
        return [hook.compile(app, rules[endpoint]) for endpoint in ("one", "two", "own")]

    one, two, own = compiled()
    assert one is two
    assert ("X-Own", "1") in own.insecure
    app.config["SECURITY_HEADERS"] = {"X-Frame-Options": "SAMEORIGIN"}
    assert ("X-Frame-Options", "SAMEORIGIN") in compiled()[0].insecure
    for number in range(300):
        app.config["SECURITY_HEADERS"] = {"X-Number": str(number)}
        assert ("X-Number", str(number)) in compiled()[1].insecure
    assert len(hook._made) <= 100
