"""SIGTERM with requests, streams, sockets and tasks in flight, over ASGI on each server."""

from __future__ import annotations

import http.client
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import asgisites
import pytest
from asgisites import begin, notes
from exchange import HOST, PATIENCE_S, eventually
from programs import Program

STREAMS = ["/stream", "/stream-sync", "/events"]
LONG_S, SHORT_S = 20, 1
"""How long a server may wait for what is in flight."""


def programs(grace_s):
    """Return the servers that wait for what is in flight, with this time limit."""

    def uvicorn(*options):
        return lambda port, app: [
            *("uvicorn", "--host", HOST, "--port", str(port), *options),
            *("--timeout-graceful-shutdown", str(grace_s), app),
        ]

    def run(*command):
        return lambda port, app: [
            *(*command, "--app", app.replace(":asgi", ":app"), "run"),
            *("--port", str(port), "--stop-timeout", str(grace_s)),
        ]

    commands = {
        "uvicorn": uvicorn(),
        "uvicorn-h11": uvicorn("--http", "h11", "--loop", "asyncio", "--ws", "wsproto"),
        "hypercorn": lambda port, app: [
            *("hypercorn", "--bind", f"{HOST}:{port}", "--graceful-timeout", str(grace_s), app)
        ],
        "granian": lambda port, app: [
            *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port)),
            *("--workers-kill-timeout", str(grace_s), app),
        ],
        "costrel-run": run("costrel"),
        "costrel-run-on-granian": run("python", "without_uvicorn.py"),
    }
    return {name: Program(name, command) for name, command in commands.items()}


ALL = list(programs(0))


def status_of(name):
    """Return the exit status of a server that stopped on request."""
    # uvicorn ends itself with the signal that it got, after it has stopped everything else.
    return -signal.SIGTERM if name.startswith("uvicorn") else 0


def name_of(path):
    """Return the endpoint of a path."""
    return path[1:].replace("-", "_")


def is_refused(port):
    """Return whether the port is closed."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    with closing(connection):
        try:
            connection.connect()
        except OSError:
            return True
    return False


@pytest.mark.parametrize("name", ALL)
def test_stop_loses_nothing_that_ends_in_time(name, tmp_path):
    """Requests in flight are answered completely, and their tasks finish."""
    release = tmp_path / "release"
    site = begin(programs(LONG_S)[name], tmp_path, RELEASE=str(release))
    paths = ["/wait", "/wait-sync", *STREAMS]
    try:
        site.fetch("/background")
        with ThreadPoolExecutor(len(paths)) as pool:
            answers = {path: pool.submit(site.fetch, path) for path in paths}
            for path in paths:
                site.running.wait_logged(f"<waiting in {name_of(path)}>")
            site.running.wait_logged("<task begun>")
            site.running.wait_logged("<sync task begun>")
            site.running.process.terminate()
            if name != "hypercorn":  # whose socket stays open, and says nothing of its stop
                eventually(True, lambda: is_refused(site.port))
            release.touch()
        status = site.running.process.wait(PATIENCE_S)
    finally:
        site.running.kill()

    ends = {path: future.result() for path, future in answers.items()}
    assert {path: (a.status, a.cut_off) for path, a in ends.items()} == dict.fromkeys(
        paths, (200, False)
    )
    assert all("released" in answer.text for answer in ends.values())
    seen = notes(site.running.log)
    assert {path: seen[f"leave {name_of(path)}"] for path in paths} == dict.fromkeys(paths, 1)
    assert (seen["task ended"], seen["sync task ended"]) == (1, 1)
    assert seen["after serving"] == 1
    assert seen["torn down twice"] == 0
    assert status == status_of(name)


@pytest.mark.parametrize("name", [name for name in ALL if name != "granian"])
def test_stop_cuts_off_what_takes_longer(name, tmp_path):
    """What never ends is cancelled and cleaned up as usual: each teardown runs once.

    This includes a teardown that takes a while.
    """
    variables = {"BACKGROUND_GRACE_S": "0.1", "TEARDOWN_S": "0.4"}
    site = begin(programs(SHORT_S)[name], tmp_path, **variables)
    paths = ["/wait", *STREAMS, "/socket"]
    try:
        with ExitStack() as opened:
            site.fetch("/background")
            for path in paths:
                opened.enter_context(site.get_socket(path) if path == "/socket" else site.get(path))
                site.running.wait_logged(f"<waiting in {name_of(path)}>")
            site.running.wait_logged("<task begun>")
            site.running.process.terminate()
            if name != "hypercorn" or sys.version_info < (3, 12):
                site.running.process.wait(PATIENCE_S)
            # Hypercorn waits for its clients here, even with a bare application.
        status = site.running.process.wait(PATIENCE_S)
    finally:
        site.running.kill()

    seen = notes(site.running.log)
    assert {path: seen[f"leave {name_of(path)}"] for path in paths} == dict.fromkeys(paths, 1)
    assert {path: seen[f"closed {name_of(path)}"] for path in STREAMS} == dict.fromkeys(STREAMS, 1)
    assert (seen["waited"], seen["task left"], seen["after serving"]) == (1, 1, 1)
    assert seen["torn down twice"] == 0
    assert status == status_of(name)
    if name.startswith("costrel-run"):
        assert "Traceback" not in site.running.log


@pytest.mark.parametrize("name", ALL)
def test_stop_is_not_held_up_by_a_thread(name, tmp_path):
    """A sync view cannot be cancelled: its thread is cut off when the process ends.

    Hypercorn waits for what it has cancelled, and so for the view.
    """
    release = tmp_path / "release"
    site = begin(programs(SHORT_S)[name], tmp_path, BACKGROUND_GRACE_S="0.2", RELEASE=str(release))
    try:
        with site.get("/wait-sync"):
            site.running.wait_logged("<waiting in wait_sync>")
            site.running.process.terminate()
            if name == "hypercorn":
                release.touch()
            site.running.process.wait(PATIENCE_S)
    finally:
        site.running.kill()

    seen = notes(site.running.log)
    assert seen["leave wait_sync"] == (name == "hypercorn")
    # Granian kills a worker that does not stop.
    assert seen["after serving"] == (name != "granian")


def test_stop_of_daphne_leaves_nothing(tmp_path):
    """It ends at once without telling the application, so no context is left."""
    site = begin(asgisites.PROGRAMS["daphne"], tmp_path)
    try:
        with site.get("/wait"), site.get_socket("/socket"):
            site.running.wait_logged("<waiting in wait>")
            site.running.wait_logged("<waiting in socket>")
            site.running.process.terminate()
            status = site.running.process.wait(PATIENCE_S)
    finally:
        site.running.kill()

    seen = notes(site.running.log)
    assert (seen["leave wait"], seen["leave socket"], seen["after serving"]) == (0, 0, 0)
    assert status == 0


def test_stop_of_granian_kills_what_takes_longer(tmp_path):
    """It does so after ``--workers-kill-timeout``, and no context is left."""
    site = begin(programs(SHORT_S)["granian"], tmp_path)
    try:
        with site.get("/wait"):
            site.running.wait_logged("<waiting in wait>")
            site.running.process.terminate()
            site.running.process.wait(PATIENCE_S)
    finally:
        site.running.kill()

    seen = notes(site.running.log)
    assert (seen["leave wait"], seen["after serving"]) == (0, 0)
