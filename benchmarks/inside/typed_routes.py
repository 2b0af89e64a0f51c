"""Measure the start, the document and the memory of an application of many routes.

    python -m inside.typed_routes FRAMEWORK typed|plain ROUTES     (prints JSON)

The imports and the models are not in the figures. The start, in milliseconds, ends with the
first answer. The document, in milliseconds, is the first request for ``/openapi.json``. The
memory, in KiB per route, is what the process grows by until each route has answered once.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time

from exchange import Request
from servers import read_rss_kib

from inside.call import ASGI, WSGI
from inside.typed_apps import MODULES, make_app, make_models, make_requests


def main() -> None:
    """Measure what the command line names."""
    framework, kind, routes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for name in MODULES[framework]:
        importlib.import_module(name)
    models, requests = make_models(framework, routes), make_requests(routes)
    call = ASGI if framework == "fastapi" else WSGI
    gc.collect()
    before = read_rss_kib(os.getpid())
    started = time.perf_counter()
    app = make_app(framework, kind, routes, models)
    caller = call(app)
    caller.ask(requests[0])
    found = {"start": (time.perf_counter() - started) * 1e3}
    for request in requests:
        answer = caller.ask(request)
        answer.require(answer.status in {200, 204}, f"{request.method} {request.target}")
    gc.collect()
    found["memory"] = (read_rss_kib(os.getpid()) - before) / routes
    if kind == "typed":
        started = time.perf_counter()
        answer = caller.ask(Request("GET", "/openapi.json"))
        found["document"] = (time.perf_counter() - started) * 1e3
        paths = answer.json()["paths"]
        operations = sum(len(path) for path in paths.values())
        answer.require(operations >= routes, f"only {operations} of {routes} are documented")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
