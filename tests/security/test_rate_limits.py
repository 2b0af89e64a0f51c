"""Rate limits of views, blueprints and the application, and what clients are told of them."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import Blueprint, Costrel, Flask, abort, after_this_request, request, session
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.security import limit, limit_blueprint, limiter_of, protect, rate_limit_exempt
from costrel.security.state import exemptions_of
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


def make_app(cls=Costrel, **config):
    """Make an application with a view that is limited to two requests in an hour."""
    app = cls(__name__)
    app.config.update(config)

    @app.get("/")
    @limit("2/hour")
    def index():
        return "hello"

    @app.get("/free")
    def free():
        return "free"

    return app


def statuses(app, *paths, method="GET", **options):
    """Send requests one after the other; return their statuses."""
    client = app.test_client()
    return [client.open(path, method=method, **options).status_code for path in paths]


def test_view_refuses_what_is_more_than_its_limit():
    """The third request gets a 429, that of another client or view does not."""
    app = make_app()

    assert statuses(app, "/", "/", "/", "/free") == [200, 200, 429, 200]
    assert statuses(app, "/", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [200]


def test_client_is_told_what_is_left():
    """Each response of a limited view has the fields of the draft, a refusal ``Retry-After``."""
    client = make_app().test_client()

    first, second, third = (client.get("/") for _ in range(3))

    assert first.headers["RateLimit-Policy"] == '"2/hour";q=2;w=3600'
    assert first.headers["RateLimit"] == '"2/hour";r=1;t=3600'
    assert second.headers["RateLimit"] == '"2/hour";r=0;t=3600'
    assert third.headers["RateLimit"].startswith('"2/hour";r=0;t=')
    assert 3_600 <= int(third.headers["Retry-After"]) <= 7_200
    assert "At most 2/hour is allowed." in third.text
    assert "RateLimit" not in client.get("/free").headers


def test_fields_can_be_switched_off():
    """``RATE_LIMIT_HEADERS = False`` leaves ``Retry-After`` only."""
    client = make_app(RATE_LIMIT_HEADERS=False).test_client()
    responses = [client.get("/") for _ in range(3)]

    assert all("RateLimit" not in response.headers for response in responses)
    assert "Retry-After" in responses[-1].headers


def test_refusal_reaches_the_error_handlers():
    """A handler of 429 makes the page, and the fields are added to it."""
    app = make_app()
    app.errorhandler(429)(lambda error: (f"slowly: {error.retry_after}", 429))
    client = app.test_client()

    response = [client.get("/") for _ in range(3)][-1]

    assert response.text.startswith("slowly: ")
    assert "RateLimit" in response.headers


def test_refusal_is_logged(caplog):
    """The log names the path, the limit and the line that declares it."""
    caplog.set_level(logging.INFO, "costrel.security")
    statuses(make_app(), "/", "/", "/")

    assert "429 for '/': more than 2/hour of 'index' by '127.0.0.1'" in caplog.text
    assert "test_rate_limits.py:" in caplog.text


def test_several_limits_hold_together():
    """The one that is used up first refuses; all are told."""
    app = Costrel(__name__)

    @app.get("/")
    @limit("5/day; 2/minute")
    @limit("4 per 15 minutes", name="slow")
    def index():
        return ""

    client = app.test_client()
    policy = client.get("/").headers["RateLimit-Policy"]

    assert policy == ('"slow 4/15minutes";q=4;w=900, "2/minute";q=2;w=60, "5/day";q=5;w=86400')
    assert [client.get("/").status_code for _ in range(2)] == [200, 429]


def test_views_with_a_common_name_are_counted_together():
    """``name`` makes one count of several views."""
    app = Costrel(__name__)
    app.get("/a", endpoint="a")(limit("2/hour", name="both")(lambda: ""))
    app.get("/b", endpoint="b")(limit("2/hour", name="both")(lambda: ""))

    assert statuses(app, "/a", "/b", "/a", "/b") == [200, 200, 429, 429]


def test_key_decides_who_is_counted():
    """A function names the client; it may use the request."""
    app = Costrel(__name__)
    app.get("/")(limit("1/hour", key=lambda: request.headers["X-User"])(lambda: ""))
    client = app.test_client()

    def ask(user):
        return client.get("/", headers={"X-User": user}).status_code

    assert [ask("ada"), ask("ada"), ask("bob"), ask("ä/" * 500)] == [200, 429, 200, 200]


def test_cost_decides_how_much_is_counted():
    """A request may count for several, or for none."""
    app = Costrel(__name__)
    app.get("/")(limit("10/hour", cost=lambda: int(request.args["cost"]))(lambda: ""))
    app.get("/four", endpoint="four")(limit("10/hour", cost=4)(lambda: ""))

    assert statuses(app, "/?cost=9", "/?cost=0", "/?cost=2", "/?cost=1") == [200, 200, 429, 200]
    assert statuses(app, "/four", "/four", "/four") == [200, 200, 429]


@pytest.mark.parametrize(
    "address", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::5%eth0"]
)
def test_address_of_ipv6_is_counted_with_its_network(address):
    """A client has a whole /64, so its addresses count as one."""
    app = make_app()
    first = {"environ_overrides": {"REMOTE_ADDR": "2001:db8:1:2::"}}
    other = {"environ_overrides": {"REMOTE_ADDR": "2001:db8:1:3::1"}}

    assert statuses(app, "/", "/", **first) == [200, 200]
    assert statuses(app, "/", environ_overrides={"REMOTE_ADDR": address}) == [429]
    assert statuses(app, "/", **other) == [200]


def test_mapped_address_of_ipv4_is_that_address():
    """``::ffff:192.0.2.1`` is the client 192.0.2.1."""
    app = make_app()

    assert statuses(app, "/", "/", environ_overrides={"REMOTE_ADDR": "::ffff:192.0.2.1"})
    assert statuses(app, "/", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}) == [429]


def test_address_is_the_one_behind_the_trusted_proxy():
    """``TRUSTED_PROXIES`` decides whether a forwarded address is counted."""

    def ask(app, address):
        return statuses(app, "/", headers={"X-Forwarded-For": address})[0]

    trusting = make_app(TRUSTED_PROXIES=1)
    addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"]

    assert [ask(trusting, address) for address in addresses] == [200, 200, 429, 200]


def test_log_says_that_a_proxy_is_not_trusted(caplog):
    """Where all clients seem to be the proxy, one line of the log says what to set."""
    app = make_app()
    for number in range(3):
        statuses(app, "/", headers={"X-Forwarded-For": f"192.0.2.{number}"})

    assert caplog.text.count("TRUSTED_PROXIES = 1") == 1


def test_blueprint_is_limited_as_a_whole():
    """Its views, and those of blueprints within it, share one count."""
    app = Costrel(__name__)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/inner")
    outer.get("/a", endpoint="a")(lambda: "")
    outer.get("/b", endpoint="b")(rate_limit_exempt(lambda: ""))
    inner.get("/a", endpoint="a")(lambda: "")
    limit_blueprint(outer, "2/hour")
    outer.register_blueprint(inner)
    app.register_blueprint(outer, url_prefix="/api")
    app.get("/")(lambda: "")

    assert statuses(app, "/api/a", "/api/inner/a", "/api/a", "/api/inner/a") == [200, 200, 429, 429]
    assert statuses(app, "/api/b", "/") == [200, 200]


def test_default_limits_a_client_over_all_views():
    """``RATE_LIMIT_DEFAULT`` counts every request but those for files, also where nothing is."""
    app = make_app(RATE_LIMIT_DEFAULT="3/hour")

    assert statuses(app, "/", "/free", "/static/none.css", "/nowhere", "/free") == [
        200,
        200,
        404,
        404,
        429,
    ]


def test_exempt_view_has_only_its_own_limits():
    """`rate_limit_exempt` takes a view out of the default; an audit reads where."""
    app = make_app(RATE_LIMIT_DEFAULT="1/hour")

    @app.get("/health")
    @rate_limit_exempt
    def health():
        return ""

    assert statuses(app, "/health", "/health", "/free", "/free") == [200, 200, 200, 429]
    exemptions = [one for one in exemptions_of(app) if one.feature == "rates"]
    assert [one.target for one in exemptions] == ["health"]
    assert "test_rate_limits.py:" in exemptions[0].origin


def test_exempt_blueprint_is_out_of_the_default():
    """A blueprint can be taken out as a whole."""
    app = make_app(RATE_LIMIT_DEFAULT="1/hour")
    hooks = Blueprint("hooks", __name__)
    hooks.get("/hook")(lambda: "")
    app.register_blueprint(rate_limit_exempt(hooks))

    assert statuses(app, "/hook", "/hook") == [200, 200]


def test_methods_that_are_not_named_do_not_count():
    """``methods`` limits some methods only; OPTIONS never counts by default."""
    app = Costrel(__name__)

    @app.route("/", methods=["GET", "POST"])
    @limit("1/hour", methods=["post"])
    def index():
        return ""

    assert statuses(app, "/", "/", method="POST") == [200, 429]
    assert statuses(app, "/", "/") == [200, 200]
    assert statuses(make_app(), *["/"] * 4, method="OPTIONS") == [200] * 4


def test_methods_of_a_class_have_limits_of_their_own():
    """`limit` on a method limits that method; GET's also HEAD."""
    app = Costrel(__name__)

    class Items(MethodView):
        @limit("1/hour")
        def get(self):
            return ""

        @limit("2/hour")
        def post(self):
            return ""

    app.add_url_rule("/", view_func=Items.as_view("items"))

    assert statuses(app, "/", "/") == [200, 429]
    assert statuses(app, "/", method="HEAD") == [429]
    assert statuses(app, "/", "/", "/", method="POST") == [200, 200, 429]


