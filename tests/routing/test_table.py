"""The table answers the plain matches and leaves all others to Werkzeug."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule, ValidationError

from costrel import Flask, abort, request
from costrel.ground.registry import Epoch
from costrel.routing import RouteTable, RuleMap

# tests/property/test_routing.py holds the table against Werkzeug's own matching; here
# is what the table must leave to it, and what applications see of matching.


def match(rules, path, method="GET", **options):
    """Return endpoint and values by the table of these rules; None if it has no answer."""
    table = RouteTable(Map(rules, **options))
    assert table.usable
    found = table.match(path, method)
    return found and (found[0].endpoint, found[1])


def rule(path, endpoint="view", **options):
    """Make a rule."""
    return Rule(path, endpoint=endpoint, **options)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/fixed", {}),
        ("/s/text", {"a": "text"}),
        ("/i/007", {"a": 7}),
        ("/f/1.5", {"a": 1.5}),
        ("/p/x/y", {"a": "x/y"}),
        ("/any/b", {"a": "b"}),
        ("/x-1.y/end", {"a": "x", "b": 1, "c": "y"}),
        ("/é/ü", {"a": "ü"}),
        ("/d", {"a": 1}),
    ],
)
def test_plain_match_has_converted_values(path, values):
    """Each variable goes through its converter; defaults are added."""
    rules = [
        rule("/fixed"),
        rule("/s/<a>"),
        rule("/i/<int:a>"),
        rule("/f/<float:a>"),
        rule("/p/<path:a>"),
        rule("/any/<any(a, b):a>"),
        rule("/<a>-<int:b>.<c>/end"),
        rule("/é/<a>"),
        rule("/d", "other", defaults={"a": 1}),
    ]
    endpoint, found = match(rules, path)
    assert (endpoint, found) == ("other" if path == "/d" else "view", values)


@pytest.mark.parametrize(
    ("rules", "path", "method"),
    [
        ([rule("/a")], "/a/", "GET"),
        ([rule("/a/")], "/a", "GET"),
        ([rule("/a/<b>/")], "/a/b", "GET"),
        ([rule("/a/<path:b>/")], "/a/b", "GET"),
        ([rule("/a/b")], "/a//b", "GET"),
        ([rule("/<int(max=3):a>")], "/4", "GET"),
        ([rule("/a", redirect_to="/b")], "/a", "GET"),
        ([rule("/a", websocket=True)], "/a", "GET"),
        ([rule("/a"), rule("/b", alias=True)], "/b", "GET"),
        ([rule("/a/", defaults={"n": 1}), rule("/a/<int:n>")], "/a/1", "GET"),
    ],
)
def test_match_that_is_not_plain_is_left_to_werkzeug(rules, path, method):
    """Redirects, errors and what depends on more than path and method."""
    assert match(rules, path, method) is None


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([rule("/a")], "/b"),
        ([rule("/<int:a>")], "/x"),
        ([rule("/a", build_only=True)], "/a"),
        ([rule("/a", subdomain="sub")], "/a"),
    ],
)
def test_path_of_no_rule_is_not_found(rules, path):
    """The table says so itself, which spares asking Werkzeug."""
    with pytest.raises(NotFound):
        match(rules, path, "GET")


def test_more_specific_rule_comes_first():
    """Fixed text before variables, whatever the order of registration."""
    rules = [rule("/<path:a>", "path"), rule("/<a>/x", "text"), rule("/<int:a>/x", "int")]
    rules += [rule("/7/x", "fixed")]
    found = {path: match([r.empty() for r in rules], path)[0] for path in ("/7/x", "/8/x", "/y/x")}
    assert found == {"/7/x": "fixed", "/8/x": "int", "/y/x": "text"}
    assert match([r.empty() for r in rules], "/a/b/c")[0] == "path"


def test_rule_of_the_method_is_found_among_those_of_the_path():
    """One path may have a rule for each method."""
    rules = [rule("/a", "get", methods=["GET"]), rule("/a", "post", methods=["POST"])]
    assert match([r.empty() for r in rules], "/a", "POST")[0] == "post"
    assert match([r.empty() for r in rules], "/a", "HEAD")[0] == "get"


@pytest.mark.parametrize(
    "url_map",
    [Map([rule("/a", host="x.test")], host_matching=True), Map([rule("/a", subdomain="<x>")])],
)
def test_table_of_hosts_is_not_usable(url_map):
    """Where the host decides, only Werkzeug matches."""
    assert not RouteTable(url_map).usable


def test_map_tells_its_epoch_of_new_rules():
    """Without an epoch it is Werkzeug's map."""
    url_map = RuleMap()
    url_map.add(rule("/a"))
    url_map.epoch = Epoch()
    url_map.add(rule("/b"))
    assert url_map.epoch.value == 1
    assert [r.rule for r in url_map.iter_rules()] == ["/a", "/b"]


