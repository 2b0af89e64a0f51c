"""Clients that disconnect, and responses that break off, over ASGI on each server.

Each test leaves the process as it was: `site_left` compares what the process holds with what
it held at first, and checks that every context was left exactly once.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from asgisites import PROGRAMS, begin
from exchange import _crash

UPLOADS = ["/upload", "/upload-sync", "/pieces", "/pieces-sync"]
STREAMS = ["/stream", "/stream-sync", "/events"]


LAST_CHUNK = b"0\r\n\r\n"
"""How a complete response ends (RFC 9112 §7.1)."""


def read_piece(connection):
    """Read until the first piece of a failing stream has arrived."""
    answer = b""
    while b"x" * 1_000 not in answer:
        answer += connection.recv(4096)
    return answer


def name_of(path):
    """Return the endpoint of a path."""
    return path[1:].replace("-", "_")


@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_client_gone_before_the_response_cancels_the_view(site_left, how):
    """The view is cancelled at the point where it waits."""
    waiting = site_left.growth("waiting in wait")
    check = site_left.growth("waited", "leave wait")
    with site_left.get("/wait") as connection:
        waiting(1)
        if how == "crashed":
            _crash(connection)

    check(1, 1)


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_client_gone_in_mid_response_closes_the_generator(site_left, path, how):
    """Whether it yields pieces or waits for one: it would never end on its own."""
    endpoint = name_of(path)
    waiting = site_left.growth(f"waiting in {endpoint}")
    check = site_left.growth(f"closed {endpoint}", f"leave {endpoint}")
    with site_left.get(path) as connection:
        waiting(1)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        if how == "crashed":
            _crash(connection)

    check(1, 1)


def test_client_that_reads_no_further_holds_the_generator_up(site_left):
    """Pieces that are not read are not created; when the client leaves, the generator is closed.

    Daphne keeps everything in memory, even from a bare application.
    """
    begun = site_left.growth("enter flood")
    check = site_left.growth("closed flood", "leave flood")
    made = site_left.counters()["piece of the flood"]
    with site_left.get("/flood") as connection:
        begun(1)
        connection.recv(100)
        site_left.wait_still("piece of the flood")
        made = site_left.counters()["piece of the flood"] - made
        _crash(connection)

    check(1, 1)
    assert made == 1_000 if site_left.name == "daphne" else made < 1_000


@pytest.mark.parametrize("path", ["/", "/sync"])
@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_client_gone_after_its_response_is_no_error(site_left, path, how):
    """A persistent connection that is closed or reset leaves no trace in the log."""
    before = len(site_left.running.log)
    with site_left.get(path) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        if how == "crashed":
            _crash(connection)

    site_left.wait_settled(site_left.held)
    assert "Traceback" not in site_left.running.log[before:]


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_client_gone_in_mid_upload_leaves_nothing(site_left, path, length, how):
    """A view does not mistake the beginning of a body for all of it."""
    check = site_left.growth("uploaded")
    head = f"POST {path} HTTP/1.1\nHost: x\n{length}\n\n"
    with site_left.connect(f"{head}5\nbegun\n") as connection:
        if how == "crashed":
            _crash(connection)

    assert site_left.fetch(path, "POST", body=b"next").json == {"length": 4}
    check(1)


@pytest.mark.parametrize(
    "asgi_site", [name for name in PROGRAMS if name != "daphne"], indirect=True
)
@pytest.mark.parametrize("path", ["/failing", "/failing-sync"])
def test_error_after_the_start_breaks_the_response_off(site_left, path):
    """The client sees only that the response is incomplete; the error is logged once."""
    before = len(site_left.running.log)

    with site_left.connect(f"GET {path} HTTP/1.1\nHost: x\nConnection: close\n\n") as connection:
        answer = read_piece(connection)
        site_left.fetch("/fail-now")
        with suppress(ConnectionResetError):
            while more := connection.recv(4096):
                answer += more

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"x" * 1_000) == 1
    assert not answer.endswith(LAST_CHUNK)
    site_left.running.wait_logged("RuntimeError: the secret of the stream")
    site_left.wait_settled(site_left.held)
    log = site_left.running.log[before:]
    assert log.count("RuntimeError: the secret of the stream") == 1


def test_error_after_the_start_leaves_daphnes_client_waiting(tmp_path):
    """Daphne neither continues nor ends the connection, with any application.

    The context of the request is left anyway.
    """
    site = begin(PROGRAMS["daphne"], tmp_path)
    try:
        with site.get("/failing") as connection:
            answer = read_piece(connection)
            site.fetch("/fail-now")
            site.running.wait_logged("RuntimeError: the secret of the stream")
        counters = site.counters()
    finally:
        site.running.stop()

    assert answer.startswith(b"HTTP/1.1 200")
    assert not answer.endswith(LAST_CHUNK)
    assert (counters["enter failing"], counters["leave failing"]) == (1, 1)


def test_error_of_the_view_answers_500(site_left):
    """The response does not show the error."""
    answer = site_left.fetch("/failing-view")

    assert answer.status == 500
    assert b"secret" not in answer.body
