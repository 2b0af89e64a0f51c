"""Clients that stop in the middle of their bodies, and clients waiting behind them."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from exchange import HOST, PATIENCE_S, fetch
from programs import Program, serve

STALLED = 100
"""Many times the number of application threads."""

HEADS = [
    b"Content-Length: 100\r\n\r\n",
    b"Content-Length: 100\r\n\r\nabc",
    b"Content-Length: 100000\r\n\r\n" + b"x" * 70_000,
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n64\r\nabc",
]


def run(interface, timeout_s):
    """Return `costrel run` for one of the interfaces."""
    return Program(
        interface,
        lambda port, app: [
            *("costrel", "--app", app, "run", "--interface", interface, "--threads", "4"),
            *("--port", str(port), "--body-timeout", str(timeout_s), "--stop-timeout", "1"),
        ],
    )


def stall(port, number):
    """Start a request and stop in the middle of its body."""
    connection = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    connection.sendall(
        b"POST /get_data HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        + HEADS[number % len(HEADS)]
    )
    return connection


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_stalled_uploads_hold_nobody_up(interface, tmp_path):
    """Other requests, with and without bodies, are answered while many clients stall."""
    running, port = serve(run(interface, 60), "bodies:app", tmp_path)
    with ExitStack() as opened:
        opened.callback(running.stop)
        for number in range(STALLED):
            opened.enter_context(stall(port, number))

        assert fetch(port, "/").status == 200
        assert fetch(port, "/get_data", "POST", body=b"text").json["length"] == 4
        assert fetch(port, "/get_data", "POST", body=iter([b"te", b"xt"])).json["length"] == 4


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_stalled_uploads_are_answered_408_in_time(interface, tmp_path):
    """However much was sent; then their threads and connections are free."""
    running, port = serve(run(interface, 1), "bodies:app", tmp_path)
    with ExitStack() as opened:
        opened.callback(running.stop)
        stalled = [opened.enter_context(stall(port, n)) for n in range(STALLED)]
        answers = []
        for connection in stalled:
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
            answers.append(answer[:12])

        assert [b"HTTP/1.1 408"] * STALLED == answers
        assert fetch(port, "/get_data", "POST", body=b"text").json["length"] == 4
        assert fetch(port, "/").json == {"completed": 1}