# Converters, in an application


class Converter(BaseConverter):
    """Do by the value whatever a converter may do."""

    calls = 0

    def to_python(self, value):
        type(self).calls += 1
        if value == "missing":
            abort(404, "no such thing")
        if value == "moved":
            raise RequestRedirect("http://localhost/new")
        if value == "wrong":
            raise ValidationError
        if value == "broken":
            raise ZeroDivisionError
        return f"{request.method} {value}"


def converting_app():
    """Make an application with the converter, replaced after construction."""
    app = Flask(__name__)
    app.url_map.converters["own"] = Converter
    app.get("/<own:value>", endpoint="own")(lambda value: value)
    app.get("/<other>/x", endpoint="other")(lambda other: f"other {other}")
    return app


@pytest.mark.usefixtures("path")
def test_converter_may_use_the_request():
    """It runs inside of the request's context, whose request then has its match."""
    app = converting_app()
    app.view_functions["own"] = lambda value: [value, request.endpoint, request.view_args]
    expected = ["GET x", "own", {"value": "GET x"}]
    assert app.test_client().get("/x").json == expected


@pytest.mark.usefixtures("path")
def test_http_error_of_a_converter_is_an_answer_of_routing():
    """Hooks run and see it, and its handler answers."""
    app = converting_app()
    seen = []
    app.before_request(lambda: seen.append((request.url_rule, request.routing_exception)))
    app.register_error_handler(404, lambda error: (f"handled {error.description}", 404))
    client = app.test_client()
    response = client.get("/missing")
    assert (response.status_code, response.text) == (404, "handled no such thing")
    assert seen[0][0] is None
    assert isinstance(seen[0][1], NotFound)
    response = client.get("/moved")
    assert (response.status_code, response.location) == (308, "http://localhost/new")


@pytest.mark.wsgi_only("one that refuses on the loop is asked again in a thread")
@pytest.mark.usefixtures("path")
def test_converter_that_refuses_is_asked_once():
    """The table's answer is taken; the URL adapter is not asked as well."""
    client = converting_app().test_client()
    before = Converter.calls
    assert client.get("/missing").status_code == 404
    assert Converter.calls == before + 1


@pytest.mark.usefixtures("path")
def test_value_that_a_converter_refuses_matches_other_rules_only():
    """A validation error is no match; other errors are errors of the request."""
    app = converting_app()
    client = app.test_client()
    assert client.get("/wrong").status_code == 404
    assert client.get("/wrong/x").text == "other wrong"
    assert client.get("/broken").status_code == 500
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        client.get("/broken")


@pytest.mark.usefixtures("path")
def test_standard_converter_may_be_replaced_before_rules_use_it():
    """COMPAT(connexion): ``converters["int"]`` of another class takes effect."""

    class Number(BaseConverter):
        regex = r"-?\d+"

        def to_python(self, value):
            return int(value) * 10

        def to_url(self, value):
            return str(value // 10)

    app = Flask(__name__)
    app.url_map.converters["int"] = Number
    app.get("/<int:number>", endpoint="view")(lambda number: f"{number}")
    assert app.test_client().get("/-3").text == "-30"
    with app.test_request_context():
        assert app.url_for("view", number=50) == "/5"


# What a client sees


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/a", 200, None),
        ("/a/", 404, None),
        ("/s", 308, "/s/"),
        ("/s?x=1", 308, "/s/?x=1"),
        ("/s/", 200, None),
        ("/s//", 308, "/s/"),
        ("/p/x//y", 200, None),
        ("/p//x", 308, "/p/x"),
        ("/loose", 200, None),
        ("/loose/", 200, None),
        ("/d/1", 308, "/d/"),
        ("/d/2", 200, None),
        ("/A", 404, None),
        ("/%61", 200, None),
        ("/n/3%0A", 404, None),
        ("/to", 308, "/a"),
    ],
)
def test_client_is_answered_as_werkzeug_matches(path, status, location):
    """Redirects for slashes and defaults, and what matches exactly."""
    app = Flask(__name__)
    app.url_map.add(Rule("/to", redirect_to="/a", endpoint="to"))
    for number, (text, options) in enumerate(
        {
            "/a": {},
            "/s/": {},
            "/p/<path:x>": {},
            "/loose": {"strict_slashes": False},
            "/n/<int:x>": {},
        }.items()
    ):
        app.add_url_rule(text, f"e{number}", lambda **values: "", **options)
    app.add_url_rule("/d/", "d", lambda n: "", defaults={"n": 1})
    app.add_url_rule("/d/<int:n>", "d")
    response = app.test_client().get(path)
    assert response.status_code == status
    expected = location and f"http://localhost{location}"
    assert response.location in {expected, location}


