"""Write the tables of a run into the page about benchmarks, between their marks.

python benchmarks/page.py [results.json [page.md]]
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import typing as t

from figures import Figure, Group, Results, from_json
from ratios import describe, list_rows
from registry import ROOT, Peer, load_peers, load_safe_peers, load_typed_peers
from report import make_idiom_row, show_number, show_others, show_ratio

PAGE = ROOT.parent / "docs" / "benchmarks.md"


def write(results: Results, page: pathlib.Path, peers: dict[str, Peer]) -> None:
    """Replace what is between the marks of each table."""
    text = page.read_text()
    typed_peers, safe_peers = load_typed_peers(), load_safe_peers()
    tables = {
        "defaults": make_workloads(results, "defaults", peers, "x Flask", Group.of_flask),
        "typed": make_workloads(results, "typed", typed_peers, "x bare", Group.of_bare),
        "typed-http": make_workloads(results, "typed-http", typed_peers, "x bare", Group.of_bare),
        "typed-routes": make_costs(results, typed_peers),
        "safe": make_workloads(results, "safe", safe_peers, "x Flask", Group.of_flask),
        "safe-http": make_workloads(results, "safe-http", safe_peers, "x Flask", Group.of_flask),
        "idioms": make_idioms(results, "idioms", peers),
        "idioms-http": make_idioms(results, "idioms-http", peers),
    }
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not between.search(text):
            raise SystemExit(f"{page} has no lines {begin} and {end}, between which a table goes")
        if lines:
            table = "\n".join([begin, *lines, end])
            text = between.sub(lambda _, table=table: table, text)
    page.write_text(text)


Ratio = t.Callable[[Group, Figure], float | None]


def make_workloads(
    results: Results, kind: str, peers: dict[str, Peer], about: str, ratio: Ratio
) -> list[str]:
    """Return the table of one kind: a row per peer and server, two columns per workload."""
    groups = [group for group in results.groups if group.kind == kind]
    cells: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        for figure in group.ranked():
            cells.setdefault((figure.peer, figure.where), [])
    for (peer, where), row in cells.items():
        for group in groups:
            figure = group.find(peer, where)
            row.append(show_number(figure.median) if figure else "-")
            row.append(show_ratio(ratio(group, figure) if figure else None))
    if not cells:
        return []
    header = ["", "", *(cell for group in groups for cell in (f"`{group.name}`", about))]
    rows = [[peers[peer].title, where, *row] for (peer, where), row in cells.items()]
    return make_table(header, rows, left=2)


def make_costs(results: Results, peers: dict[str, Peer]) -> list[str]:
    """Return the table of what many typed routes cost: a row per application."""
    groups = [group for group in results.groups if group.kind == "typed-routes"]
    names = dict.fromkeys((found.peer, found.where) for group in groups for found in group.figures)
    rows = []
    for peer, where in names:
        found = [group.find(peer, where) for group in groups]
        shown = [f"{show_number(one.median)} {one.unit}" if one else "-" for one in found]
        rows.append([f"{peers[peer].title}, {where} views", *shown])
    return make_table(["", *(group.name for group in groups)], rows, left=1) if rows else []


def make_idioms(results: Results, kind: str, peers: dict[str, Peer]) -> list[str]:
    """Return the table of one way to measure idioms, the smallest ratio first."""
    rows = list_rows(results, kind)
    if not rows:
        return []
    cells = [[*make_idiom_row(row), show_others(row, peers)] for row in rows]
    others = "ASGI" if kind == "idioms-http" else "others"
    table = make_table(["", "Flask", "Costrel", "x Flask", others], cells, left=1)
    return [f"{len(rows)} rows: {describe(rows)}.", "", *table]


def make_table(header: list[str], rows: list[list[str]], left: int) -> list[str]:
    """Return a table of Markdown, whose first columns are aligned left."""
    rules = ["---"] * left + ["--:"] * (len(header) - left)
    lines = [header, rules, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def main() -> None:
    """Write the tables of a saved run."""
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results" / "latest.json"
    page = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else PAGE
    write(from_json(json.loads(path.read_text())), page, load_peers())


if __name__ == "__main__":
    main()
