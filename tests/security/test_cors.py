"""Pages of other origins may use what a policy says, and nothing else.

The advisories of Flask-CORS are here: CVE-2024-6221, CVE-2024-1681, CVE-2024-6839, CVE-2024-6844,
CVE-2024-6866 and CVE-2020-25032.
"""

from __future__ import annotations

import logging
import re

import pytest
from werkzeug.exceptions import Forbidden

from costrel import Blueprint, Costrel, Flask, abort, session
from costrel.ground.protection import Check
from costrel.security import cors, cors_route, exemptions_of, guard, security_of
from costrel.security.corspolicy import make_policy

SHOP = "https://shop.example"
EVIL = "https://evil.example"


def make_app(cls=Flask):
    """Make an application with a view of several methods, and others without a policy."""
    app = cls(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    app.add_url_rule("/plain", "plain", lambda: "plain")
    return app


def fields_of(response):
    """Return what a response says of CORS."""
    return {
        name.removeprefix("Access-Control-"): value
        for name, value in response.headers
        if name.startswith("Access-Control-")
    }


def preflight(way, app, path="/", method="PUT", origin=SHOP, **headers):
    """Ask, as a browser does, whether a request would be allowed."""
    return way.ask(
        app,
        path,
        "OPTIONS",
        headers={"Origin": origin, "Access-Control-Request-Method": method, **headers},
    )


def test_listed_origin_may_read(way):
    """It is named in the response; caches are told that others are not."""
    app = make_app()
    cors(app, [SHOP, "http://localhost:3000"], expose=["X-Total", "ETag"])
    app.add_url_rule("/", "view", lambda: {"a": 1})
    for origin in (SHOP, "http://localhost:3000"):
        response = way.ask(app, headers={"Origin": origin})
        assert fields_of(response) == {
            "Allow-Origin": origin,
            "Expose-Headers": "X-Total, ETag",
        }
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://SHOP.example",
        "https://shop.example/",
        "https://shop.example, https://evil.example",
        "",
    ],
)
def test_other_origin_gets_no_field_but_vary(way, origin):
    """Only what is listed, letter by letter, is allowed."""
    app = make_app()
    cors(app, [SHOP], credentials=True)
    app.add_url_rule("/", "view", lambda: "x", methods=["PUT"])
    response = way.ask(app, method="PUT", headers={"Origin": origin})
    assert fields_of(response) == {}
    assert response.headers["Vary"] == "Origin"
    asked = preflight(way, app, origin=origin)
    assert fields_of(asked) == {}
    assert asked.status_code == 200


def test_request_without_origin_varies_too(way):
    """Otherwise a cache would give its response to a page that needs the field."""
    app = make_app()
    cors(app, SHOP)
    app.add_url_rule("/", "view", lambda: ("x", {"Vary": "Accept"}))
    response = way.ask(app)
    assert fields_of(response) == {}
    assert response.headers.getlist("Vary") == ["Accept, Origin"]


def test_credentials_are_said(way):
    """Cookies are sent to this origin, which is named."""
    app = make_app()
    cors(app, SHOP, credentials=True)
    app.secret_key = "k" * 40

    @app.get("/")
    def view():
        return str(session.get("a"))

    response = way.ask(app, headers={"Origin": SHOP})
    assert fields_of(response) == {"Allow-Origin": SHOP, "Allow-Credentials": "true"}
    assert {name.strip() for name in response.headers["Vary"].split(",")} == {"Origin", "Cookie"}


def test_anybody_may_read_without_credentials(way):
    """The response is the same for all, and still varies."""
    app = make_app()
    cors(app, "*")
    app.add_url_rule("/", "view", lambda: "x")
    response = way.ask(app, headers={"Origin": EVIL})
    assert fields_of(response) == {"Allow-Origin": "*"}
    assert response.headers["Vary"] == "Origin"


