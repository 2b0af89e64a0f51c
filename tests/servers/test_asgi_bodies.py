"""Slow bodies and bodies that are too large, over ASGI on each server."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

TRICKLES = 12
"""How many slow uploads run at once: three times as many as there are worker threads."""

RECEIVED_WHOLE = ["/upload", "/upload-sync"]
RECEIVED_IN_PIECES = ["/pieces", "/pieces-sync"]


def upload(path, *fields):
    """Return the head of an upload."""
    return "\n".join([f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *fields, "", ""])


def read_all(connection):
    """Read until the server closes."""
    answer = b""
    while piece := connection.recv(4096):
        answer += piece
    return answer


@pytest.mark.parametrize("path", [*RECEIVED_WHOLE, "/pieces"])
def test_trickling_bodies_hold_nobody_up(site_left, path):
    """Many slow bodies do not block other requests: no thread waits for a body."""
    uploaded = site_left.growth("uploaded")
    with ExitStack() as opened:
        trickles = [
            opened.enter_context(site_left.connect(upload(path, "Content-Length: 4")))
            for _ in range(TRICKLES)
        ]
        for piece in (b"a", b"b", b"c"):
            for connection in trickles:
                connection.sendall(piece)
            assert site_left.fetch("/").text == "index"
            assert site_left.fetch("/sync").text == "sync"
            assert site_left.fetch("/upload-sync", "POST", body=b"12").json == {"length": 2}
        uploaded(3)
        for connection in trickles:
            connection.sendall(b"d")
        answers = [read_all(connection) for connection in trickles]

    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert all(b'{"length":4}' in answer for answer in answers)
    uploaded(3 + TRICKLES)


@pytest.mark.parametrize("path", ["/pieces", "/pieces-sync?size=3"])
def test_slow_body_is_given_to_a_marked_view_as_it_comes(site_left, path):
    """Each piece arrives before the next is sent; watching for a disconnect loses none."""
    pieces = site_left.growth("piece")
    with site_left.connect(upload(path, "Content-Length: 12")) as connection:
        for number in range(4):
            connection.sendall(b"abc")
            if site_left.name != "daphne":
                pieces(number + 1)
            elif number < 3:
                pieces(0)  # it calls no application before it has the whole body
        answer = read_all(connection)

    assert answer.startswith(b"HTTP/1.1 200")
    assert b'{"length":12}' in answer


@pytest.mark.parametrize("path", RECEIVED_WHOLE + RECEIVED_IN_PIECES)
def test_body_announced_as_too_large_is_refused_at_once(site_left, path):
    """413 comes although almost nothing of the body was sent.

    Daphne answers only when it has received all of it, even with a bare application.
    """
    uploaded = site_left.growth("uploaded")
    with site_left.connect(upload(path, "Content-Length: 1000001")) as connection:
        connection.sendall(b"x")
        if site_left.name == "daphne":
            connection.sendall(b"x" * 1_000_000)
        status = connection.recv(4096).split(b"\r\n")[0]

    assert status.startswith(b"HTTP/1.1 413")
    uploaded(0)


@pytest.mark.parametrize("path", RECEIVED_WHOLE + RECEIVED_IN_PIECES)
def test_body_without_a_length_is_refused_once_it_is_too_large(site_left, path):
    """413 comes before the body ends; on Daphne at its end, as with any application."""
    uploaded = site_left.growth("uploaded")
    with site_left.connect(upload(path, "Transfer-Encoding: chunked")) as connection:
        for _ in range(11):
            connection.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        if site_left.name == "daphne":
            connection.sendall(b"0\r\n\r\n")
        status = connection.recv(4096).split(b"\r\n")[0]

    assert status.startswith(b"HTTP/1.1 413")
    uploaded(0)


@pytest.mark.parametrize("path", RECEIVED_WHOLE + RECEIVED_IN_PIECES)
def test_body_up_to_the_limit_arrives_whole(site_left, path):
    """With a length or in chunks, in memory or through a file."""
    announced = site_left.fetch(path, "POST", body=b"x" * 1_000_000)
    chunked = site_left.fetch(path, "POST", body=iter([b"x" * 100_000] * 10))

    assert announced.json == {"length": 1_000_000}
    assert chunked.json == {"length": 1_000_000}
