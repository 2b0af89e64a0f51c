"""Measure peers behind servers: requests per second under load."""

from __future__ import annotations

import dataclasses
import http.client

import load
import servers
from environment import MeasureError
from exchange import Request, WrongAnswerError
from figures import Results
from registry import Peer, Workload
from settings import Settings, say

WITHOUT_OPTIONS = ("hello", "json")
QUICK_DEFAULTS = (
    ("flask", "granian-defaults"), ("costrel", "granian-defaults"), ("costrel", "costrel-run"),
)  # fmt: skip


def measure(
    peers: dict[str, Peer], workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure every workload on every peer and its tuned servers."""
    pairs = choose_servers(peers, workloads, settings, results)
    measure_pairs("http", pairs, workloads, settings, results)


def measure_defaults(
    peers: dict[str, Peer], workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure the simplest workloads on servers that run without options; quickly, few of them."""
    pairs = [
        (peer, server)
        for peer in peers.values()
        for server in peer.defaults
        if not settings.quick or (peer.name, server) in QUICK_DEFAULTS
    ]
    simplest = [workload for workload in workloads if workload.name in WITHOUT_OPTIONS]
    measure_pairs("defaults", pairs, simplest, settings, results)


def measure_pairs(
    kind: str,
    pairs: list[tuple[Peer, str]],
    workloads: list[Workload],
    settings: Settings,
    results: Results,
) -> None:
    """Measure every workload on every pair of peer and server, round by round.

    In a round every cell is measured once, workload by workload, so that what is compared
    was measured within seconds of each other; each round starts the servers afresh and
    another peer goes first.
    """
    cells = sum(workload.name in peer.workloads for peer, _ in pairs for workload in workloads)
    if not cells:
        return
    done, total = 0, cells * settings.rounds
    for number in range(settings.rounds):
        say(f"round {number + 1} of {settings.rounds}: starting {len(pairs)} servers ...")
        with servers.running(pairs, settings.server_core, results.failures) as ready:
            for workload in workloads:
                first = number * len(ready) // settings.rounds
                for server in ready[first:] + ready[:first]:
                    if workload.name not in server.peer.workloads:
                        continue
                    done += 1
                    progress = f"[{done:3}/{total}] {workload.name:9} {server.name:28}"
                    _measure_once(kind, server, workload, settings, results, progress)


def choose_servers(
    peers: dict[str, Peer], workloads: list[Workload], settings: Settings, results: Results
) -> list[tuple[Peer, str]]:
    """Return which peers run what on which servers; of candidates, the fastest at each workload."""
    pairs = []
    for peer in peers.values():
        if settings.quick:
            # A peer named on the command line that the quick run leaves out is not tried out.
            names = (*peer.servers, *peer.candidates[:1]) if peer.quick is None else peer.quick
        else:
            names = peer.servers
        pairs += [(peer, name) for name in names]
        if peer.candidates and not settings.quick:
            pairs += try_out(peer, workloads, settings, results)
    return pairs


def try_out(
    peer: Peer, workloads: list[Workload], settings: Settings, results: Results
) -> list[tuple[Peer, str]]:
    """Return the peer with each of its candidates, for the workloads that it answers fastest there.

    A server may be fast at sending and slow at receiving, and a peer must not pay for that.
    """
    if len(peer.candidates) == 1:
        return [(peer, peer.candidates[0])]
    chosen: dict[str, list[str]] = {candidate: [] for candidate in peer.candidates}
    pairs = [(peer, candidate) for candidate in peer.candidates]
    with servers.running(pairs, settings.server_core, results.failures) as ready:
        for workload in workloads:
            if workload.name not in peer.workloads:
                continue
            speeds = _speeds(ready, workload, settings, results)
            fastest = max(speeds, key=speeds.__getitem__, default=peer.candidates[0])
            chosen[fastest].append(workload.name)
            results.tryouts[f"{peer.name}: {workload.name}"] = speeds
            found = ", ".join(f"{name} {speed:,.0f}/s" for name, speed in speeds.items())
            say(f"{peer.name}: {workload.name} is fastest on {fastest} ({found})")
    return [
        (dataclasses.replace(peer, workloads=tuple(names)), candidate)
        for candidate, names in chosen.items()
        if names
    ]


def _speeds(
    ready: list[servers.Server], workload: Workload, settings: Settings, results: Results
) -> dict[str, float]:
    """Return how fast each server answers a workload, the better of two tries."""
    speeds: dict[str, float] = {}
    for _ in range(2):
        for server in ready:
            try:
                request = sign_in(server, workload)
                seen = _load(server, request, settings.warm_up_s, settings, workload.connections)
            except (MeasureError, WrongAnswerError, OSError, http.client.HTTPException) as error:
                results.failures.append(f"trying {workload.name}, {server.name}: {error}")
            else:
                speeds[server.server] = max(seen.per_second, speeds.get(server.server, 0))
    return speeds


def _measure_once(
    kind: str,
    server: servers.Server,
    workload: Workload,
    settings: Settings,
    results: Results,
    progress: str,
) -> None:
    try:
        request = sign_in(server, workload)
        server.check(workload, request)
        if settings.warm_up_s:
            _load(server, request, settings.warm_up_s, settings, workload.connections)
        seen = _load(server, request, settings.seconds, settings, workload.connections)
        server.check(workload, request)
    except (MeasureError, WrongAnswerError, OSError, http.client.HTTPException) as error:
        results.failures.append(f"{workload.name}, {server.name}: {error}\n{server.tail()}".strip())
        say(f"{progress}     FAILED: {error}")
        return
    group = results.group(kind, workload.name, workload.title)
    figure = group.add(server.peer.name, server.server, "/s")
    figure.runs.append(seen.per_second)
    figure.p99_us.append(seen.p99_us)
    say(f"{progress} {seen.per_second:10,.0f}/s")


def _load(
    server: servers.Server,
    request: Request,
    seconds: float,
    settings: Settings,
    connections: int = 32,
) -> load.Load:
    url = f"http://{servers.HOST}:{server.port}"
    return load.put_under_load(url, request, seconds, settings.load_core, connections)


def sign_in(server: servers.Server, workload: Workload) -> Request:
    """Return the workload's request, with the cookie of a login if it needs one."""
    if workload.login is None:
        return workload.request
    answer = server.ask(workload.login)
    answer.require("set-cookie" in answer.headers, "the login sets no cookie")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    headers = {**workload.request.headers, "Cookie": cookie}
    return dataclasses.replace(workload.request, headers=headers)