def test_class_is_limited_by_its_decorators():
    """``decorators`` of a class, and what ``as_view`` returns, are limited as views are."""
    app = Costrel(__name__)

    class Items(MethodView):
        decorators = (limit("1/hour"),)

        def get(self):
            return ""

    class Others(MethodView):
        def get(self):
            return ""

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/others", view_func=limit("1/hour")(Others.as_view("others")))

    assert statuses(app, "/items", "/items") == [200, 429]
    assert statuses(app, "/others", "/others") == [200, 429]


def test_class_itself_can_not_be_limited():
    """The error says what to write instead."""

    class Items(MethodView):
        pass

    with pytest.raises(TypeError, match=r"decorators = \[limit\('1/hour'\)\]"):
        limit("1/hour")(Items)


@pytest.mark.parametrize("text", ["ten/minute", "", "10", "10/fortnight", "0/minute", 10])
def test_text_that_is_no_limit_is_an_error(text):
    """The error names the line, and what could be written."""
    with pytest.raises(ValueError, match=r"is no rate limit.*test_rate_limits\.py:\d+"):
        limit(text)


def test_async_and_typed_views_are_limited():
    """Over ASGI too, on the event loop."""
    app = Costrel(__name__)

    @app.get("/async")
    @limit("1/hour")
    async def later():
        await asyncio.sleep(0)
        return "later"

    @app.get("/typed")
    @limit("1/hour", key=lambda: "one")
    async def typed(page: int = 1) -> dict[str, int]:
        return {"page": page}

    async def main():
        client = app.async_test_client()
        return [await client.get(path) for path in ("/async", "/async", "/typed", "/typed")]

    responses = asyncio.run(main())

    assert [one.status_code for one in responses] == [200, 429, 200, 429]
    assert responses[0].headers["RateLimit"] == '"1/hour";r=0;t=3600'
    assert responses[3].mimetype == "application/problem+json"
    assert "Retry-After" in responses[3].headers