def test_null_is_allowed_only_if_it_is_listed(way):
    """Any page can have that origin, in a sandboxed frame."""
    app = make_app()
    cors(app, [SHOP, "null"])
    app.add_url_rule("/", "view", lambda: "x")
    assert fields_of(way.ask(app, headers={"Origin": "null"})) == {"Allow-Origin": "null"}


def test_preflight_is_answered_from_the_rule(way):
    """It names the methods that exist there, and the header fields that are listed."""
    app = make_app()
    cors(app, SHOP, headers=["Content-Type", "Authorization"], credentials=True, max_age_s=60)
    app.add_url_rule("/", "view", lambda: "x", methods=["GET", "PUT"])
    response = preflight(way, app, **{"Access-Control-Request-Headers": "x-evil, content-type"})
    assert response.status_code == 204
    assert response.data == b""
    assert fields_of(response) == {
        "Allow-Origin": SHOP,
        "Allow-Credentials": "true",
        "Allow-Methods": "GET, HEAD, PUT",
        "Allow-Headers": "Content-Type, Authorization",
        "Max-Age": "60",
    }
    assert response.headers.getlist("Vary") == ["Origin"]
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize(("path", "method"), [("/", "DELETE"), ("/none", "GET"), ("/", "X-EVIL")])
def test_preflight_for_what_does_not_exist_is_not_allowed(way, path, method):
    """Neither the method nor the path is sent back."""
    app = make_app()
    cors(app, SHOP)
    app.add_url_rule("/", "view", lambda: "x", methods=["GET", "PUT"])
    asked = preflight(way, app, path, method)
    assert "Allow-Methods" not in fields_of(asked)
    assert "X-EVIL" not in str(asked.headers)


def test_preflight_asks_for_the_rule_of_the_method(way):
    """Rules of one path may have different policies, whichever answers OPTIONS."""
    app = make_app(Costrel)

    @app.get("/")
    def read():
        return "x"

    @app.put("/")
    @cors_route(SHOP)
    def write():
        return "x"

    assert fields_of(preflight(way, app))["Allow-Methods"] == "PUT"
    assert fields_of(preflight(way, app, method="GET")) == {}


def test_preflight_needs_no_rule_for_options(way):
    """Also where OPTIONS is not answered automatically."""
    app = make_app()
    cors(app, SHOP)
    app.add_url_rule("/", "view", lambda: "x", methods=["PUT"], provide_automatic_options=False)
    assert preflight(way, app).status_code == 204
    assert way.ask(app, method="OPTIONS").status_code == 405


def test_preflight_is_answered_before_the_hooks(way):
    """It has no credentials, so a login would refuse it."""
    app = make_app()
    cors(app, SHOP)
    app.before_request(lambda: abort(401))
    app.add_url_rule("/", "view", lambda: "x", methods=["PUT"])
    assert preflight(way, app).status_code == 204
    refused = way.ask(app, method="PUT", headers={"Origin": SHOP})
    assert refused.status_code == 401
    assert fields_of(refused) == {"Allow-Origin": SHOP}


def test_methods_limit_what_other_origins_may_use(way):
    """Of those that the rule has."""
    app = make_app()
    cors(app, SHOP, methods=["get", "PATCH"])
    app.add_url_rule("/", "view", lambda: "x", methods=["GET", "PUT"])
    assert fields_of(preflight(way, app)) == {"Allow-Origin": SHOP}
    assert fields_of(preflight(way, app, method="GET"))["Allow-Methods"] == "GET"


def test_options_that_is_no_preflight_is_answered_as_usual(way):
    """Without the fields of a preflight it asks for the methods."""
    app = make_app()
    cors(app, SHOP)
    app.add_url_rule("/", "view", lambda: "x", methods=["PUT"])
    response = way.ask(app, method="OPTIONS", headers={"Origin": SHOP})
    assert response.status_code == 200
    assert set(response.allow) == {"OPTIONS", "PUT"}


