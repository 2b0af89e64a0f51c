"""Answer and measure single rows on demand, so that frameworks can be measured in turn.

    python -m inside.idioms FRAMEWORK

The first line printed is JSON: the rows (of Flask's interface), or the names of the rows that
another framework has. Each line read then is a command, and each further line printed its result.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import traceback
import typing as t

import idioms
from exchange import Request

from inside.call import ASGI, WSGI

BATCH_S = 0.002  # shorter than a turn of the scheduler, so that many are undisturbed


class Rows:
    """The rows of one framework, built when they are asked for."""

    def __init__(self, framework: str) -> None:
        self.flask_interface = framework == "flask"
        self.callers: dict[str, WSGI | ASGI] = {}
        self.requests: dict[str, Request] = {}
        self.times: dict[str, int] = {}
        if self.flask_interface:
            self.rows = idioms.load()
            self.listing: list[t.Any] = [row.to_json() for row in self.rows.values()]
        else:
            from idioms import others

            kind = ASGI if framework == "starlette" else WSGI
            apps = getattr(others, framework)()
            self.callers = {name: kind(app) for name, app in apps.items()}
            self.listing = list(apps)

    def answer(self, row: idioms.Idiom) -> dict[str, t.Any]:
        """Return status, header fields in their order, and body of the row's answer."""
        if self.flask_interface:
            self.callers[row.name] = WSGI(idioms.make_app(self.rows[row.name]))
        caller = self.callers[row.name]
        request = row.request
        if row.first is not None:
            request = row.following(caller.ask(row.first))
        self.requests[row.name] = request
        answer = caller.ask(request)
        fields = list(caller.fields)
        return {"status": answer.status, "fields": fields, "body": answer.body.decode("latin-1")}

    def measure(self, row: idioms.Idiom, seconds: float) -> float:
        """Return the microseconds of the fastest batch."""
        caller, request = self.callers[row.name], self.requests[row.name]
        times = self.times.get(row.name)
        if times is None:
            once = min(caller.call(request, 1) for _ in range(5))
            times = self.times[row.name] = max(1, int(BATCH_S / once))
        gc.collect()
        best, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end:
            best = min(best, caller.call(request, times))
        return best / times * 1e6


def main() -> None:
    """Do what the lines say."""
    rows = Rows(sys.argv[1])
    print(json.dumps(rows.listing), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        row = idioms.from_json(command["row"])
        try:
            result: t.Any = (
                rows.measure(row, command["seconds"]) if command["seconds"] else rows.answer(row)
            )
        except Exception:  # noqa: BLE001 - only this row fails
            result = {"error": traceback.format_exc()}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