def test_decorator_of_the_application_is_the_function():
    """``app.limit`` is `limit`, above or below the route."""
    app = Costrel(__name__)

    @app.limit("1/hour")
    @app.get("/")
    def index():
        return ""

    assert statuses(app, "/", "/") == [200, 429]


def test_flask_has_limits_once_it_is_protected():
    """On `Flask`, `limit` only says what `protect` enforces."""
    app = make_app(Flask)
    assert statuses(app, "/", "/", "/") == [200, 200, 200]

    protected = make_app(Flask)
    protect(protected)

    assert statuses(protected, "/", "/", "/") == [200, 200, 429]


def test_document_has_the_refusal():
    """OpenAPI lists 429 for limited operations, and for these only."""
    app = Costrel(__name__)

    @app.get("/one")
    @limit("1/hour")
    def one() -> int:
        return 1

    @app.get("/two")
    def two() -> int:
        return 2

    paths = app.test_client().get("/openapi.json").json["paths"]

    assert "429" in paths["/one"]["get"]["responses"]
    assert "429" not in paths["/two"]["get"]["responses"]


def test_limiter_counts_attempts():
    """`limiter_of` gives the application's limiter, for whatever else is limited."""
    app = Costrel(__name__)
    limiter = limiter_of(app)

    assert [limiter.hit("login", "2/minute; 3/hour", "ada").allowed for _ in range(3)] == [
        True,
        True,
        False,
    ]
    assert limiter.hit("login", "2/minute", "bob").remaining == 1
    limiter.reset("login", "ada")
    assert limiter.hit("login", "2/minute; 3/hour", "ada").remaining == 1
    with app.app_context():
        assert limiter_of() is limiter


