"""Measure imports, and applications of 1 000 routes from creation to the first answer."""

from __future__ import annotations

import json
import subprocess

import environment
from environment import MeasureError
from figures import Results
from inside.many_routes import FRAMEWORKS
from registry import Peer, Workload
from settings import Settings, say

ROUTES = 1000
COMMON = "Flask, jsonify, redirect, render_template, request, session, url_for"
PACKAGE = "import of the package"
NAMES = "import of the package and seven common names"


def measure_imports(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure the import of each package in fresh interpreters, one after the other."""
    names = [name for name in (*FRAMEWORKS, "fastapi") if name in peers]
    cells = [("package", PACKAGE, name, f"import {name}") for name in names]
    cells += [
        ("names", NAMES, name, f"from {name} import {COMMON}")
        for name in names
        if name in {"costrel", "flask"}
    ]
    for _group, _title, _name, statement in cells:  # so that there is bytecode for everyone
        environment.run("-c", statement)
    for _ in range(settings.imports):
        for key, title, name, statement in cells:
            ms = _measure_once("inside.imports", statement, settings=settings, results=results)
            if ms is not None:
                results.group("import", key, title).add(name, "", "ms").runs.append(ms)
    for group in results.groups:
        if group.kind == "import":
            found = ", ".join(f"{figure.peer} {figure.median:.1f} ms" for figure in group.figures)
            say(f"{group.title}: {found}")


def measure_starts(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Measure the start of applications of many routes, in fresh interpreters."""
    if settings.quick:
        return
    title = f"application of {ROUTES} routes: from its creation to its first answer"
    group = results.group("start", "routes", title)
    for number in range(settings.rounds):
        for name in FRAMEWORKS:
            if name not in peers:
                continue
            ms = _measure_once(
                "inside.start", name, str(ROUTES), settings=settings, results=results
            )
            if ms is not None:
                group.add(name, "", "ms").runs.append(ms)
                say(f"[round {number + 1}] start of {ROUTES} routes, {name}: {ms:.0f} ms")


def _measure_once(
    module: str, *arguments: str, settings: Settings, results: Results
) -> float | None:
    try:
        output = environment.run("-m", module, *arguments, core=settings.server_core)
    except (MeasureError, subprocess.TimeoutExpired) as failure:
        results.failures.append(f"{module} {' '.join(arguments)}: {failure}")
        say(f"FAILED: {failure}")
        return None
    return json.loads(output.splitlines()[-1])["ms"]
