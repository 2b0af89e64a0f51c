"""``costrel routes``."""

from __future__ import annotations

import typing as t

from click.testing import CliRunner

from costrel import Flask
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