def test_counts_outlive_a_change_of_the_configuration():
    """Another setting does not give each client a new start."""
    app = make_app()
    assert statuses(app, "/", "/") == [200, 200]

    app.config["CHANGED"] = True

    assert statuses(app, "/") == [429]


@pytest.mark.wsgi_only("the server is asked for its processes by the environ")
def test_log_says_that_processes_count_apart(caplog):
    """Behind gunicorn with several workers, one line of the log says what to set."""
    app = make_app()
    environ = EnvironBuilder("/").get_environ()
    environ |= {"wsgi.multiprocess": True, "SERVER_SOFTWARE": "gunicorn/24.0"}
    for _ in range(3):
        run_wsgi_app(app, dict(environ))

    assert caplog.text.count("RATE_LIMIT_STORE") == 1


VIEWS = {
    "text": lambda: "hello",
    "json": lambda: {"a": 1},
    "status": lambda: ("made", 201, {"X-Own": "1"}),
    "own": lambda: ("own", 200, {"RateLimit": "mine"}),
    "empty": lambda: ("", 204),
    "session": lambda: str(session.setdefault("a", 1)),
    "read": lambda: str(session.get("a")),
    "error": lambda: abort(404),
    "later": lambda: after_this_request(lambda response: response) and "later",
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("interface", ["WSGI", "ASGI"])
def test_limited_answer_is_the_same_on_every_way(view, shown, interface, monkeypatch):
    """To the order of its header fields, with and without the fields of its limits."""

    def answers(general):
        monkeypatch.setenv(FORCE_GENERAL, general)
        app = Costrel("same", static_folder=None)
        app.config.update(SECRET_KEY="k", RATE_LIMIT_HEADERS=shown)

        def in_thread():
            return view()

        async def on_loop():
            return view()

        for name, function in (("sync", in_thread), ("async", on_loop)):
            limited = limit("3/hour", name="ä")(limit("9/day")(function))
            app.add_url_rule(f"/{name}", name, limited)
        found = []
        if interface == "WSGI":
            client = app.test_client()
            for method in ("GET", "HEAD", "GET", "GET"):
                response = client.open("/sync", method=method)
                found.append((response.status, list(response.headers), response.data))
        else:

            async def ask():
                client = app.async_test_client()
                for method in ("GET", "HEAD", "GET", "GET"):
                    response = await client.open("/async", method=method)
                    found.append((response.status, list(response.headers), response.data))

            asyncio.run(ask())
        return [(status, without_times(fields), body) for status, fields, body in found]

    planned, general = answers("0"), answers("1")
    assert planned == general
    assert planned[3][0].startswith("429")
    assert any(name == "ratelimit" for name, _value in planned[1][1]) == (
        shown or view is VIEWS["own"]
    )


def without_times(fields):
    """Return header fields without what changes from one request to the next."""
    timed = {"ratelimit", "retry-after", "set-cookie"}
    named = [(name.lower(), value) for name, value in fields]
    return [
        (name, re.sub(r"t=[0-9]+|(?<==)[^;]*|[0-9]+", "", value) if name in timed else value)
        for name, value in named
        if name != "x-request-id"
    ]
