"""Fixtures of the command line's tests, which run the real command and serve with it."""

from __future__ import annotations

import http.client
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import costrel

SOURCE = Path(costrel.__file__).resolve().parent.parent
PATIENCE_S = 20.0


def command_environ(**changes: str) -> dict[str, str]:
    """Return the environment for a command: ours without Flask's variables."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLASK_", "WERKZEUG_", "COSTREL_", "PYTHONSTARTUP"))
    }
    paths = [str(SOURCE), *filter(None, [changes.pop("PYTHONPATH", "")])]
    return environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"} | changes


class Served:
    """A running ``costrel run``, its output line by line."""

    def __init__(self, command: t.Sequence[str], cwd: Path, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.url = ""
        self.seen: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._lines.put(line)
        self._lines.put(None)

    @property
    def output(self) -> str:
        """All output that was waited for."""
        return "".join(self.seen)

    def wait_for(self, pattern: str, nudge: t.Callable[[], object] = lambda: None) -> re.Match[str]:
        """Read until a line matches; fail if the output ends before.

        While nothing is printed, `nudge` is called twice a second.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._lines.get(timeout=0.5)
            except queue.Empty:
                if time.monotonic() > deadline:
                    pytest.fail(f"no {pattern!r} in {PATIENCE_S} s:\n{self.output}")
                nudge()
                continue
            if line is None:
                pytest.fail(f"the server ended without {pattern!r}:\n{self.output}")
            self.seen.append(line)
            found = re.search(pattern, line)
            if found:
                return found

    def wait_ready(self) -> str:
        """Return the address of the server once it accepts connections."""
        self.url = self.wait_for(r"Running on (https?://[^\s]+)").group(1)
        return self.url

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a GET; connect as soon as the server listens."""
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    def connect(self) -> http.client.HTTPConnection:
        """Return an open connection."""
        host = urlsplit(self.url)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            connection = http.client.HTTPConnection(
                t.cast(str, host.hostname), host.port, timeout=PATIENCE_S
            )
            try:
                connection.connect()
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return connection

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, read the rest of the output and return the exit status."""
        self.process.send_signal(how)
        return self.wait_end()

    def wait_end(self) -> int:
        """Read the rest of the output and return the exit status."""
        code = self.process.wait(timeout=PATIENCE_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.seen.append(line)
        return code


@pytest.fixture
def serve(tmp_path: Path) -> t.Iterator[t.Callable[..., Served]]:
    """Start ``costrel``, or a script, in `tmp_path`; stop what still runs after the test."""
    started: list[Served] = []

    def start(*args: str, script: str | None = None, **environ: str) -> Served:
        command = [script] if script else ["-m", "costrel"]
        served = Served([*command, *args], tmp_path, command_environ(**environ))
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            os.killpg(served.process.pid, signal.SIGKILL)
            served.process.wait(timeout=PATIENCE_S)


@pytest.fixture
def costrel_command(tmp_path: Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``costrel`` in `tmp_path` until it ends."""

    def run(
        *args: str, stdin: str = "", cwd: Path = tmp_path, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "costrel", *args],
            cwd=cwd,
            env=command_environ(**environ),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


@pytest.fixture(autouse=True)
def _standard_environ() -> t.Iterator[None]:
    """Start without Flask's variables, and restore `os.environ` and `sys.path`."""
    environ, path = dict(os.environ), sys.path[:]
    for name in environ:
        if name.startswith(("FLASK_", "WERKZEUG_")):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:] = path
