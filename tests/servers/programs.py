"""The server programs under test: how to start each, and what each cannot do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from exchange import HOST, PATIENCE_S, eventually, fetch, free_port

APPS = Path(__file__).parent / "apps"
FOREIGN_VARIABLES = ("COSTREL_AS_FLASK", "FLASK_", "WERKZEUG_", "GUNICORN_", "GRANIAN_", "PYTEST_")


@dataclass(frozen=True)
class Program:
    """A server program. `command` returns its command line for a port and an application."""

    name: str
    command: Callable[[int, str], list[str]]
    concurrent: bool = True
    """Whether it answers two requests at the same time."""
    believes_local_proxies: bool = False
    """Whether it takes the scheme from a local client's ``X-Forwarded-Proto`` on its own."""
    hides_cuts: bool = False
    """Whether it ends a failed stream like a complete one."""
    hides_cut_uploads: bool = False
    """Whether it ends a broken-off upload of unknown length like a complete one."""


def _gunicorn(*options):
    return lambda port, app: ["gunicorn", "--bind", f"{HOST}:{port}", *options, app]


PROGRAMS = {
    program.name: program
    for program in (
        Program("gunicorn-sync", _gunicorn(), concurrent=False, believes_local_proxies=True),
        Program(
            "gunicorn-gthread",
            _gunicorn("--worker-class", "gthread", "--threads", "4"),
            believes_local_proxies=True,
        ),
        Program(
            "waitress",
            lambda port, app: [
                "waitress-serve",
                f"--listen={HOST}:{port}",
                "--no-clear-untrusted-proxy-headers",
                app,
            ],
        ),
        Program(
            "granian",
            lambda port, app: [
                *("granian", "--interface", "wsgi", "--blocking-threads", "4"),
                *("--host", HOST, "--port", str(port), app),
            ],
            hides_cuts=True,
            hides_cut_uploads=True,
        ),
        Program(
            "costrel-run",
            lambda port, app: ["costrel", "--app", app, "run", "--port", str(port)],
            hides_cuts=True,
        ),
    )
}

INSTALL = {
    "gunicorn": "pip install gunicorn",
    "waitress-serve": "pip install waitress",
    "granian": "pip install granian",
    "costrel": "pip install --editable .",
    "nginx": "apt-get install nginx-light",
}


def find_program(name):
    """Return the path of a program; if it is missing, skip and say how to install it."""
    # Programs next to this Python come first; the PATH of a service may lack /usr/sbin.
    places = [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"{name} is not installed; to install it: {INSTALL[name]}")
    return found


class Running:
    """A running program and its output."""

    def __init__(self, command, place, *, cwd=APPS, **variables):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_VARIABLES)}
        self.log_file = place / "log.txt"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [find_program(command[0]), *command[1:]],
                cwd=cwd,
                # Programs store files in the home directory.
                env=inherited | {"HOME": str(place)} | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self):
        """The output so far."""
        return self.log_file.read_text(errors="replace")

    def wait_logged(self, text):
        """Wait until the program prints a text, which may be after its answer."""
        eventually(True, lambda: text in self.log)

    def wait_ready(self, port, path="/"):
        """Wait until the program answers at all."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if self.process.poll() is not None:
                pytest.fail(f"{self.process.args[0]} ended instead of serving:\n{self.log}")
            try:
                return fetch(port, path)
            except OSError as error:
                if time.monotonic() > deadline:
                    pytest.fail(f"{self.process.args[0]} does not answer: {error!r}\n{self.log}")
            time.sleep(0.02)

    def stop(self):
        """Stop the program, and make sure that no process of it is left."""
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.process.args[0]} did not stop in {PATIENCE_S} s:\n{self.log}")
        finally:
            self.kill()

    def kill(self):
        """Kill the program and all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def serve(program, app, place, **variables):
    """Start a server program with an application of `APPS`; return it and its port."""
    port = free_port()
    running = Running(program.command(port, app), place, **variables)
    try:
        running.wait_ready(port)
    except BaseException:
        running.stop()
        raise
    return running, port