@pytest.mark.usefixtures("path")
def test_method_that_is_not_allowed_is_a_405_that_names_the_others():
    """SPEC(RFC 9110 §15.5.6): the header lists what the path answers."""
    app = Flask(__name__)
    app.get("/", endpoint="a")(lambda: "")
    app.put("/", endpoint="b")(lambda: "")
    response = app.test_client().delete("/")
    assert response.status_code == 405
    assert set(response.allow) == {"GET", "HEAD", "PUT", "OPTIONS"}


@pytest.mark.parametrize("method", ["POST", "DELETE", "post", "get"])
@pytest.mark.parametrize(
    "path",
    """
    / /a /a/ /b /b/ /s/ /s /loose /loose/ /v/x /v/x/ /v/ /v/fixed /n/1 /n/x /p/a/b /w /d /d/1 /x//y
    /x/y //a /only /m
    """.split(),
)
def test_another_method_is_answered_as_by_werkzeug(path, method):
    """The table answers 405 itself only if nothing else could match; `Allow` has one order."""
    app = Flask(__name__)
    for number, (rule, options) in enumerate(
        (
            ("/", {}),
            ("/a", {}),
            ("/b", {"methods": ["GET", "PUT"]}),
            ("/b", {"methods": ["PATCH", "DELETE"]}),
            ("/s/", {}),
            ("/loose", {"strict_slashes": False}),
            ("/v/<x>", {}),
            ("/v/fixed", {"methods": ["PUT"]}),
            ("/n/<int:x>", {}),
            ("/n/<x>", {"methods": ["PATCH"]}),
            ("/p/<path:x>", {}),
            ("/w", {"websocket": True}),
            ("/d", {"defaults": {"x": 1}, "endpoint": "d"}),
            ("/d/<int:x>", {"endpoint": "d"}),
            ("/x//y", {"merge_slashes": False}),
            ("/x/y", {"methods": ["PATCH"]}),
            ("/only", {"methods": ["POST"]}),
            ("/m", {"redirect_to": "/a"}),
        )
    ):
        endpoint = options.pop("endpoint", f"e{number}")
        app.add_url_rule(rule, endpoint, None, **options)
        app.view_functions[endpoint] = lambda **_values: ""

    def outcome(match):
        try:
            found = match()
        except HTTPException as error:
            return type(error), getattr(error, "valid_methods", None)
        return found and (found[0].rule, found[1])

    adapter = app.url_map.bind("localhost")
    table = RouteTable(app.url_map)
    ours = outcome(lambda: table.match(path, method))
    assert ours is None or ours == outcome(lambda: adapter.match(path, method, return_rule=True))
    if path in {"/a", "/b", "/v/x"} and method == "POST":
        assert ours is not None


@pytest.mark.usefixtures("path")
def test_options_are_answered_automatically_unless_the_view_does():
    """COMPAT(Flask-CORS): a view's attributes, the rule and the setting decide."""

    def own():
        return request.method

    own.provide_automatic_options = False
    own.required_methods = ["OPTIONS", "PATCH"]
    app = Flask(__name__)
    app.add_url_rule("/own", view_func=own)
    app.add_url_rule("/auto", "auto", lambda: "auto")
    app.add_url_rule("/off", "off", lambda: "off", provide_automatic_options=False)
    app.add_url_rule("/declared", "declared", lambda: "mine", methods=["OPTIONS"])
    client = app.test_client()
    assert client.options("/own").text == "OPTIONS"
    assert client.patch("/own").text == "PATCH"
    response = client.options("/auto")
    assert (response.status_code, response.data) == (200, b"")
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}
    assert client.options("/off").status_code == 405
    assert client.options("/declared").text == "mine"
    app = Flask(__name__)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/auto", "auto", lambda: "auto")
    assert app.test_client().options("/auto").status_code == 405
