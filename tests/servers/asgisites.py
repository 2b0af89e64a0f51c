"""The application of ``apps/asgi_faults.py`` as its clients see it, on each ASGI server."""

from __future__ import annotations

import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from exchange import HOST, PATIENCE_S, eventually, fetch
from programs import Program, Running, serve

APP = "asgi_faults:asgi"


def _uvicorn(*options):
    return lambda port, app: ["uvicorn", "--host", HOST, "--port", str(port), *options, app]


PROGRAMS = {
    program.name: program
    for program in (
        Program("uvicorn", _uvicorn()),
        Program("uvicorn-h11", _uvicorn("--http", "h11", "--ws", "wsproto")),
        Program(
            "hypercorn",
            lambda port, app: ["hypercorn", "--keep-alive", "1", "--bind", f"{HOST}:{port}", app],
        ),
        Program("daphne", lambda port, app: ["daphne", "-b", HOST, "-p", str(port), app]),
        Program(
            "granian",
            lambda port, app: [
                *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port), app)
            ],
        ),
    )
}

COUNTS = ("alive", "tasks", "threads", "files")
"""What a process holds; it must not grow."""


@dataclass
class Site:
    """The served application."""

    name: str
    running: Running
    port: int
    held: dict[str, int] = field(default_factory=dict)

    def warm_up(self):
        """Start the worker threads, which are kept. From now on nothing may grow."""
        with ThreadPoolExecutor(4) as pool:
            assert {a.text for a in pool.map(self.fetch, ["/all-threads"] * 4)} == {"all"}
        self.held = self.wait_settled(None) | {"alive": 0}

    def fetch(self, path, method="GET", **request):
        """Send a request."""
        # Otherwise Hypercorn keeps the connection for a while, although the client is gone.
        return fetch(self.port, path, method, headers={"Connection": "close"}, **request)

    def connect(self, head):
        """Open a connection and send the beginning of a request."""
        connection = socket.create_connection((HOST, self.port), timeout=PATIENCE_S)
        connection.sendall(head.replace("\n", "\r\n").encode())
        return connection

    def get(self, path):
        """Open a connection and send a request for a path."""
        return self.connect(f"GET {path} HTTP/1.1\nHost: x\n\n")

    def get_socket(self, path):
        """Open a connection and request a WebSocket."""
        return self.connect(
            f"GET {path} HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: Upgrade\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n\n"
        )

    def counters(self):
        """Read the counters."""
        return Counter(self.fetch("/counters").json)

    def growth(self, *names):
        """Return a function that waits until these counters have grown by given numbers."""
        before = self.counters()

        def check(*expected):
            def grown():
                now = self.counters()
                return tuple(now[name] - before[name] for name in names)

            eventually(expected, grown)

        return check

    def wait_still(self, name):
        """Wait until a counter stops growing."""

        def look():
            nonlocal last
            before, last = last, self.counters()[name]
            return last - before

        last = -1
        eventually([0] * 10, lambda: [look() for _ in range(10)])

    def wait_settled(self, limits):
        """Wait until every context has been left exactly once and nothing has grown."""

        def look():
            nonlocal now
            now = self.counters()
            unequal = {
                name: (now[name], now[f"leave {name[6:]}"])
                for name in now
                if name.startswith("enter ") and now[name] != now[f"leave {name[6:]}"]
            }
            grown = {
                name: (limits[name], now[name])
                for name in COUNTS
                if limits is not None and now[name] > limits[name]
            }
            return unequal | grown

        now = Counter()
        eventually({}, look)
        assert now["torn down twice"] == 0
        return {name: now[name] for name in COUNTS}


def begin(program, place, app=APP, **variables):
    """Start the application on a server."""
    running, port = serve(program, app, place, **variables)
    return Site(program.name, running, port)


def notes(log):
    """Count what the application has written to its log."""
    return Counter(re.findall(r"<(.+?)>\n", log))
