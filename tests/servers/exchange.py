"""Talk HTTP to a server, and wait until it has done something."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from contextlib import closing, suppress
from dataclasses import dataclass

import pytest

HOST = "127.0.0.1"
PATIENCE_S = 15.0


@dataclass(frozen=True)
class Answer:
    """A whole response; `cut_off` if the connection ended before it did."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    cut_off: bool = False

    @property
    def json(self):
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()


def fetch(port, path, method="GET", *, body=None, headers=()):
    """Send a request and return its `Answer`; a `body` of several pieces goes out chunked."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    with closing(connection):
        # A server may reject a body that is too large, and close, before all of it is sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        try:
            content, cut_off = response.read(), False
        except http.client.IncompleteRead as error:
            content, cut_off = error.partial, True
        return Answer(response.status, response.headers, content, cut_off)


def go_away_after_first_bytes(port, path):
    """Start to read a response, then disconnect abruptly, as if crashed."""
    with _connected(port) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode())
        first = connection.recv(4096)
        _crash(connection)
    return first


def go_away_after_part_of_a_body(port, path, headers, part, *, orderly):
    """Send the beginning of a body, then disconnect."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with _connected(port) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + part)
        if not orderly:
            _crash(connection)


def _connected(port):
    return socket.create_connection((HOST, port), timeout=PATIENCE_S)


def _crash(connection):
    # Close without lingering: data in transit is lost, and the peer sees a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def eventually(expected, look):
    """Check repeatedly until the expected value is seen; fail after a time limit."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) != expected:
        if time.monotonic() > deadline:
            pytest.fail(f"after {PATIENCE_S} s still {found!r} instead of {expected!r}")
        time.sleep(0.02)


def free_port():
    """Return a port on which no program listens."""
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return trial.getsockname()[1]
