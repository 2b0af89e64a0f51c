"""``costrel routes``."""

from __future__ import annotations

import typing as t

import pytest
from click.testing import CliRunner

from costrel import Blueprint, Flask
from costrel.cli import FlaskGroup


def _make_app(**options: t.Any) -> Flask:
    app = Flask("shop", static_folder=None, **options)
    app.add_url_rule("/items/<int:number>", endpoint="item", methods=["GET", "PUT"])
    app.add_url_rule("/about", endpoint="about")
    app.add_url_rule("/buy", endpoint="zbuy", methods=["POST"])
    return app


def _routes(app: Flask, *args: str) -> list[str]:
    result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["routes", *args])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_routes_are_a_table_sorted_by_endpoint() -> None:
    """Columns are aligned, without trailing blanks, HEAD and OPTIONS."""
    assert _routes(_make_app()) == [
        "Endpoint  Methods   Rule",
        "--------  --------  -------------------",
        "about     GET       /about",
        "item      GET, PUT  /items/<int:number>",
        "zbuy      POST      /buy",
    ]


def test_routes_sort_option_chooses_the_column() -> None:
    """Each choice of ``--sort`` orders the rows its own way."""
    app = _make_app()
    order = {
        choice: [line.split()[0] for line in _routes(app, "--sort", choice)[2:]]
        for choice in ("methods", "rule", "match", "domain")
    }

    assert order["methods"] == ["about", "item", "zbuy"]
    assert order["rule"] == ["about", "zbuy", "item"]
    assert order["match"] == [rule.endpoint for rule in app.url_map.iter_rules()]
    assert order["domain"] == ["about", "item", "zbuy"]


def test_routes_all_methods_shows_the_automatic_ones() -> None:
    """``--all-methods`` adds HEAD and OPTIONS."""
    assert "about     GET, HEAD, OPTIONS" in _routes(_make_app(), "--all-methods")[2]


def test_routes_with_subdomains_get_a_column() -> None:
    """A subdomain on one rule shows the column, empty for the others."""
    app = _make_app()
    app.add_url_rule("/api", subdomain="api", endpoint="api")

    lines = _routes(app, "--sort", "domain")

    assert lines[0].split() == ["Endpoint", "Methods", "Subdomain", "Rule"]
    assert lines[-1].split() == ["api", "GET", "api", "/api"]


def test_routes_with_hosts_get_a_column() -> None:
    """With host matching the column is called Host."""
    app = Flask("shop", static_folder=None, host_matching=True)
    app.add_url_rule("/", host="a.example", endpoint="home")

    lines = _routes(app)

    assert lines[0].split() == ["Endpoint", "Methods", "Host", "Rule"]
    assert lines[2].split() == ["home", "GET", "a.example", "/"]


def test_routes_of_an_app_without_any_say_so() -> None:
    """Without routes, a sentence is shown instead of an empty table."""
    assert _routes(Flask("empty", static_folder=None)) == ["No routes were registered."]


def _club() -> Flask:
    app = Flask("club", static_folder=None)
    bp = Blueprint("books", __name__, url_prefix="/books")
    bp.before_request(_check)
    bp.after_request(_stamp)
    bp.get("/<int:number>", endpoint="show")(_show)
    bp.post("/<int:number>", endpoint="change")(_change)
    bp.get("/all/", endpoint="all")(_show)
    app.register_blueprint(bp)
    app.before_request(_first)
    app.websocket("/chat")(_chat)
    app.before_websocket(_guard)
    return app


def _first() -> None: ...
def _check() -> None: ...
def _stamp(response: t.Any) -> t.Any:
    return response


def _show(number: int = 0) -> str:
    return str(number)


async def _change(number: int) -> str:
    return str(number)


async def _guard() -> None: ...
async def _chat() -> None: ...


def _sock() -> None: ...


def _place_of(function: t.Any) -> str:
    return f"{function.__name__} (tests/cli/test_routes.py:{function.__code__.co_firstlineno})"


def test_websocket_is_marked_in_the_methods() -> None:
    """Its row says WebSocket, where other rules have their methods."""
    rows = _routes(_club())
    assert [row.split()[1] for row in rows if "/chat" in row] == ["WebSocket"]


def test_websocket_of_an_extension_is_shown_as_a_request() -> None:
    """Request hooks run before it, in a thread."""
    app = _club()
    pytest.importorskip("simple_websocket")
    app.add_url_rule("/sock", view_func=_sock, websocket=True)
    lines = _routes(app, "--match", "WS", "/sock")
    assert f"before    {_place_of(_first)}" in lines
    assert lines[-1] == "runs      in a thread"


def test_verbose_routes_show_view_hooks_and_place() -> None:
    """For each rule in the order in which they run, with file and line."""
    lines = _routes(_club(), "--verbose", "--sort", "rule")
    start = lines.index("/books/<int:number>  POST  books.change")
    assert lines[start + 1 : start + 6] == [
        f"    before    {_place_of(_first)}",
        f"    before    {_place_of(_check)}",
        f"    view      {_place_of(_change)}, async",
        f"    after     {_place_of(_stamp)}",
        "    runs      on the event loop (ASGI), its sync functions in threads",
    ]
    start = lines.index("/chat  WebSocket  _chat")
    assert lines[start + 1] == f"    before    {_place_of(_guard)}, async"
    assert lines[start + 3] == "    runs      on the event loop (ASGI)"


def test_verbose_routes_say_what_is_on_the_general_path() -> None:
    """An overridden step is the reason."""

    class Own(Flask):
        def dispatch_request(self) -> t.Any:
            return super().dispatch_request()

    app = Own("own", static_folder=None)
    app.get("/")(_show)
    assert "general path" in _routes(app, "--verbose")[-1]


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("POST", "/books/7", "endpoint  books.change"),
        ("post", "/books/7?page=2", "values    number=7"),
        ("GET", "http://example.org/books/7", "endpoint  books.show"),
        ("GET", "/books/x", "404 Not Found: no rule matches /books/x"),
        ("PUT", "/books/7", "405 Method Not Allowed: /books/7 has GET, HEAD, OPTIONS, POST"),
        ("GET", "/books/all", "308 redirect to http://localhost/books/all/"),
        ("WS", "/chat", "rule      /chat (WebSocket)"),
        ("WebSocket", "/chat", "endpoint  _chat"),
        ("GET", "/chat", "400 Bad Request: /chat is a WebSocket; use --match WS /chat"),
        ("WS", "/books/all/", "400 Bad Request: /books/all/ is no WebSocket"),
    ],
)
def test_match_says_what_a_request_runs(method: str, path: str, line: str) -> None:
    """The rule, its values and steps, or the response of a request that matches none."""
    assert line in _routes(_club(), "--match", method, path)
