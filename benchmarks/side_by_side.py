"""Measure each idiom on Flask and on Costrel in turn, which run the same lines."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import typing as t

import environment
import idioms
import over_http
from environment import MeasureError
from exchange import Answer
from figures import Results
from idioms import Idiom
from registry import Peer, Workload
from settings import Settings, say

OTHERS = ("falcon", "bottle", "django", "starlette")
PROCESS = "idioms"
HTTP = "idioms-http"
CONNECTIONS = 32
OF_SERVERS = {"date", "server", "connection", "transfer-encoding"}
SIGNED = re.compile(r"(=[\w.-]*)\.[\w-]{6}\.[\w-]{27}(?=;|$)")

WSGI, ASGI = "idioms.served:wsgi", "idioms.served:asgi"
SERVED = (
    (Peer("flask", "Flask", "flask", "wsgi", app=WSGI, as_flask=False), "granian"),
    (Peer("costrel", "Costrel", "costrel", "wsgi", app=WSGI, as_flask=True), "granian"),
    (Peer("costrel", "Costrel", "costrel", "asgi", app=ASGI, as_flask=True), "uvicorn"),
)


class Process:
    """One framework in a process of its own, which answers or measures a row on demand."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        module = "flask" if name == "costrel" else name
        self.process = subprocess.Popen(
            [
                *environment.pinned_to(settings.server_core),
                *(str(environment.PYTHON), "-m", "inside.idioms", module),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=environment.WORK,
            env=environment.variables(as_flask=name == "costrel"),
        )
        self.listing: list[t.Any] = self._read()

    def answer(self, idiom: Idiom) -> dict[str, t.Any]:
        """Return the answer to a row."""
        return self._command(idiom, 0)

    def measure(self, idiom: Idiom, seconds: float) -> float:
        """Return the microseconds of a row, which has been answered before."""
        return self._command(idiom, seconds)

    def _command(self, idiom: Idiom, seconds: float) -> t.Any:
        line = json.dumps({"row": idiom.to_json(), "seconds": seconds})
        to_process = t.cast("t.IO[str]", self.process.stdin)
        with contextlib.suppress(BrokenPipeError):
            to_process.write(line + "\n")
            to_process.flush()
        result = self._read()
        if isinstance(result, dict) and "error" in result:
            raise MeasureError(f"{self.name}: {result['error']}")
        return result

    def _read(self) -> t.Any:
        line = t.cast("t.IO[str]", self.process.stdout).readline()
        if not line:
            raise MeasureError(f"the idioms of {self.name} ended: see the error above")
        return json.loads(line)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def measure(
    peers: dict[str, Peer], _workloads: list[Workload], settings: Settings, results: Results
) -> None:
    """Compare the answers of every row, then measure it, in process and over HTTP."""
    if not {"flask", "costrel"} <= peers.keys():
        return
    others = () if settings.quick else tuple(name for name in OTHERS if name in peers)
    for number in range(settings.rounds):
        with contextlib.ExitStack() as stack:
            processes = []
            for name in ("flask", "costrel", *others):
                try:
                    process = Process(name, settings)
                except MeasureError as failure:
                    results.failures.append(str(failure))
                    continue
                stack.callback(process.stop)
                processes.append(process)
            listings = {process.name: process.listing for process in processes}
            if not {"flask", "costrel"} <= listings.keys():
                return
            rows = [idioms.from_json(values) for values in listings["flask"]]
            for position, idiom in enumerate(rows, 1):
                doing = [
                    process
                    for process in processes
                    if process.name not in OTHERS or idiom.name in process.listing
                ]
                progress = f"[round {number + 1}, {position:2}/{len(rows)}] {idiom.title:50}"
                try:
                    check(idiom, doing)
                    found = measure_row(idiom, doing, settings)
                except MeasureError as failure:
                    results.failures.append(f"idiom {idiom.name}: {failure}")
                    say(f"{progress} FAILED: {failure}")
                    continue
                group = results.group(PROCESS, idiom.name, idiom.title)
                for name, us in found.items():
                    where = "ASGI" if name == "starlette" else "in process"
                    group.add(name, where, "us").runs.append(us)
                ratio = found["flask"] / found["costrel"]
                say(f"{progress} {found['costrel']:8.1f} us, {ratio:5.1f} x Flask")
    measure_served([row for row in rows if row.served], settings, results)


def check(idiom: Idiom, processes: list[Process]) -> None:
    """Raise `MeasureError` unless Flask and Costrel give the same answer, and all its status."""
    answers = {process.name: process.answer(idiom) for process in processes}
    for name, answer in answers.items():
        if answer["status"] != idiom.status:
            raise MeasureError(f"{name} answers {answer['status']}, not {idiom.status}")
    theirs, ours = (without_date(answers[name]) for name in ("flask", "costrel"))
    if theirs != ours:
        raise MeasureError(f"the answers differ\nFlask:   {theirs}\nCostrel: {ours}")


def without_date(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what has to be equal: not dates, nor signatures, which contain one.

    Flask lists the methods of `Allow` in the order of a set, which differs by process.
    """
    fields = []
    for name, value in answer["fields"]:
        kind = name.lower()
        if kind == "allow":
            fields.append((name, ", ".join(sorted(value.split(", ")))))
        elif kind != "date":
            fields.append((name, SIGNED.sub(r"\1", value)))
    return answer | {"fields": fields}


def measure_row(idiom: Idiom, processes: list[Process], settings: Settings) -> dict[str, float]:
    """Return the microseconds of each, the best of two turns."""
    turns = 2
    seconds = settings.idiom_s / turns
    best: dict[str, float] = {}
    for _ in range(turns):
        for process in processes:
            us = process.measure(idiom, seconds)
            best[process.name] = min(us, best.get(process.name, us))
    return best


def measure_served(rows: list[Idiom], settings: Settings, results: Results) -> None:
    """Measure the served rows over HTTP, like workloads; quickly, for a moment each."""
    if settings.quick:
        settings = dataclasses.replace(settings, seconds=0.3, warm_up_s=0)
    names = tuple(row.name for row in rows)
    pairs = [(dataclasses.replace(peer, workloads=names), server) for peer, server in SERVED]
    workloads = [make_workload(row) for row in rows]
    over_http.measure_pairs(HTTP, pairs, workloads, settings, results)


def make_workload(idiom: Idiom) -> Workload:
    """Return a row as a workload, whose answers have to be the same everywhere."""
    seen: list[t.Any] = []

    def check_same(answer: Answer) -> None:
        answer.require(answer.status == idiom.status, f"the status is not {idiom.status}")
        compared = {
            name: SIGNED.sub(r"\1", value)
            for name, value in answer.headers.items()
            if name not in OF_SERVERS
        }
        seen.append((answer.status, compared, answer.body))
        answer.require(seen[-1] == seen[0], f"{compared}, but the first answer was {seen[0]}")

    return Workload(idiom.name, idiom.title, idiom.request, check_same, CONNECTIONS, idiom.first)
