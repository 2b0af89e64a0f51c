"""The lifespan on each server: at start-up, at shutdown, and if something fails."""

from __future__ import annotations

import pytest
from exchange import HOST, PATIENCE_S, fetch, free_port
from programs import APPS, PROGRAMS, Program, Running
from test_events import ASGI

PRELOADING = Program(
    "gunicorn --preload",
    lambda port, app: [
        *("gunicorn", "--bind", f"{HOST}:{port}", "--preload", "--workers", "1"),
        *("--worker-class", "gthread", "--threads", "2", app),
    ],
)
WSGI = {name: PROGRAMS[name] for name in ("gunicorn-sync", "granian", "costrel-run")}
# Daphne reports no start and no end: see below. SIGTERM kills Waitress.
SERVERS = {
    **{name: ASGI[name] for name in ("uvicorn", "hypercorn", "granian-asgi")},
    **WSGI,
    PRELOADING.name: PRELOADING,
}


def lines_of(running, pid):
    """Return what each process has printed about its lifespan."""
    return [
        line.removeprefix(f"{pid} ")
        for line in running.log.splitlines()
        if line.startswith(f"{pid} ")
    ]


@pytest.mark.parametrize("name", SERVERS)
def test_life_is_led_from_start_to_end(start, name):
    """Each process starts once, finishes its tasks and shuts down in order."""
    running, port = start(SERVERS[name], "lived:app")
    pid = fetch(port, "/").text

    running.process.terminate()
    running.process.wait(PATIENCE_S)

    lines = lines_of(running, pid)
    assert lines[:2] == ["before", "opened"]
    assert set(lines[2:-2]) == {"worked"}
    assert lines[-2:] == ["closed", "after"]


def test_daphne_begins_with_the_first_request_and_does_not_end(start):
    """Daphne has no lifespan protocol: functions for shutdown never run."""
    running, port = start(ASGI["daphne"], "lived:app")
    pid = fetch(port, "/").text
    running.wait_logged("worked")

    running.process.terminate()
    running.process.wait(PATIENCE_S)

    lines = lines_of(running, pid)
    assert lines[:2] == ["before", "opened"]
    assert "closed" not in lines


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian-asgi"])
def test_server_refuses_to_start_after_an_error(tmp_path, name):
    """The error is logged, what was opened is closed, and the port is closed."""
    port = free_port()
    running = Running(
        ASGI[name].command(port, "lived:app"), tmp_path, cwd=APPS, FAILS="1", PYTHONUNBUFFERED="1"
    )
    try:
        code = running.process.wait(PATIENCE_S)
    finally:
        running.kill()

    # Hypercorn exits with success, although its worker reports the error.
    assert code != 0 or name == "hypercorn"
    assert "The application could not be started" in running.log
    assert "LookupError: no database" in running.log
    assert [line.split()[-1] for line in running.log.splitlines() if line[:1].isdigit()] == [
        "before",
        "opened",
        "closed",
    ]
    with pytest.raises(ConnectionRefusedError):
        fetch(port, "/")


@pytest.mark.parametrize("name", ["daphne", "gunicorn-gthread"])
def test_server_that_starts_with_a_request_answers_500(start, name):
    """Servers without a lifespan answer each request with the error and keep running."""
    program = PROGRAMS.get(name) or ASGI[name]
    running, port = start(program, "lived:app", FAILS="1")

    assert fetch(port, "/").status == 500
    assert "no database" in running.log
