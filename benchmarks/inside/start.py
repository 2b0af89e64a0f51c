"""Measure how long an application takes to exist and to answer its first request.

    python -m inside.start FRAMEWORK ROUTES     (prints JSON: milliseconds)

The import of the framework is not in it; it is measured on its own.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

from exchange import Request

from inside.call import WSGI
from inside.many_routes import make_app, make_targets


def main() -> None:
    """Measure what the command line names."""
    framework, routes = sys.argv[1], int(sys.argv[2])
    importlib.import_module(framework)
    method, path, status = make_targets(routes)["worst"]
    started = time.perf_counter()
    answer = WSGI(make_app(framework, routes)).ask(Request(method, path))
    took = time.perf_counter() - started
    answer.require(answer.status == status, f"{method} {path} is not {status}")
    print(json.dumps({"ms": took * 1e3}))


if __name__ == "__main__":
    main()
