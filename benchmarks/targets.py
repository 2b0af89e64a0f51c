"""Compare what was measured with Costrel's targets.

    python benchmarks/targets.py [results.json]

A target that is not reached is not an error: the figures show where to look next.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
import typing as t

from figures import Figure, Results, from_json
from ratios import list_rows, median
from registry import FIVE, ROOT, TYPED
from routing import RULES, where

COSTREL = "costrel"
GRANIAN = "granian"
WSGI_PEERS = ("bottle", "django", "falcon")
ASGI_PEERS = (
    "blacksheep", "falcon_asgi", "starlette", "sanic", "robyn", "litestar", "quart", "fastapi",
)  # fmt: skip
TYPED_WSGI = ("flask", "apiflask", "ninja")
TYPED_ASGI = ("fastapi", "litestar", "blacksheep")
TYPED_IN_PROCESS = {"apiflask": 10, "fastapi": 5}  # how many times as fast, at least
SAFE_SHARES = {"hello": 1.5, "page": 1.15}  # of the time without protection, at most
SAFE_TIMES = {"hello": 5, "page": 3}  # how many times as fast as Flask with extensions, at least
READ_OR_PARSED = {"static", "static_unchanged", "upload"}  # rows of files


@dataclasses.dataclass(frozen=True)
class Target:
    """One figure and its bound; `actual` is None if it was not measured."""

    about: str
    relation: t.Literal[">", ">=", "<="]
    bound: float
    actual: float | None

    @property
    def verdict(self) -> str:
        """Say whether the target is reached."""
        if self.actual is None:
            return "not measured"
        reached = {
            ">": self.actual > self.bound,
            ">=": self.actual >= self.bound,
            "<=": self.actual <= self.bound,
        }[self.relation]
        return "reached" if reached else "NOT REACHED"


def list_targets(results: Results) -> list[Target]:
    """Return every target with its figure."""
    return [
        *over_http(results),
        *in_process(results),
        *page_and_fortunes(results),
        *routing(results),
        *costs(results),
        *asynchronous(results),
        *sockets(results),
        *idioms(results),
        *typed(results),
        *typed_routes(results),
        *safe(results),
    ]


def over_http(results: Results) -> t.Iterator[Target]:
    """Return the targets of the five handlers over HTTP."""

    def figure(name: str, peer: str, server: str = GRANIAN) -> Figure | None:
        return results.figure("http", name, peer, server)

    for name in FIVE:
        mine = figure(name, COSTREL)
        if name in {"hello", "json"}:
            ratio = compare(mine, figure(name, "bare"))
            yield Target(f"{name} over HTTP: x bare callable", ">=", 0.93, ratio)
        for peer in WSGI_PEERS:
            ratio = compare(mine, figure(name, peer))
            yield Target(f"{name} over HTTP: x {peer}", ">", 1, ratio)
        flask = 15 if name == "template" else 4
        ratio = compare(mine, figure(name, "flask"))
        yield Target(f"{name} over HTTP: x Flask on Granian", ">=", flask, ratio)
        ratio = compare(mine, figure(name, "flask", "gunicorn-sync"))
        yield Target(f"{name} over HTTP: x Flask on gunicorn sync", ">=", 12, ratio)


def in_process(results: Results) -> t.Iterator[Target]:
    """Return the targets of the five handlers without a server."""
    bounds = {"hello": 0.7, "json": 0.7, "echo": 0.7, "query": 0.9, "template": 1.0}
    for name in FIVE:
        mine = results.figure("process", name, COSTREL)
        share = compare(results.figure("process", name, "falcon"), mine)
        yield Target(f"{name} in process: of Falcon's time", "<=", bounds[name], share)
    hello, flask = (results.figure("process", "hello", peer) for peer in (COSTREL, "flask"))
    yield Target("hello in process: of Flask's time", "<=", 1 / 20, compare(flask, hello))
    hooks = results.figure("process", "hello", "costrel_hooks")
    share = compare(hello, hooks)
    yield Target("hello in process with three hooks: of its time without", "<=", 2, share)
    for name in FIVE:
        general = results.figure("process", name, "costrel_general")
        share = compare(results.figure("process", name, "flask"), general)
        yield Target(f"{name} in process, general path: of Flask's time", "<=", 1, share)


def page_and_fortunes(results: Results) -> t.Iterator[Target]:
    """Return the targets of the two larger workloads."""
    for kind, label in (("process", "in process"), ("http", "over HTTP")):
        for name, flask in (("page", 3), ("fortunes", 1)):
            mine = results.figure(kind, name, COSTREL)
            group = results.find(kind, name)
            server = GRANIAN if kind == "http" else None
            for peer in ("flask", "django", "fastapi"):
                # FastAPI runs on whichever server it is fastest on.
                other = group and group.find(peer, None if peer == "fastapi" else server)
                bound, relation = (flask, ">=") if (peer, name) == ("flask", "page") else (1, ">")
                yield Target(
                    f"{name} {label}: x {peer}",
                    t.cast(t.Literal[">", ">="], relation),
                    bound,
                    compare(mine, other),
                )


def routing(results: Results) -> t.Iterator[Target]:
    """Return the targets for applications with many routes."""
    for case in ("static", "dynamic", "worst", "404", "405"):
        few, many = (
            results.figure("routing", case, COSTREL, where(rules))
            for rules in (RULES[0], RULES[-1])
        )
        share = compare(few, many)
        about = f"routing, {case}: {RULES[-1]} rules, of the time with {RULES[0]}"
        yield Target(about, "<=", 1.2, share)


def costs(results: Results) -> t.Iterator[Target]:
    """Return the targets of import and memory."""
    for kind, name, label in (
        ("import", "package", "import of the package"),
        ("import", "names", "import of common names"),
        ("memory", "rest", "memory of a worker at rest"),
        ("memory", "after", "memory of a worker after requests"),
    ):
        mine, flask = (results.figure(kind, name, peer) for peer in (COSTREL, "flask"))
        yield Target(f"{label}: of Flask's", "<=", 1, compare(flask, mine))


def asynchronous(results: Results) -> t.Iterator[Target]:
    """Return the targets of async views and ASGI."""

    def figure(name: str, peer: str, server: str | None = None) -> Figure | None:
        return results.figure("http", name, peer, server)

    for name in FIVE:
        mine = figure(name, "costrel_asgi")
        if name in {"hello", "json"}:
            bare = figure(name, "bare_asgi", mine.where if mine else None)
            yield Target(f"{name} over ASGI: x bare callable", ">=", 0.85, compare(mine, bare))
        for peer in ASGI_PEERS:
            ratio = compare(mine, figure(name, peer))
            yield Target(f"{name} over ASGI: x {peer}", ">", 1, ratio)
        ratio = compare(figure(name, "costrel_asgi_sync"), figure(name, "fastapi_sync"))
        yield Target(f"{name} over ASGI, sync views: x FastAPI's sync views", ">=", 3, ratio)
        ratio = compare(figure(name, "costrel_async"), figure(name, "flask_async"))
        yield Target(f"{name}, async views under WSGI: x Flask's", ">=", 5, ratio)
    mine = figure("wait", "costrel_asgi")
    bare = figure("wait", "bare_asgi", mine.where if mine else None)
    yield Target("wait, 256 clients: x bare callable", ">=", 0.9, compare(mine, bare))


def sockets(results: Results) -> t.Iterator[Target]:
    """Return the targets of WebSockets."""

    def figure(name: str, peer: str) -> Figure | None:
        return results.figure("sockets", name, peer)

    for name, label in (("echo", "messages"), ("memory", "memory per idle connection")):
        mine = figure(name, "costrel_asgi")
        ratio = compare(mine, figure(name, "bare_asgi"))
        yield Target(f"WebSockets, {label}: x bare callable", ">=", 0.85, ratio)
        for peer in ("starlette", "quart"):
            ratio = compare(mine, figure(name, peer))
            yield Target(f"WebSockets, {label}: x {peer}", ">", 1, ratio)


def idioms(results: Results) -> t.Iterator[Target]:
    """Return the targets of what Flask's documentation teaches."""
    rows = list_rows(results, "idioms")
    about = "idioms: median, x Flask"
    yield Target(about, ">=", 8, median(rows) if rows else None)
    for row in rows:
        bound = 2.5 if row.group.name in READ_OR_PARSED else 3
        yield Target(f"idiom {row.group.title}: x Flask", ">=", bound, row.ratio)
    for name, base, bound in (
        ("jsonify_keys", "dictionary", 1.3),
        ("jsonify_rows", "dictionary_rows", 1.3),
        ("jsonify_hooks", "dictionary_hooks", 1.3),
        ("dictionary_hooks", "dictionary", 2),
        ("jsonify_hooks", "jsonify_keys", 2),
        ("hello_browser", "hello", 2),
        ("cookie_read_browser", "cookie_read", 2),
    ):
        mine, other = (results.figure("idioms", which, COSTREL) for which in (name, base))
        yield Target(f"idiom {name}: of the time of {base}", "<=", bound, compare(other, mine))


