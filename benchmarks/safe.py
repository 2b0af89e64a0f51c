"""Measure protected applications: what it costs that everything is safe by default.

In process and over HTTP on Granian, beside the same application without protection, Flask with
the extensions that protect it, and Django. One workload has its session in Redis; the server of
that is started here, on the core that also makes the load, and stopped.
"""

from __future__ import annotations

import contextlib
import json
import subprocess

import environment
import in_process
import over_http
import redisserver
from environment import MeasureError
from figures import Results
from registry import Peer, Workload
from settings import Settings, say

PROCESS = "safe"
HTTP = "safe-http"
IN_REDIS = "page_redis"
UNPROTECTED = {"flask", "costrel_flask"}


def measure(
    peers: dict[str, Peer], workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Check that the peers are protected, then measure them without and with a server."""
    with contextlib.ExitStack() as stack:
        if any(workload.name == IN_REDIS for workload in workloads):
            program = redisserver.find()
            if program is None:
                workloads = [workload for workload in workloads if workload.name != IN_REDIS]
                results.missing[IN_REDIS] = "redis-server is not installed"
                say(f"{IN_REDIS} is left out: redis-server is not installed")
            else:
                stack.enter_context(redisserver.running(program, settings.load_core))
        wanted = {workload.name for workload in workloads}
        able = {name: peer for name, peer in peers.items() if not wanted.isdisjoint(peer.workloads)}
        protected = {
            name: peer
            for name, peer in able.items()
            if name in UNPROTECTED or is_protected(peer, results)
        }
        in_process.measure(protected, workloads, settings, results, PROCESS)
        pairs = over_http.choose_servers(protected, workloads, settings, results)
        over_http.measure_pairs(HTTP, pairs, workloads, settings, results)


def is_protected(peer: Peer, results: Results) -> bool:
    """Return whether a peer refuses what it should; a failure if it does not.

    The figure of a protection that is not there would mean nothing.
    """
    try:
        output = environment.run("-m", "inside.protected", peer.module)
    except (MeasureError, subprocess.TimeoutExpired) as failure:
        results.failures.append(f"{peer.name} is not checked: {failure}")
        return False
    wrong: list[str] = json.loads(output.splitlines()[-1])
    results.failures += [f"{peer.name} is not protected: {what}" for what in wrong]
    say(f"{peer.name} is {'NOT ' if wrong else ''}protected")
    return not wrong
