"""Measure WebSockets: messages sent back per second, and the memory of idle connections."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

import environment
import servers
from environment import MeasureError
from figures import Results
from registry import ROOT, Peer, Workload
from settings import Settings, say

IDLE = 1_000
BUSY = 32
PATH = "/socket"
ECHO = "messages sent back"
MEMORY = f"memory per idle connection, of {IDLE:,}"


def measure(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure every peer that has WebSockets, round by round, each on a fresh server."""
    pairs = [(peer, peer.sockets) for peer in peers.values() if peer.sockets is not None]
    for number in range(settings.rounds):
        for pair in pairs[number % len(pairs) :] + pairs[: number % len(pairs)]:
            peer, server_name = pair
            with servers.running([pair], settings.server_core, results.failures) as ready:
                for server in ready:
                    try:
                        idle = measure_idle(server, settings)
                        speed = measure_echo(server, settings)
                    except (MeasureError, OSError, ValueError) as failure:
                        results.failures.append(f"sockets of {server.name}: {failure}")
                        say(f"sockets of {server.name} FAILED: {failure}")
                        continue
                    memory = results.group("sockets", "memory", MEMORY)
                    memory.add(peer.name, server_name, "KiB").runs.append(idle)
                    echo = results.group("sockets", "echo", ECHO)
                    echo.add(peer.name, server_name, "/s").runs.append(speed)
                    say(
                        f"[round {number + 1}] sockets of {server.name}: {speed:,.0f} messages/s,"
                        f" {idle:.1f} KiB per idle connection"
                    )


def measure_idle(server: servers.Server, settings: Settings) -> float:
    """Return the memory per idle connection, in KiB."""
    worker = server.worker_pid()
    with start(server, settings, 1, 0) as warm_up:  # loads what only the first needs
        read(warm_up)
        stop(warm_up)
    before = servers.read_rss_kib(worker)
    with start(server, settings, IDLE, 0) as load:
        read(load)
        after = servers.read_rss_kib(worker)
        stop(load)
    return (after - before) / IDLE


def measure_echo(server: servers.Server, settings: Settings) -> float:
    """Return how many messages come back per second."""
    with start(server, settings, BUSY, settings.seconds) as load:
        read(load)
        per_second: float = read(load)["per_second"]
        stop(load)
    return per_second


def start(
    server: servers.Server, settings: Settings, connections: int, seconds: float
) -> subprocess.Popen[str]:
    """Start the client on the load's core."""
    return subprocess.Popen(
        [
            *environment.pinned_to(settings.load_core),
            sys.executable,
            str(ROOT / "socketload.py"),
            *(servers.HOST, str(server.port), PATH, str(connections), str(seconds)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read(load: subprocess.Popen[str]) -> dict[str, float]:
    """Return the next line that the client prints; `MeasureError` if it has ended."""
    line = t.cast("t.IO[str]", load.stdout).readline()
    if not line:
        raise MeasureError("the WebSocket client ended without printing a figure")
    found: dict[str, float] = json.loads(line)
    return found


def stop(load: subprocess.Popen[str]) -> None:
    """Let the client close its connections and end."""
    load.communicate(timeout=10)
