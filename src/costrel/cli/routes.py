"""``costrel routes``: show the routes of the application."""

from __future__ import annotations

import typing as t

import click

from ..commands.groups import with_appcontext
from ..ground.current import current_app

if t.TYPE_CHECKING:
    from werkzeug.routing import Map, Rule

_AUTOMATIC_METHODS = frozenset({"HEAD", "OPTIONS"})


@click.command("routes", short_help="Show the routes of the application.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(["endpoint", "methods", "domain", "rule", "match"]),
    default="endpoint",
    help="Column to sort by. 'match' is the order in which a request is matched.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS too.")
@click.option("--verbose", "-v", is_flag=True, help="Show views, hooks and where they run.")
@click.option(
    "--match",
    nargs=2,
    metavar="METHOD PATH",
    help="Show what a request runs, for example: POST /books/7. The method of a WebSocket is WS.",
)
@with_appcontext
def routes_command(
    sort: str, all_methods: bool, verbose: bool, match: tuple[str, str] | None
) -> None:
    """Show all registered routes with their endpoints and methods."""
    from .checking import checked

    app = checked(current_app._get_current_object())
    # Those of the OpenAPI document, which are otherwise added at the first request.
    app._add_document_rules()
    if match is not None:
        from .matching import matched

        for line in matched(app, *match):
            click.echo(line)
        return

    url_map: Map = app.url_map
    rules = list(url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return

    hidden = frozenset() if all_methods else _AUTOMATIC_METHODS
    domain = _domain_column(url_map, rules)
    headers = ["Endpoint", "Methods", *([domain[0]] if domain else []), "Rule"]
    rows = [
        [
            str(rule.endpoint),
            _methods(rule, hidden),
            *([domain[1](rule)] if domain else []),
            rule.rule,
        ]
        for rule in rules
    ]
    column = {"endpoint": 0, "methods": 1, "domain": 2 if domain else 0, "rule": -1}
    order = list(range(len(rows)))
    if sort != "match":
        order.sort(key=lambda number: rows[number][column[sort]])
    if not verbose:
        _echo_table(headers, [rows[number] for number in order])
        return
    from .matching import steps

    for number in order:
        click.echo("  ".join([rows[number][-1], *rows[number][1:-1], rows[number][0]]))
        for line in steps(app, rules[number]):
            click.echo(f"    {line}")


def _methods(rule: Rule, hidden: frozenset[str]) -> str:
    return "WebSocket" if rule.websocket else ", ".join(sorted((rule.methods or set()) - hidden))


def _domain_column(
    url_map: Map, rules: t.Sequence[Rule]
) -> tuple[str, t.Callable[[Rule], str]] | None:
    """Return the column for hosts or subdomains, if any rule has one."""
    if url_map.host_matching:
        return ("Host", lambda rule: rule.host or "") if any(r.host for r in rules) else None
    if any(rule.subdomain for rule in rules):
        return "Subdomain", lambda rule: rule.subdomain or ""
    return None


def _echo_table(headers: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    for row in (headers, ["-" * width for width in widths], *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