def typed(results: Results) -> t.Iterator[Target]:
    """Return the targets of typed views."""
    for kind, label in (("typed", "in process"), ("typed-http", "over HTTP")):
        for name in TYPED:
            for mine, bare, peers in (
                ("costrel", "bare", TYPED_WSGI),
                ("costrel_asgi", "bare_asgi", TYPED_ASGI),
            ):
                figure = results.figure(kind, name, mine)
                if kind == "typed-http":
                    ratio = compare(figure, results.figure(kind, name, bare))
                    yield Target(f"{name} {label}: {mine} x bare callable", ">=", 0.85, ratio)
                for peer in peers:
                    at_least = TYPED_IN_PROCESS.get(peer, 1) if kind == "typed" else 1
                    yield Target(
                        f"{name} {label}: {mine} x {peer}",
                        ">" if at_least == 1 else ">=",
                        at_least,
                        compare(figure, results.figure(kind, name, peer)),
                    )


def typed_routes(results: Results) -> t.Iterator[Target]:
    """Return the targets of applications of many typed routes."""

    def figure(cost: str, where: str = "typed") -> Figure | None:
        return results.figure("typed-routes", cost, COSTREL, where)

    document, memory = figure("document"), figure("memory")
    share = compare(figure("start", "plain"), figure("start"))
    yield Target("1,000 typed routes, start: of the time of plain ones", "<=", 1.05, share)
    about = "1,000 typed routes, the OpenAPI document: ms"
    yield Target(about, "<=", 1000, document and document.median)
    about = "memory per typed route: KiB"
    yield Target(about, "<=", 9.77, memory and memory.median)  # 10 kB


