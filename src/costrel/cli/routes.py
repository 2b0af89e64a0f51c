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
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show all registered routes with their endpoints and methods."""
    url_map: Map = current_app.url_map
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
            ", ".join(sorted((rule.methods or set()) - hidden)),
            *([domain[1](rule)] if domain else []),
            rule.rule,
        ]
        for rule in rules
    ]
    column = {"endpoint": 0, "methods": 1, "domain": 2 if domain else 0, "rule": -1}
    if sort != "match":
        rows.sort(key=lambda row: row[column[sort]])
    _echo_table(headers, rows)


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
