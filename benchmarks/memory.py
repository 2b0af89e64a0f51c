"""Measure the resident memory of a worker, at rest and after many requests."""

from __future__ import annotations

import load
import servers
from environment import MeasureError
from exchange import WrongAnswerError
from figures import Results
from registry import FIVE, Peer, Workload, load_workload
from settings import Settings, say

SERVER = "granian"
REST = "worker that has answered one request"
AFTER = "worker after {:,} requests, the five workloads in turn"
SLICE_S = 1.0


def measure(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure every WSGI peer on Granian, each alone."""
    if not settings.requests:
        return
    for number in range(settings.rounds):
        for peer in peers.values():
            if SERVER not in peer.servers or peer.twin_of:
                continue
            try:
                rest, after = _measure_once(peer, settings, results)
            except (MeasureError, WrongAnswerError, OSError) as failure:
                results.failures.append(f"memory of {peer.name}: {failure}")
                say(f"memory of {peer.name} FAILED: {failure}")
                continue
            results.group("memory", "rest", REST).add(peer.name, "", "KiB").runs.append(rest)
            title = AFTER.format(settings.requests)
            results.group("memory", "after", title).add(peer.name, "", "KiB").runs.append(after)
            say(f"[round {number + 1}] memory of {peer.name}: {rest:,} KiB, later {after:,} KiB")


def _measure_once(peer: Peer, settings: Settings, results: Results) -> tuple[int, int]:
    with servers.running([(peer, SERVER)], settings.server_core, results.failures) as ready:
        if not ready:
            raise MeasureError(f"{peer.name} did not start")
        server = ready[0]
        workloads = [load_workload(name) for name in FIVE]
        server.check(workloads[0], workloads[0].request)
        worker = server.worker_pid()
        rest = servers.read_rss_kib(worker)
        for workload in workloads:
            sent = 0
            while sent < settings.requests // len(workloads):
                url = f"http://{servers.HOST}:{server.port}"
                sent += load.put_under_load(
                    url, workload.request, SLICE_S, settings.load_core
                ).requests
            server.check(workload, workload.request)
        return rest, servers.read_rss_kib(worker)
