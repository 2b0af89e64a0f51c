"""Servers that are given the application itself or its factory, as their users write it."""

from __future__ import annotations

import pytest
from exchange import HOST, PATIENCE_S, fetch
from programs import Program
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ITSELF, FACTORY = "itself:app", "itself:create_app"


def _uvicorn(*options):
    return lambda port, app: ["uvicorn", "--host", HOST, "--port", str(port), *options, app]


def _hypercorn(port, app):
    return ["hypercorn", "--bind", f"{HOST}:{port}", app]


def _gunicorn(*options):
    return lambda port, app: ["gunicorn", "--bind", f"{HOST}:{port}", *options, app]


def _granian(*options):
    return lambda port, app: [
        *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port), *options, app)
    ]


def _daphne(port, app):
    return ["daphne", "-b", HOST, "-p", str(port), app]


OVER_ASGI = [
    ("uvicorn", _uvicorn(), ITSELF),
    ("uvicorn", _uvicorn("--factory"), FACTORY),
    ("hypercorn", _hypercorn, f"asgi:{ITSELF}"),
    ("hypercorn", _hypercorn, f"asgi:{FACTORY}()"),
    ("gunicorn", _gunicorn("--worker-class", "asgi"), ITSELF),
    ("gunicorn", _gunicorn("--worker-class", "asgi"), f"{FACTORY}()"),
    ("gunicorn-uvicorn", _gunicorn("--worker-class", "uvicorn.workers.UvicornWorker"), ITSELF),
    ("granian", _granian(), ITSELF),
    ("granian", _granian("--factory"), FACTORY),
    ("daphne", _daphne, ITSELF),
]

UNDER_WSGI = [
    ("hypercorn", _hypercorn, ITSELF),
    ("hypercorn", _hypercorn, f"{FACTORY}()"),
    ("gunicorn", _gunicorn("--threads", "2"), f"{FACTORY}()"),
]


def names(cases):
    """Return an id for each case."""
    return [f"{name} {app}" for name, _command, app in cases]


def notes(running, pid):
    """Return what a process has written about its life."""
    lines = running.log.splitlines()
    return [line[1:].split()[0] for line in lines if line.startswith("<") and f" {pid}>" in line]


@pytest.mark.parametrize(("name", "command", "app"), OVER_ASGI, ids=names(OVER_ASGI))
def test_application_itself_is_served_over_asgi(start, name, command, app):
    """Requests, WebSockets and its life work, and its module is imported once."""
    running, port = start(Program(name, command), app)

    pid = fetch(port, "/").text
    assert fetch(port, "/async").text == pid
    with connect(f"ws://{HOST}:{port}/echo", open_timeout=PATIENCE_S) as ws:
        ws.send("hello")
        assert ws.recv(PATIENCE_S) == "hello"
    running.process.terminate()
    running.process.wait(PATIENCE_S)

    # Daphne knows no lifespan.
    assert notes(running, pid) == ["imported", "began", "ended"][: 2 if name == "daphne" else 3]
    assert "Traceback" not in running.log


@pytest.mark.parametrize(("name", "command", "app"), UNDER_WSGI, ids=names(UNDER_WSGI))
def test_application_itself_is_served_under_wsgi(start, name, command, app):
    """Requests and its life work; a WebSocket is refused, and what to write is said once."""
    running, port = start(Program(name, command), app)

    pid = fetch(port, "/").text
    assert fetch(port, "/async").text == pid
    for _ in range(2):
        with pytest.raises(InvalidStatus), connect(f"ws://{HOST}:{port}/echo"):
            pass
    running.process.terminate()
    running.process.wait(PATIENCE_S)

    assert notes(running, pid) == ["imported", "began", "ended"]
    # Hypercorn refuses it without asking the application.
    said = running.log.count("gunicorn --worker-class asgi module:app")
    assert said == (0 if name == "hypercorn" else 1)
