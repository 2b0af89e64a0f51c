"""WebSockets that break off or send too much, over ASGI on each server, leave nothing behind."""

from __future__ import annotations

import socket

import pytest
from asgisites import begin, notes
from exchange import HOST, PATIENCE_S, _crash, eventually
from programs import PROGRAMS
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def open_socket(site, path):
    """Open a WebSocket of the site."""
    return connect(f"ws://{HOST}:{site.port}{path}", open_timeout=PATIENCE_S, max_size=None)


def close_code(ws):
    """Read until the server closes; return its close code."""
    try:
        while True:
            ws.recv(PATIENCE_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code


@pytest.mark.parametrize("message", ["x" * 1_001, b"x" * 1_001, ["x" * 400] * 3, "€" * 400])
def test_oversize_message_closes_with_1009(site_left, message):
    """Text or bytes, in one frame or several; the limit counts bytes."""
    check = site_left.growth("enter echo", "leave echo")
    with open_socket(site_left, "/echo") as ws:
        ws.send("x" * 1_000)
        assert ws.recv(PATIENCE_S) == "x" * 1_000
        ws.send(message)
        code = close_code(ws)

    assert code == (4009 if site_left.name == "daphne" else 1009)  # which refuses to say 1009
    check(1, 1)


@pytest.mark.parametrize("how", ["closes", "half-closes", "aborts"])
@pytest.mark.parametrize("view", ["echo", "socket"])
def test_client_that_leaves_ends_the_view(site_left, view, how):
    """Whether the view receives or awaits something else that never comes."""
    check = site_left.growth(f"enter {view}", f"leave {view}")
    with open_socket(site_left, f"/{view}") as ws:
        if view == "echo":
            ws.send("begun")
        assert ws.recv(PATIENCE_S) == "begun"
        if how == "closes":
            ws.close()
        elif how == "half-closes":
            ws.socket.shutdown(socket.SHUT_WR)
            check(1, 1)
        else:
            _crash(ws.socket)
            # Not through the client's own thread, which would keep reading.
            ws.socket.shutdown(socket.SHUT_RD)
        check(1, 1)


def test_client_that_aborts_its_handshake_leaves_nothing(site_left):
    """The client disconnects before the view has sent its first message."""
    for _ in range(10):
        with site_left.get_socket("/echo") as connection:
            _crash(connection)

    site_left.wait_settled(site_left.held)


def test_oversize_message_to_a_view_that_awaits_something_else_is_refused(tmp_path):
    """`costrel run` passes the limit to uvicorn, which refuses the message early."""
    site = begin(PROGRAMS["costrel-run"], tmp_path, "asgi_faults:app")
    try:
        with open_socket(site, "/socket") as ws:
            assert ws.recv(PATIENCE_S) == "begun"
            ws.send("x" * 1_001)
            code = close_code(ws)
        eventually(0, lambda: site.counters()["alive"])
    finally:
        site.running.stop()

    assert code == 1009
    assert notes(site.running.log)["leave socket"] == 1
