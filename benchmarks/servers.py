"""Start a peer on a server, pinned to one core, and stop it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
import typing as t

import environment
from environment import PYTHON, WORK, MeasureError
from exchange import Answer, Request
from registry import Peer, Workload

HOST = "127.0.0.1"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


def command(server: str, peer: Peer, port: int) -> list[str]:
    """Return the command of a server.

    Those named "defaults", and `costrel run`, get no option but the application and the address.
    The others have one worker, as few threads as possible, and no access log.
    """
    app, address = peer.app or f"{peer.module}:app", f"{HOST}:{port}"
    at = ["--host", HOST, "--port", str(port)]
    granian = ["-m", "granian", *at, "--workers", "1"]
    granian += ["--http", "1", "--no-ws", "--no-access-log", "--log-level", "warning"]
    gunicorn = ["-m", "gunicorn", "--bind", address, "--workers", "1", "--log-level", "warning"]
    gunicorn += ["--no-control-socket", "--worker-class"]
    uvicorn = ["-m", "uvicorn", *at, "--workers", "1"]
    uvicorn += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    commands = {
        "granian-defaults": ["-m", "granian", "--interface", peer.interface, *at, app],
        "gunicorn-defaults": ["-m", "gunicorn", "--bind", address, app],
        "uvicorn-defaults": ["-m", "uvicorn", *at, app],
        "costrel-run": ["-m", "costrel", "--app", app, "run", *at],
        "granian": [*granian, "--interface", "wsgi", "--blocking-threads", "1", app],
        "granian-asgi": [*granian, "--interface", "asgi", "--loop", "uvloop", app],
        "gunicorn-sync": [*gunicorn, "sync", app],
        "gunicorn-gthread": [*gunicorn, "gthread", "--threads", "4", app],
        "uvicorn": [*uvicorn, "--log-level", "warning", app],
        "own": ["-m", peer.module, HOST, str(port)],
    }
    return [str(PYTHON), *commands[server]]


class Server:
    """One peer on one server, in its own processes."""

    def __init__(self, peer: Peer, server: str, core: int) -> None:
        self.peer = peer
        self.server = server
        self.port = find_port()
        logs = WORK / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{peer.module or peer.name}-{server}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*environment.pinned_to(core), *command(server, peer, self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=WORK,
                env=environment.variables(as_flask=peer.as_flask),
                start_new_session=True,  # so that its workers can be stopped with it
            )

    def wait_until_ready(self) -> None:
        """Return as soon as it accepts connections."""
        give_up = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up:
            if self.process.poll() is not None:
                raise MeasureError(f"{self.name} ended during start-up:\n{self.tail()}")
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self.port), timeout=1).close()
                return
            time.sleep(0.05)
        raise MeasureError(f"{self.name} was not ready after {START_TIMEOUT_S} s:\n{self.tail()}")

    @property
    def name(self) -> str:
        """Return peer and server."""
        return f"{self.peer.name} on {self.server}"

    def tail(self) -> str:
        """Return the last lines of what the server has written."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        """Ask the server to stop, then kill what is left."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT_S)
        self._signal(signal.SIGKILL)  # also a worker that outlived its parent
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def ask(self, request: Request) -> Answer:
        """Return the answer to one request, sent over a new connection."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            headers = dict(request.headers)
            connection.request(request.method, request.target, request.body or None, headers)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def check(self, workload: Workload, request: Request) -> None:
        """Raise `WrongAnswerError` if the answer is not the workload's."""
        workload.check(self.ask(request))
        if workload.probe is not None and workload.check_probe is not None:
            workload.check_probe(self.ask(workload.probe))

    def worker_pid(self) -> int:
        """Return the process that answers: the one with the most memory of the group."""
        group = [pid for pid in list_pids() if find_group(pid) == self.process.pid]
        return max(group, key=read_rss_kib)


def list_pids() -> list[int]:
    """Return the ids of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def find_group(pid: int) -> int:
    """Return the process group of a process, or 0 if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid)
    return 0


def read_rss_kib(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def find_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(
    pairs: t.Iterable[tuple[Peer, str]], core: int, failures: list[str]
) -> t.Iterator[list[Server]]:
    """Run peers on servers for the duration of a block; all but the one measured are idle.

    A server that does not start is added to the failures, and the others run without it.
    """
    servers: list[Server] = []
    ready: list[Server] = []
    try:
        for peer, name in pairs:
            server = Server(peer, name, core)
            servers.append(server)
            try:
                # One after the other: starting is work, and the core has to be shared.
                server.wait_until_ready()
            except MeasureError as failure:
                failures.append(str(failure))
            else:
                ready.append(server)
        yield ready
    finally:
        for server in servers:
            server.stop()
