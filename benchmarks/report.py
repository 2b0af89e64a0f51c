"""Print the results as tables."""

from __future__ import annotations

from figures import Figure, Group, Results
from ratios import Row, describe, list_rows
from registry import Peer, load_safe_peers, load_typed_peers

KINDS = {
    "defaults": "Over HTTP on servers without options, requests per second",
    "http": "Over HTTP on tuned servers, requests per second",
    "sockets": "WebSockets on uvicorn",
    "process": "In process, microseconds per request",
    "typed": "Typed views in process, microseconds per request",
    "typed-http": "Typed views over HTTP, requests per second",
    "typed-routes": "Applications of many typed routes",
    "safe": "Protected applications in process, microseconds per request",
    "safe-http": "Protected applications over HTTP, requests per second",
    "routing": "Routing, in process, microseconds per request",
    "import": "Import in a fresh interpreter, milliseconds",
    "start": "Start, milliseconds",
    "memory": "Memory of a worker on Granian, KiB",
}
UNITS = {"/s": "per second", "us": "us", "ms": "ms", "KiB": "KiB"}

LOADED = {"http", "defaults", "typed-http", "safe-http"}  # the kinds whose latencies are known


def print_tables(results: Results, peers: dict[str, Peer]) -> None:
    """Print every group, with its best figures first."""
    for kind, title in KINDS.items():
        groups = [group for group in results.groups if group.kind == kind]
        if groups:
            print(f"\n{title}\n{'=' * len(title)}")
        for group in groups:
            titles = titles_of(kind, peers)
            (print_matrix if kind == "routing" else print_group)(group, titles)
    print_idioms(results, peers)
    for name, reason in results.missing.items():
        print(f"MISSING  {name}: {reason}")
    for failure in results.failures:
        print(f"FAILED   {failure}")


def titles_of(kind: str, peers: dict[str, Peer]) -> dict[str, Peer]:
    """Return the peers of one kind of measurement: those of a part of its own, or the others."""
    load = {"typed": load_typed_peers, "safe": load_safe_peers}.get(kind.partition("-")[0])
    return load() if load else peers


def print_group(group: Group, peers: dict[str, Peer]) -> None:
    """Print one group: median, spread over the rounds, and ratios."""
    ranked = group.ranked()
    if not ranked:
        return
    unit = ranked[0].unit
    # Speed: how many times as fast. Memory: what share of the other's.
    word = "of" if unit == "KiB" else "x"
    header = ["", "", UNITS[unit], "spread", f"{word} bare", f"{word} Flask"]
    if group.kind in LOADED:
        header.append("p99 ms")
    rows = [header] + [make_row(group, figure, peers) for figure in ranked]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{group.title}")
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        print("  " + "  ".join(left + right).rstrip())


def print_matrix(group: Group, peers: dict[str, Peer]) -> None:
    """Print one group in which each peer has several figures, with a column for each."""
    columns = list(dict.fromkeys(figure.where for figure in group.figures))
    rows = [["", *columns, "last / first"]]
    for name in dict.fromkeys(figure.peer for figure in group.figures):
        found = [group.find(name, column) for column in columns]
        medians = [show_number(figure.median) if figure else "-" for figure in found]
        grown = found[0].times_as_fast_as(found[-1]) if found[0] else None
        rows.append([peers[name].title, *medians, show_ratio(grown)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{group.title}")
    for row in rows:
        right = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  " + "  ".join([row[0].ljust(widths[0]), *right]))


def print_idioms(results: Results, peers: dict[str, Peer]) -> None:
    """Print every idiom in two tables, in process and over HTTP, the smallest ratio first."""
    for kind, title, first in (
        ("idioms", "Idioms in process, microseconds per request", ["idiom", "Flask", "Costrel"]),
        ("idioms-http", "Idioms over HTTP, requests per second", ["idiom", "Flask", "Costrel"]),
    ):
        found = list_rows(results, kind)
        if not found:
            continue
        print(f"\n{title}\n{'=' * len(title)}")
        rows = [[*first, "x Flask", "others"]]
        rows += [[*make_idiom_row(row), show_others(row, peers)] for row in found]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            right = [cell.rjust(width) for cell, width in zip(row[1:4], widths[1:4], strict=True)]
            print("  " + "  ".join([row[0].ljust(widths[0]), *right, row[4]]).rstrip())
        print(f"\n  {len(found)} idioms: {describe(found)}")


def make_idiom_row(row: Row) -> list[str]:
    """Return title, Flask's and Costrel's figure and their ratio."""
    medians = (row.flask.median, row.costrel.median)
    return [row.group.title, *map(show_number, medians), show_ratio(row.ratio)]


def show_others(row: Row, peers: dict[str, Peer]) -> str:
    """Return the figures of other frameworks, and of Costrel over ASGI, in one cell."""
    return ", ".join(
        f"{peers[figure.peer].title if figure.peer != 'costrel' else figure.where}"
        f" {show_number(figure.median)}"
        for figure in row.others.values()
    )


def make_row(group: Group, figure: Figure, peers: dict[str, Peer]) -> list[str]:
    """Return the cells of one row."""
    title = peers[figure.peer].title if figure.peer in peers else figure.peer
    ratios = [group.of_bare(figure), group.of_flask(figure)]
    if figure.unit == "KiB":
        ratios = [ratio and 1 / ratio for ratio in ratios]
    row = [
        title,
        figure.where if figure.where != "in process" else "",
        show_number(figure.median),
        f"{figure.spread:.0%}" if len(figure.runs) > 1 else "-",
        *map(show_ratio, ratios),
    ]
    if group.kind in LOADED:
        row.append(f"{sorted(figure.p99_us)[len(figure.p99_us) // 2] / 1000:.1f}")
    return row


def show_number(number: float) -> str:
    """Format a number with three significant digits, or all digits before the point."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}"


def show_ratio(ratio: float | None) -> str:
    """Format a ratio; a dash if there is nothing to compare with."""
    return "-" if ratio is None else show_number(ratio) if ratio >= 10 else f"{ratio:.2f}"
