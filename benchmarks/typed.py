"""Measure typed views: what checking and filtering cost, and what many typed routes cost.

In process and over HTTP, beside other frameworks and msgspec by hand. Every asynchronous peer
runs on uvicorn, so that the part stays short and all of them share a server.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess

import environment
import in_process
import over_http
from environment import MeasureError
from figures import Results
from registry import Peer, Workload
from settings import Settings, say

PROCESS = "typed"
HTTP = "typed-http"
ROUTES = "typed-routes"
COUNT = 1_000
APPLICATIONS = (("costrel", "plain"), ("costrel", "typed"), ("fastapi", "typed"))
COSTS = {
    "start": ("from the creation of the application to its first answer", "ms"),
    "document": ("the OpenAPI document, asked for once", "ms"),
    "memory": ("memory per route, each requested once", "KiB"),
}


def measure(
    peers: dict[str, Peer], workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure the typed workloads without and with a server, then applications of many routes."""
    shorter = dataclasses.replace(
        settings,
        seconds=min(settings.seconds, 0.8),
        warm_up_s=min(settings.warm_up_s, 0.3),
        in_process_s=min(settings.in_process_s, 0.3),
    )
    in_process.measure(peers, workloads, shorter, results, PROCESS)
    pairs = over_http.choose_servers(peers, workloads, shorter, results)
    over_http.measure_pairs(HTTP, pairs, workloads, shorter, results)
    measure_routes(peers, settings, results)


def measure_routes(peers: dict[str, Peer], settings: Settings, results: Results) -> None:
    """Measure the start, the document and the memory of many routes; quickly, only Costrel's."""
    for number in range(settings.rounds):
        for name, kind in APPLICATIONS:
            if name not in peers or (settings.quick and name != "costrel"):
                continue
            arguments = ("-m", "inside.typed_routes", name, kind, str(COUNT))
            try:
                output = environment.run(*arguments, core=settings.server_core)
            except (MeasureError, subprocess.TimeoutExpired) as failure:
                results.failures.append(f"{COUNT} {kind} routes of {name}: {failure}")
                say(f"[round {number + 1}] {kind} routes of {name} FAILED: {failure}")
                continue
            found: dict[str, float] = json.loads(output.splitlines()[-1])
            for cost, figure in found.items():
                about, unit = COSTS[cost]
                group = results.group(ROUTES, cost, f"{COUNT:,} routes: {about}")
                group.add(name, kind, unit).runs.append(figure)
            shown = ", ".join(f"{cost} {found[cost]:,.1f} {COSTS[cost][1]}" for cost in found)
            say(f"[round {number + 1}] {COUNT:,} {kind} routes of {name}: {shown}")
