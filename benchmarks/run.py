"""Compare Costrel with its peers, in one run.

    python benchmarks/run.py [--quick] [--only WORKLOAD ...] [--peers PEER ...] [--parts PART ...]

Prints tables and the targets that are reached, and writes benchmarks/results/. A slow figure
is not an error. A wrong body, a failed request or a server that does not start is an error,
and the run then exits with 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import itertools
import json
import pathlib
import signal
import sys
import time
import typing as t

import environment
import in_process
import load
import memory
import over_http
import page
import plots
import report
import routing
import safe
import settings as settings_
import side_by_side
import sockets
import startup
import targets
import typed
from figures import Results
from registry import (
    ALL,
    FIVE,
    ROOT,
    SAFE,
    TYPED,
    Peer,
    Workload,
    load_peers,
    load_safe_peers,
    load_typed_peers,
    load_workload,
)

RESULTS = ROOT / "results"
PLOTS = environment.PROJECT / "docs" / "img"
MEASURE: dict[str, t.Callable[..., None]] = {
    "defaults": over_http.measure_defaults,
    "http": over_http.measure,
    "sockets": sockets.measure,
    "process": in_process.measure,
    "typed": typed.measure,
    "safe": safe.measure,
    "idioms": side_by_side.measure,
    "routing": routing.measure,
    "import": startup.measure_imports,
    "start": startup.measure_starts,
    "memory": memory.measure,
}
PARTS = tuple(MEASURE)
WORKLOADS_OF = {"typed": TYPED, "safe": SAFE}
"""The parts with peers of their own, and the workloads that these answer."""


def main() -> int:
    """Run the benchmarks that the command line asks for."""
    all_peers = load_peers()
    all_of_parts = {"typed": load_typed_peers(), "safe": load_safe_peers()}
    options = parse(sorted({*all_peers, *itertools.chain(*all_of_parts.values())}))
    make_settings = settings_.quick if options.quick else settings_.full
    settings = make_settings(options.rounds, options.seconds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    started = time.monotonic()
    load.find_wrk()
    not_installed = environment.make()
    results = Results(missing=not_installed)
    environment.run("-m", "material.database")
    peers = choose_peers(all_peers, options, results)
    workloads = choose_workloads(options, FIVE if options.quick else ALL, ALL)
    for part in options.parts:
        settings_.say(f"\n== {part}")
        part_started = time.monotonic()
        if part in all_of_parts:
            of_part = choose_peers(all_of_parts[part], options, results)
            chosen = choose_workloads(options, WORKLOADS_OF[part], WORKLOADS_OF[part])
            MEASURE[part](of_part, chosen, settings, results)
        else:
            MEASURE[part](peers, workloads, settings, results)
        settings_.say(f"{part} took {time.monotonic() - part_started:.0f} s")
    report.print_tables(results, all_peers)
    targets.print_targets(results)
    write(results, settings, options, all_peers)
    print(f"took {time.monotonic() - started:.0f} s, load average {describe_load()}")
    return 1 if results.failures else 0


def parse(peers: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="few peers, once, in under two minutes"
    )
    workloads = tuple(dict.fromkeys((*ALL, *TYPED, *SAFE)))
    parser.add_argument(
        "--only", nargs="+", choices=workloads, metavar="WORKLOAD", help=", ".join(workloads)
    )
    parser.add_argument("--peers", nargs="+", choices=peers, metavar="PEER", help=", ".join(peers))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="all by default")
    parser.add_argument("--rounds", type=int, help="how often to measure each cell")
    parser.add_argument("--seconds", type=float, help="how long to measure each cell")
    parser.add_argument("--output", type=pathlib.Path, help="the JSON file to write")
    return parser.parse_args()


def choose_peers(
    peers: dict[str, Peer], options: argparse.Namespace, results: Results
) -> dict[str, Peer]:
    """Return the peers to measure: those named, or the default ones of a full or quick run.

    Those whose package is not installed are left out, and noted.
    """
    if options.peers:
        chosen = {name: peers[name] for name in options.peers if name in peers}
    else:
        chosen = {
            name: peer
            for name, peer in peers.items()
            if peer.quick is not None or not options.quick
        }
    present, missing = environment.split_missing(chosen)
    results.missing |= missing
    return present


def choose_workloads(
    options: argparse.Namespace, default: t.Sequence[str], known: t.Sequence[str]
) -> list[Workload]:
    """Return those of the known workloads that the command line names, or the default ones."""
    return [load_workload(name) for name in options.only or default if name in known]


def write(
    results: Results,
    settings: settings_.Settings,
    options: argparse.Namespace,
    peers: dict[str, Peer],
) -> None:
    """Write everything as JSON; only a whole run becomes the latest, with plots and tables."""
    narrowed = options.only or options.peers or options.rounds or options.seconds
    whole = not (options.quick or narrowed or set(options.parts) != set(PARTS))
    name = "latest.json" if whole else "quick.json" if options.quick else "partial.json"
    path = options.output or RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "settings": dataclasses.asdict(settings),
        "machine": environment.describe(),
        **results.to_json(),
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\nresults written to {path}")
    if whole and not results.failures:
        for drawn in plots.draw(results, PLOTS):
            print(f"plot written to {drawn}")
        page.write(results, page.PAGE, peers)
        print(f"tables written to {page.PAGE}")


def describe_load() -> str:
    """Return the load average, which shows whether something else was running."""
    return pathlib.Path("/proc/loadavg").read_text().split()[0]


if __name__ == "__main__":
    raise SystemExit(main())
