"""A Redis server for the duration of a measurement: on a Unix socket, with nothing on disk."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
import typing as t

import environment
from environment import MeasureError
from material.rediskept import FOLDER, SOCKET

PROGRAMS = ("redis-server", "valkey-server")
START_TIMEOUT_S = 10
STOP_TIMEOUT_S = 10


def find() -> str | None:
    """Return the path of the server's program; None if it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextlib.contextmanager
def running(program: str, core: int) -> t.Iterator[None]:
    """Run a server, pinned to a core; `MeasureError` if it does not start."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    log = FOLDER / "redis.log"
    options = ["--port", "0", "--unixsocket", str(SOCKET), "--unixsocketperm", "700"]
    options += ["--save", "", "--appendonly", "no", "--dir", str(FOLDER), "--logfile", str(log)]
    log.unlink(missing_ok=True)
    with subprocess.Popen(
        [*environment.pinned_to(core), program, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            _wait_until_ready(process)
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
            process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(str(SOCKET))
            probe.sendall(b"PING\r\n")
            if probe.recv(16).startswith(b"+PONG"):
                return
        time.sleep(0.05)
    log = FOLDER / "redis.log"
    tail = log.read_text(errors="replace")[-1000:] if log.exists() else ""
    raise MeasureError(f"the Redis server did not start on {SOCKET}:\n{tail}")
