"""The paths that a request can take, each in its own process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import typing as t
from contextlib import ExitStack, contextmanager
from pathlib import Path

from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP

from .wire import Answer, Raw, answer_of, line_of

FLASK = "Flask"
PLANNED = "planned"
WAYS: dict[str, tuple[str, str, dict[str, str]]] = {
    FLASK: ("flask", "wsgi", {}),
    PLANNED: ("costrel", "wsgi", {}),
    "general": ("costrel", "wsgi", {FORCE_GENERAL: "1"}),
    "ASGI": ("costrel", "asgi", {}),
    "loop": ("costrel", "asgi", {FORCE_LOOP: "1"}),
}
"""For each path: the framework, the interface and the environment variables."""

DEADLINE_S = 60.0
"""How long a request may take before it counts as hanging; long, for busy machines."""


class Way:
    """A process that answers raw requests on one path."""

    def __init__(self, name: str, folder: Path) -> None:
        framework, interface, variables = WAYS[name]
        self.name = name
        kept = {key: value for key, value in os.environ.items() if not key.startswith("COSTREL_")}
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "differential.answering", framework, interface, folder],
                cwd=Path(__file__).parents[1],
                env={**kept, **variables, "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0"},
                stdin=theirs,
                stdout=theirs,
            )
        self.socket.settimeout(DEADLINE_S)
        self.answers = self.socket.makefile("rb")

    def send(self, raw: Raw) -> None:
        """Send a request."""
        self.socket.sendall(line_of(raw))

    def receive(self) -> Answer:
        """Receive its answer."""
        try:
            line = self.answers.readline()
        except TimeoutError:
            raise AssertionError(f"{self.name} did not answer within {DEADLINE_S:g} s") from None
        assert line, f"{self.name} ended with {self.process.wait()}"
        return answer_of(line)

    def close(self) -> None:
        """End the process."""
        self.answers.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()


class AllWays:
    """One process for each path; all answer the same requests."""

    def __init__(self, ways: t.Iterable[Way]) -> None:
        self.ways = list(ways)

    def answer(self, raw: Raw) -> dict[str, Answer]:
        """Return the answer on each path."""
        for way in self.ways:
            way.send(raw)
        return {way.name: way.receive() for way in self.ways}


@contextmanager
def all_ways(folder: Path) -> t.Iterator[AllWays]:
    """Start all processes, and stop them at the end."""
    with ExitStack() as stack:
        ways = []
        for name in WAYS:
            ways.append(Way(name, folder))
            stack.callback(ways[-1].close)
        yield AllWays(ways)