def safe(results: Results) -> t.Iterator[Target]:
    """Return the targets of protected applications.

    Flask with its extensions counts a rate limit and has CORS, so it is compared with a `Costrel`
    that has them too. Django has neither.
    """
    for kind, label in (("safe", "in process"), ("safe-http", "over HTTP")):

        def figure(name: str, peer: str, kind: str = kind) -> Figure | None:
            return results.figure(kind, name, peer)

        for name, share in SAFE_SHARES.items():
            mine = figure(name, COSTREL)
            without = compare(figure(name, "costrel_flask"), mine)
            yield Target(f"safe {name} {label}: of the time without", "<=", share, without)
            ratio = compare(figure(name, "costrel_limited"), figure(name, "flask_protected"))
            about = f"safe {name} {label}: x Flask with five extensions"
            yield Target(about, ">=", SAFE_TIMES[name], ratio)
            ratio = compare(mine, figure(name, "django"))
            yield Target(f"safe {name} {label}: x Django", ">", 1, ratio)
        page, redis = figure("page", COSTREL), figure("page_redis", "costrel_redis")
        about = f"safe page {label}, session in Redis: of the time of a cookie"
        yield Target(about, "<=", 1.5, compare(page, redis))
        ratio = compare(redis, figure("page_redis", "django_redis"))
        yield Target(f"safe page {label}, session in Redis: x Django", ">", 1, ratio)


def compare(mine: Figure | None, other: Figure | None) -> float | None:
    """Return how many times as fast the first is, or None if one was not measured."""
    return None if mine is None else mine.times_as_fast_as(other)


def print_targets(results: Results) -> None:
    """Print every target that was measured, and how many were not."""
    targets = list_targets(results)
    measured = [target for target in targets if target.actual is not None]
    if not measured:
        return
    title = "Targets"
    print(f"\n{title}\n{'=' * len(title)}")
    width = max(len(target.about) for target in measured)
    for target in measured:
        bound = f"{target.relation} {target.bound:g}"
        print(f"  {target.about.ljust(width)}  {bound:>7}  {target.actual:7.3f}  {target.verdict}")
    reached = sum(target.verdict == "reached" for target in measured)
    print(
        f"\n{reached} of {len(measured)} reached; {len(targets) - len(measured)} were not measured"
    )


def main() -> None:
    """Print the targets of a saved run."""
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results" / "latest.json"
    print_targets(from_json(json.loads(path.read_text())))


if __name__ == "__main__":
    main()