@pytest.mark.parametrize(
    ("path", "status"), [("/401", 401), ("/500", 500), ("/none", 404), ("/typed?n=x", 422)]
)
def test_errors_may_be_read_too(way, path, status):
    """A page must be able to tell what is wrong."""
    app = make_app(Costrel)
    cors(app, SHOP)
    app.add_url_rule("/401", "unauthorized", lambda: abort(401))
    app.add_url_rule("/500", "error", lambda: 1 / 0)

    @app.get("/typed")
    def typed(n: int) -> dict[str, int]:
        return {"n": n}

    response = way.ask(app, path, headers={"Origin": SHOP})
    assert response.status_code == status
    assert fields_of(response)["Allow-Origin"] == SHOP


def test_static_files_and_async_views_have_it(way, tmp_path):
    """Whatever the rule is."""
    (tmp_path / "a.js").write_text("a")
    app = make_app()
    app.static_folder = tmp_path
    cors(app, SHOP)

    @app.get("/async")
    async def view():
        return "x"

    for path in ("/static/a.js", "/async", "/plain"):
        response = way.ask(app, path, headers={"Origin": SHOP})
        assert response.status_code == 200
        assert fields_of(response) == {"Allow-Origin": SHOP}
        response.close()


def test_blueprint_and_view_have_policies_of_their_own(way):
    """The nearest counts, as a whole; what has none has no field."""
    app = make_app()
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    cors(blueprint, SHOP, credentials=True)
    blueprint.add_url_rule("/", "view", lambda: "x")
    blueprint.add_url_rule("/open", "open", cors_route("*")(lambda: "x"))
    app.register_blueprint(blueprint)
    ask = {"headers": {"Origin": SHOP}}
    assert fields_of(way.ask(app, "/api/", **ask)) == {
        "Allow-Origin": SHOP,
        "Allow-Credentials": "true",
    }
    assert fields_of(way.ask(app, "/api/open", **ask)) == {"Allow-Origin": "*"}
    plain = way.ask(app, "/plain", **ask)
    assert fields_of(plain) == {}
    assert "Vary" not in plain.headers


@pytest.mark.parametrize("path", ["/api/x%2fy", "/API/", "/api/../plain", "/api/+", "/plain"])
def test_policy_follows_the_rule_not_the_path(way, path):
    """CVE-2024-6839, CVE-2024-6844, CVE-2024-6866: the matched rule decides, as for the view."""
    app = make_app()
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    cors(blueprint, SHOP)
    blueprint.add_url_rule("/", "view", lambda: "x")
    app.register_blueprint(blueprint)
    assert fields_of(way.ask(app, path, headers={"Origin": SHOP})) == {}


def test_private_networks_are_not_opened(way):
    """CVE-2024-6221: a page of the web may not ask a server behind the firewall."""
    app = make_app()
    cors(app, "*")
    app.add_url_rule("/", "view", lambda: "x", methods=["PUT"])
    asked = preflight(way, app, **{"Access-Control-Request-Private-Network": "true"})
    assert "Allow-Private-Network" not in fields_of(asked)


def test_line_breaks_of_a_client_are_not_logged(way, caplog):
    """CVE-2024-1681: nothing about an origin or a path is written to the log."""
    app = make_app()
    cors(app, SHOP)
    app.logger.disabled = False
    with caplog.at_level(logging.DEBUG):
        way.ask(app, "/plain%0d%0aforged", headers={"Origin": EVIL})
    assert "forged" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("costrel")
    )


def test_response_that_names_an_origin_itself_keeps_it(way):
    """A view may decide for itself."""
    app = make_app()
    cors(app, SHOP)
    app.add_url_rule("/", "view", lambda: ("x", {"Access-Control-Allow-Origin": EVIL}))
    assert fields_of(way.ask(app, headers={"Origin": SHOP})) == {"Allow-Origin": EVIL}


