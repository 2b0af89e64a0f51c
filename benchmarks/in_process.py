"""Measure peers without a server: microseconds per request, each in its own process."""

from __future__ import annotations

import json
import subprocess

import environment
from environment import MeasureError
from figures import Results
from registry import Peer, Workload
from settings import Settings, say


def measure(
    peers: dict[str, Peer],
    workloads: list[Workload],
    settings: Settings,
    results: Results,
    kind: str = "process",
) -> None:
    """Measure every workload on every peer, round by round, on the server's core."""
    cells = [
        (peer, workload)
        for workload in workloads
        for peer in peers.values()
        if workload.name in peer.in_process_workloads()
    ]
    for number in range(settings.rounds):
        for position, (peer, workload) in enumerate(cells, number * len(cells) + 1):
            progress = (
                f"[{position:3}/{len(cells) * settings.rounds}]"
                f" {workload.name:9} {peer.name + ' in process':28}"
            )
            try:
                us = call("inside.call", peer.module, workload.name, settings)
            except (MeasureError, subprocess.TimeoutExpired) as failure:
                results.failures.append(f"{workload.name}, {peer.name} in process: {failure}")
                say(f"{progress}     FAILED: {failure}")
                continue
            group = results.group(kind, workload.name, workload.title)
            where = "ASGI" if peer.interface == "asgi" else "in process"
            group.add(peer.name, where, "us").runs.append(us)
            say(f"{progress} {us:10,.2f} us")


def call(module: str, peer: str, workload: str, settings: Settings) -> float:
    """Measure in a separate process; return microseconds per request."""
    output = environment.run(
        "-m", module, peer, workload, str(settings.in_process_s), core=settings.server_core
    )
    return json.loads(output.splitlines()[-1])["us"]
