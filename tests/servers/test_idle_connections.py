"""Connections that send no request, and clients that must be served meanwhile."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack

import pytest
from exchange import HOST, PATIENCE_S, fetch
from programs import Program, serve

MANY = 1_200
"""More than the backlog, and more than Granian's own limit."""

WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BEGINNINGS = [
    b"",
    b"\r\n",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-",
    WHOLE,
    WHOLE + b"GET / HTTP/1.1\r\nHost",
]

COMMANDS = {
    "wsgi": ("costrel", "wsgi"),
    "asgi": ("costrel", "asgi"),
    "asgi-on-granian": ("python without_uvicorn.py", "asgi"),
}


@pytest.fixture(params=COMMANDS)
def begin(request, tmp_path):
    """Serve over one of the interfaces; return the port."""
    command, interface = COMMANDS[request.param]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as opened:

        def begin(timeout_s):
            program = Program(
                request.param,
                lambda port, app: [
                    *(*command.split(), "--app", app, "run", "--interface", interface),
                    *("--port", str(port), "--head-timeout", str(timeout_s)),
                    *("--stop-timeout", "1"),
                ],
            )
            running, port = serve(program, "unsendable:app", tmp_path)
            opened.callback(running.stop)
            return port

        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * MANY), hard))
        yield begin
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(port, beginning):
    """Open a connection and send the beginning of a request or nothing."""
    connection = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    connection.sendall(beginning)
    return connection


@pytest.mark.parametrize("beginning", BEGINNINGS, ids=repr)
def test_many_idle_connections_hold_nobody_up(begin, beginning):
    """Other requests are answered while all of them are open."""
    port = begin(60)
    with ExitStack() as opened:
        for _ in range(MANY):
            opened.enter_context(connect(port, beginning))

        assert fetch(port, "/").text == "index"


def test_connections_without_a_request_are_closed_in_time(begin):
    """However much of the head was sent, and after a response too."""
    port = begin(1)
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(port, b)) for b in BEGINNINGS]
        answers = []
        for connection in connections:
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
            answers.append(answer.count(b"HTTP/1.1 200"))

        assert [b.count(WHOLE) for b in BEGINNINGS] == answers
        assert fetch(port, "/").text == "index"
