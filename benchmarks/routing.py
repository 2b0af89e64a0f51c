"""Measure what finding a route costs, by the number of rules."""

from __future__ import annotations

import json
import subprocess

import environment
from environment import MeasureError
from figures import Results
from inside.many_routes import CASES, FRAMEWORKS
from registry import Peer, Workload
from settings import Settings, say

RULES = (5, 50, 500, 5000)


def measure(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure every case for every number of rules; quickly, for Costrel and the ends only."""
    frameworks = [name for name in FRAMEWORKS if name in peers]
    if settings.quick:
        frameworks = [name for name in frameworks if name == "costrel"]
    for number in range(settings.rounds):
        for rules in (RULES[0], RULES[-1]) if settings.quick else RULES:
            for framework in frameworks:
                progress = f"[round {number + 1}] routing {framework} with {rules} rules"
                try:
                    found = _measure_once(framework, rules, settings)
                except (MeasureError, subprocess.TimeoutExpired) as failure:
                    results.failures.append(f"{progress}: {failure}")
                    say(f"{progress} FAILED: {failure}")
                    continue
                for case in CASES:
                    group = results.group("routing", case, f"routing: {case}")
                    group.add(framework, where(rules), "us").runs.append(found[case])
                say(f"{progress}: " + ", ".join(f"{case} {found[case]:.1f} us" for case in CASES))


def _measure_once(framework: str, rules: int, settings: Settings) -> dict[str, float]:
    arguments = ("-m", "inside.routing", framework, str(rules), str(settings.in_process_s / 2))
    output = environment.run(*arguments, core=settings.server_core)
    return json.loads(output.splitlines()[-1])


def where(rules: int) -> str:
    """Return what the figures of so many rules are called."""
    return f"{rules} rules"
