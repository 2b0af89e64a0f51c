"""Clients that do not read their responses, and clients waiting behind them."""

from __future__ import annotations

import select
import socket
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from exchange import HOST, PATIENCE_S, eventually, fetch
from programs import Program, serve

from costrel.servers.responses import SENDING_THREADS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs to know what has arrived")

STALLED = 12
"""Three times the number of application threads."""

LARGE = 200 * 262_144
"""How many bytes the responses have."""


def run(interface, timeout_s):
    """Return `costrel run` for one of the interfaces."""
    return Program(
        interface,
        lambda port, app: [
            *("costrel", "--app", app, "run", "--interface", interface, "--threads", "4"),
            *("--port", str(port), "--send-timeout", str(timeout_s), "--stop-timeout", "1"),
        ],
    )


def stall(port, path, **options):
    """Start a request and read nothing of its response; `options` are those of the socket."""
    connection = socket.socket()
    for name, value in ({"SO_RCVBUF": 4096} | options).items():
        if value is not None:
            connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    connection.settimeout(PATIENCE_S)
    connection.connect((HOST, port))
    connection.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    return connection


def wait_ended(connections, number):
    """Wait until the server has ended some of these connections, without reading."""
    poll = select.poll()
    for connection in connections:
        # An error is pending on those that were ended.
        poll.register(connection, 0)
    eventually(True, lambda: len(poll.poll(0)) >= number)
    return len(poll.poll(0))


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("path", ["/pieces", "/whole", "/async-pieces"])
def test_clients_that_do_not_read_hold_nobody_up_and_are_disconnected(interface, path, tmp_path):
    """However the response was made; others are answered before that and after it."""
    running, port = serve(run(interface, 2), "large:app", tmp_path)
    with ExitStack() as opened:
        opened.callback(running.stop)
        stalled = [opened.enter_context(stall(port, path)) for _ in range(STALLED)]

        assert fetch(port, "/").status == 200
        assert wait_ended(stalled, STALLED) == STALLED
        assert fetch(port, "/").status == 200


def test_more_clients_that_do_not_read_than_threads_for_them_are_disconnected(tmp_path):
    """Those that have waited longest, long before their time; the others may go on."""
    running, port = serve(run("wsgi", 600), "large:app", tmp_path)
    with ExitStack() as opened:
        opened.callback(running.stop)
        many = SENDING_THREADS + 6
        stalled = [opened.enter_context(stall(port, "/pieces")) for _ in range(many)]

        assert fetch(port, "/").status == 200
        assert wait_ended(stalled, 6) == 6
        assert fetch(port, "/").status == 200


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_slow_client_gets_all_of_its_response(interface, tmp_path):
    """It may take longer than the timeout altogether, as long as it reads on."""
    running, port = serve(run(interface, 1), "large:app", tmp_path)
    with ExitStack() as opened:
        opened.callback(running.stop)
        slow = opened.enter_context(stall(port, "/pieces", SO_RCVBUF=None))
        received, pause, slow_until = 0, threading.Event(), time.monotonic() + 3
        while received < LARGE:
            received += len(slow.recv(1_000_000))
            pause.wait(0.05 if time.monotonic() < slow_until else 0)

        assert received >= LARGE
