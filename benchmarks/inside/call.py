"""Measure one peer and one workload without a server.

    python -m inside.call MODULE WORKLOAD SECONDS     (prints JSON: microseconds per request)

The application is called with a copy of one canned environ or scope, with the keys that
Granian sends (in an environment of few variables). Every figure includes the time of the copy.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import importlib
import io
import itertools
import json
import sys
import time
import typing as t
import urllib.parse

from exchange import Answer, Request
from registry import ROOT, Workload, load_workload, read_peer

HOST = "127.0.0.1"
PORT = 8000
BATCH_S = 0.05


def make_environ(request: Request) -> dict[str, t.Any]:
    """Return what Granian makes of a request, but for the body's stream."""
    path, _, query = request.target.partition("?")
    environ: dict[str, t.Any] = {
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SCRIPT_NAME": "",
        "SERVER_SOFTWARE": "Granian",
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multiprocess": False,
        "wsgi.multithread": False,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": HOST,
        "SERVER_PORT": str(PORT),
        "REMOTE_ADDR": HOST,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": urllib.parse.unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": f"{HOST}:{PORT}",
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if request.body:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


class WSGI:
    """Call a WSGI application."""

    def __init__(self, app: t.Any) -> None:
        self.app = app
        self.fields: list[tuple[str, str]] = []  # of the last answer, in their order

    def ask(self, request: Request) -> Answer:
        """Return the answer to one request."""
        seen: list[t.Any] = []

        def start_response(status, headers, exc_info=None):
            self.fields = list(headers)
            seen[:] = [int(status[:3]), {name.lower(): value for name, value in headers}]

        environ = make_environ(request) | {"wsgi.input": io.BytesIO(request.body)}
        chunks = self.app(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        return Answer(seen[0], seen[1], body)

    def call(self, request: Request, times: int) -> float:
        """Return the seconds that so many requests take."""
        app, body, canned = self.app, request.body, make_environ(request)

        def start_response(status, headers, exc_info=None):
            pass

        started = time.perf_counter()
        for _ in itertools.repeat(None, times):
            environ = canned.copy()
            environ["wsgi.input"] = io.BytesIO(body)
            chunks = app(environ, start_response)
            for _chunk in chunks:
                pass
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return time.perf_counter() - started


def make_scope(request: Request) -> dict[str, t.Any]:
    """Return what uvicorn makes of a request."""
    path, _, query = request.target.partition("?")
    headers = [(b"host", f"{HOST}:{PORT}".encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    if request.body:
        headers.append((b"content-length", str(len(request.body)).encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": (HOST, PORT),
        "client": (HOST, 50000),
        "scheme": "http",
        "root_path": "",
        "headers": headers,
        "state": {},
        "method": request.method,
        "path": urllib.parse.unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }


class ASGI:
    """Call an ASGI application, all requests on one loop."""

    def __init__(self, app: t.Any) -> None:
        self.app = app
        self.runner = asyncio.Runner()
        self.fields: list[tuple[str, str]] = []  # of the last answer, in their order

    def ask(self, request: Request) -> Answer:
        """Return the answer to one request."""
        return self.runner.run(self._ask(request))

    async def _ask(self, request: Request) -> Answer:
        seen: list[t.Any] = [0, {}, b""]

        pending = [{"type": "http.request", "body": request.body, "more_body": False}]
        never = asyncio.Event()

        async def receive():
            if not pending:
                await never.wait()
            return pending.pop()

        async def send(message):
            if message["type"] == "http.response.start":
                self.fields = [
                    (name.decode(), value.decode()) for name, value in message["headers"]
                ]
                headers = {name.lower(): value for name, value in self.fields}
                seen[:2] = [message["status"], headers]
            else:
                seen[2] += message.get("body", b"")

        await self.app(make_scope(request), receive, send)
        return Answer(*seen)

    def call(self, request: Request, times: int) -> float:
        """Return the seconds that so many requests take."""
        return self.runner.run(self._call(request, times))

    async def _call(self, request: Request, times: int) -> float:
        app, canned = self.app, make_scope(request)
        message = {"type": "http.request", "body": request.body, "more_body": False}
        pending = []
        never = asyncio.Event()

        async def receive():
            if not pending:
                await never.wait()  # until the client leaves
            return pending.pop()

        async def send(message):
            pass

        started = time.perf_counter()
        for _ in itertools.repeat(None, times):
            scope = canned.copy()
            scope["headers"] = canned["headers"].copy()
            pending[:] = (message,)
            await app(scope, receive, send)
        return time.perf_counter() - started


def sign_in(caller: WSGI | ASGI, workload: Workload) -> Request:
    """Return the workload's request, with the cookie of a login if it needs one."""
    if workload.login is None:
        return workload.request
    cookie = caller.ask(workload.login).headers["set-cookie"].partition(";")[0]
    headers = {**workload.request.headers, "Cookie": cookie}
    return dataclasses.replace(workload.request, headers=headers)


def check(caller: WSGI | ASGI, workload: Workload, request: Request) -> None:
    """Raise unless the peer answers what the workload asks for."""
    workload.check(caller.ask(request))
    if workload.probe is not None and workload.check_probe is not None:
        workload.check_probe(caller.ask(workload.probe))


def measure(caller: WSGI | ASGI, request: Request, seconds: float) -> float:
    """Return the seconds per request of the best of many batches.

    The best, since whatever else the machine does only ever adds time.
    """
    times, took = 1, 0.0
    while took < BATCH_S:
        times *= 2
        took = caller.call(request, times)
    gc.collect()
    best, left = took, seconds
    while left > 0:
        took = caller.call(request, times)
        best = min(best, took)
        left -= took
    return best / times


def main() -> None:
    """Measure what the command line names."""
    module, workload_name, seconds = sys.argv[1:]
    peer = read_peer(ROOT.joinpath(*module.split(".")).with_suffix(".py"))
    workload = load_workload(workload_name)
    app = importlib.import_module(module).app
    caller = WSGI(app) if peer.interface == "wsgi" else ASGI(app)
    request = sign_in(caller, workload)
    check(caller, workload, request)
    result = measure(caller, request, float(seconds))
    check(caller, workload, request)
    print(json.dumps({"us": result * 1e6}))


if __name__ == "__main__":
    main()