def test_pattern_matches_the_whole_origin(way):
    """CVE-2020-25032 and its like: neither a prefix nor a suffix of it is enough."""
    app = make_app()
    cors(app, re.compile(r"https://[a-z0-9-]+\.shop\.example"))
    app.add_url_rule("/", "view", lambda: "x")
    for origin, allowed in {
        "https://a.shop.example": True,
        "https://a.shop.example.evil.example": False,
        "https://evil.example/https://a.shop.example": False,
        "https://a.b.shop.example": False,
        "https://a.shop.example\n": False,
    }.items():
        if "\n" in origin:
            assert not security_of(app).cors.everywhere.allows(origin)
            continue
        assert bool(fields_of(way.ask(app, headers={"Origin": origin}))) is allowed


@pytest.mark.parametrize("origin", ["https://a/.shop.example", "https://a?.shop.example", "x"])
def test_pattern_sees_only_what_is_an_origin(origin):
    """Whatever it would match."""
    policy = make("https://.*[.]shop[.]example|x")
    assert not policy.allows(origin)
    assert policy.allows("https://a.shop.example")


def make(pattern, **arguments):
    """Make a policy of a pattern."""
    options = {"methods": None, "headers": (), "expose": (), "credentials": False, "max_age_s": 1}
    return make_policy("here", re.compile(pattern), **{**options, **arguments})


@pytest.mark.parametrize(
    ("origins", "arguments", "message"),
    [
        ("*", {"credentials": True}, "every page of the web"),
        ([SHOP, "*"], {"credentials": True}, "every page of the web"),
        (["null"], {"credentials": True}, "every page of the web"),
        (re.compile(".*"), {"credentials": True}, "every page of the web"),
        ("https://shop.example/", {}, "'https://shop.example'"),
        ("https://Shop.example", {}, "'https://shop.example'"),
        ("https://shop.example:443", {}, "usual port"),
        ("https://*.shop.example", {}, "pass a pattern"),
        ("shop.example", {}, "scheme"),
        ([], {}, "empty"),
        (re.compile("https://a.shop.example"), {}, "dot"),
        (SHOP, {"headers": ["a b"]}, "no name"),
        (SHOP, {"headers": ["*"], "credentials": True}, "List the names"),
    ],
)
def test_policy_that_is_not_meant_so_is_refused(origins, arguments, message):
    """The error names the line, and says what to write."""
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        cors(Flask(__name__), origins, **arguments)
    assert "test_cors.py:" in str(caught.value)
    with pytest.raises(ValueError, match=re.escape(message)):
        cors_route(origins, **arguments)


def make_checked(**arguments):
    """Make an application that takes every request of the method POST for a forged one."""
    app = make_app()
    guard.install(app)

    def refuse(_request):
        raise Forbidden

    security_of(app).checks.append(Check("csrf", lambda _endpoint, _rule: True, refuse))
    app.add_url_rule("/", "view", cors_route(**arguments)(lambda: "x"), methods=["POST"])
    cors(app, "https://other.example")
    return app


@pytest.mark.parametrize(
    ("arguments", "origin", "cookie", "status"),
    [
        ({"origins": SHOP, "credentials": True}, SHOP, True, 200),
        ({"origins": SHOP, "credentials": True}, EVIL, True, 403),
        ({"origins": SHOP}, SHOP, True, 403),
        ({"origins": SHOP}, SHOP, False, 200),
        ({"origins": "*"}, SHOP, False, 200),
        ({"origins": "*"}, SHOP, True, 403),
        ({"origins": [SHOP, "null"]}, "null", False, 403),
        ({"origins": re.compile(r"https://[a-z]+\.example")}, SHOP, False, 200),
    ],
)
def test_origin_that_is_trusted_passes_the_check_for_forged_requests(
    way, arguments, origin, cookie, status
):
    """With cookies only if these are allowed; nobody is trusted because everybody may read.

    Without cookies, everybody may send what has no body, as they may send JSON.
    """
    app = make_checked(**arguments)
    headers = {"Origin": origin, **({"Cookie": "a=b"} if cookie else {})}
    assert way.ask(app, method="POST", headers=headers).status_code == status
    if arguments["origins"] == "*":
        form = {"data": b"a=1", "content_type": "text/plain"}
        assert way.ask(app, method="POST", headers=headers, **form).status_code == 403


@pytest.mark.parametrize(
    ("authorization", "credentials", "status"),
    [
        ("Basic YWRhOng=", False, 403),
        ("digest x=y", False, 403),
        ("Negotiate abc", False, 403),
        ("Bearer abc", False, 200),
        ("Basic YWRhOng=", True, 200),
    ],
)
def test_credentials_of_the_browser_are_credentials(way, authorization, credentials, status):
    """Those for Basic and its like are added by browsers, as cookies are; tokens are not."""
    app = make_checked(origins=SHOP, credentials=credentials)
    headers = {"Origin": SHOP, "Authorization": authorization}
    assert way.ask(app, method="POST", headers=headers).status_code == status


@pytest.mark.parametrize("methods", [["GET"], ["GET", "PUT"], ["POST"], ["post"], None])
@pytest.mark.parametrize("credentials", [False, True])
def test_only_methods_of_the_policy_are_trusted(way, methods, credentials):
    """A form sends a POST without asking, so that not listing it has to be enough."""
    app = make_checked(origins=SHOP, credentials=credentials, methods=methods)
    status = way.ask(app, method="POST", headers={"Origin": SHOP}).status_code
    assert status == (200 if methods in (["POST"], ["post"], None) else 403)


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://shop\.example.*",
        r"https://[^.]+\.shop\.example.*",
        r"https://a\.example|https://b\.example\S*",
        r"https://(a|b)\.example[a-z.-]*",
        r"https://.*shop\.example",
        r"https://\S*shop\.example",
        r"https://shop\.[a-z]+",
        r"(?i)https://shop\.example.*",
        r"https://shop\.example.*(:\d+)?",
        r"https://\w+\.example",
        r"https://[a-z0-9.-]*shop\.co\.uk",
        r"https://[a-z.]*example\.com\.br",
        r"https://\S+example\.co\.jp",
        r"https://\w+\.co\.jp",
        r"https://[a-z0-9-]+\.herokuapp\.com",
        r"https://shop\.example:?[0-9]*",
        r"https://shop\.example[:0-9]*",
        r"https://shop\.example\d?",
        r"https://shop\.example[a-z.]{0,3}",
        r"https://shop\.exam[a-z]{3,6}",
        r"https://shop\.example(?:\.[a-z]{2})?",
        r"https://(?:[a-z]+\.|[a-z]+-)?shop\.example",
        r"https://(?:[a-z]+\.|)[a-z-]*shop\.example",
        r"https://(?:a\.|[a-z]){2}shop\.example",
        r"https://(?:[a-z]+\.)?(?:[a-z]{1,20}shop|shop)\.example",
        r"https://(?P<name>[a-z]+)\.example\.(?P=name)",
        r"https://192\.168\.0\.1|https://\d+\.\d+\.\d+\.\d+",
        r"https://8\.8\.8\.\d+",
        r"http://\[2001:db8::\d+\]",
        r"https://(?:www\.)?",
    ],
)
def test_pattern_that_is_open_at_an_end_takes_no_credentials(pattern):
    """Anybody can have a host that goes on behind the last dot, or before the name."""
    cors(make_app(), re.compile(pattern))
    with pytest.raises(ValueError, match=r"may match hosts that anybody can have: .*at their end"):
        cors(make_app(), re.compile(pattern), credentials=True)


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://[a-z0-9-]+\.shop\.example",
        r"https://([a-z0-9-]+\.)?shop\.example",
        r"https://([a-z0-9-]+\.)*shop\.example",
        r"https://shop\.example(:\d+)?",
        r"https?://(www|api)\.shop\.(com|net)",
        r"http://localhost:[0-9]+",
        r"http://[a-z]+\.localhost:3000",
        r"^https://[^.]+\.shop\.example$",
        r"(?i)https://pr-\d+\.shop\.example",
        r"https://.+\.shop\.example",
        r"https://(?:[a-z-]+\.)*example\.co\.uk",
        r"https://[a-z]+\.example\.co\.uk:8443",
        r"https://(?:www\.|api-)?shop\.example",
        r"https://(?!evil)[^.]+\.shop[.]example",
        r"https://[a-z]+\.shop\.(?:com|co\.uk)",
        r"https://(?:a|b){2}\.example",
        r"https://shop[0-9]+\.shop\.example(?::443)?",
        r"http://192\.168\.\d+\.\d+(:\d+)?",
        r"http://\[::1\](:\d{2,5})?",
        r"https://[a-z]+\.shop\.internal",
    ],
)
def test_pattern_of_own_hosts_takes_credentials(pattern):
    """Subdomains and ports may vary."""
    cors(make_app(), re.compile(pattern), credentials=True)


def test_policies_are_listed_for_an_audit():
    """Who may read, and who is trusted, is an exemption."""
    app = make_app()
    cors(app, "*")
    app.add_url_rule("/", "view", cors_route(SHOP, credentials=True)(lambda: "x"))
    found = [e for e in exemptions_of(app) if e.feature == "cors"]
    assert {(e.target, e.reason) for e in found} == {
        ("*", "* may read responses"),
        ("view", f"{SHOP} may read responses, with credentials, and pass the check for CSRF"),
    }
    assert all("test_cors.py:" in e.origin for e in found)


def test_policy_declared_between_two_requests_counts(way):
    """The next request is compiled anew."""
    app = make_app()
    assert fields_of(way.ask(app, "/plain", headers={"Origin": SHOP})) == {}
    cors(app, SHOP)
    assert fields_of(way.ask(app, "/plain", headers={"Origin": SHOP})) == {"Allow-Origin": SHOP}


def test_factory_says_for_each_application_who_may_read(way):
    """Of one blueprint: what was said before an application registered it counts there."""
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    blueprint.add_url_rule("/", "view", lambda: "x")
    origins = [SHOP, "https://test.example"]
    apps = []
    for origin in origins:
        app = make_app()
        cors(blueprint, origin)
        app.register_blueprint(blueprint)
        apps.append(app)
    for app, origin in zip(apps, origins, strict=True):
        for asked in origins:
            found = fields_of(way.ask(app, "/api/", headers={"Origin": asked}))
            assert found == ({"Allow-Origin": origin} if asked == origin else {})
        assert [one.reason.split()[0] for one in exemptions_of(app)] == [origin]
    other = make_app(Costrel)
    other.register_blueprint(blueprint, name="renamed")
    assert fields_of(way.ask(other, "/api/", headers={"Origin": origins[1]})) == {
        "Allow-Origin": origins[1]
    }


def test_policy_that_comes_after_the_registration_stops_the_start():
    """It would have no effect; the error says where it is, and where it belongs."""
    app = Costrel("x")
    blueprint = Blueprint("api", __name__)
    blueprint.add_url_rule("/", "view", lambda: "x")
    app.register_blueprint(blueprint)
    cors(blueprint, SHOP)
    with pytest.raises(RuntimeError, match=r"test_cors\.py.*'api'.*above register_blueprint"):
        app._check_start(served=False)
    other = Costrel("y")
    other.register_blueprint(blueprint)
    other._check_start(served=False)
    assert fields_of(other.test_client().get("/", headers={"Origin": SHOP})) == {
        "Allow-Origin": SHOP
    }
