"""Server-sent events on WSGI and ASGI servers, read by a socket and by a browser."""

from __future__ import annotations

import http.client
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from exchange import HOST, PATIENCE_S, eventually, fetch, free_port
from programs import PROGRAMS, Program, Running, serve

ASGI = {
    program.name: program
    for program in (
        Program(
            "uvicorn",
            lambda port, app: [
                *("uvicorn", "--host", HOST, "--port", str(port)),
                *("--timeout-graceful-shutdown", "2", f"{app}.asgi"),
            ],
        ),
        Program(
            "hypercorn",
            lambda port, app: [
                *("hypercorn", "--bind", f"{HOST}:{port}", "--graceful-timeout", "2"),
                *("--error-logfile", "-", f"{app}.asgi"),
            ],
        ),
        Program(
            "daphne",
            lambda port, app: ["daphne", "--bind", HOST, "--port", str(port), f"{app}.asgi"],
        ),
        Program(
            "granian-asgi",
            lambda port, app: [
                *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port)),
                f"{app}.asgi",
            ],
        ),
    )
}
WSGI = {name: PROGRAMS[name] for name in ("gunicorn-gthread", "waitress", "granian")}
SERVERS = ASGI | WSGI


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """Serve the events application with one program; return it and its port."""
    running, port = serve(
        SERVERS[request.param], "events:app", tmp_path_factory.mktemp(request.param)
    )
    try:
        yield running, port
    finally:
        running.stop()


class Reader:
    """Read events from an open response."""

    def __init__(self, connection, path):
        connection.request("GET", path)
        self.response = connection.getresponse()

    def next(self):
        """Return the lines of the next event, without comments."""
        lines = []
        while line := self.response.readline().decode():
            if line == "\n" and lines:
                return lines
            if line[0] not in ":\n":
                lines.append(line.rstrip("\n"))
        pytest.fail(f"the stream ended after {lines}")


def connect(port):
    """Open a connection, and close it at the end even if more would come."""
    return closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S))


def count(port, name):
    """Return one of the application's counters."""
    return fetch(port, "/counters").json.get(name, 0)


def test_events_arrive_when_they_are_sent(server):
    """Headers arrive before the first event, and each event before the next is created."""
    _running, port = server
    before = count(port, "teardown of /waiting")

    with connect(port) as connection:
        reader = Reader(connection, "/waiting")
        assert reader.response.status == 200
        assert reader.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"

        fetch(port, "/go-on", "POST", body=b"")
        assert reader.next() == ["data: first"]

        fetch(port, "/go-on", "POST", body=b"")
        assert reader.next() == ["data: /waiting"]
        assert reader.response.read() == b""

    eventually(before + 1, lambda: count(port, "teardown of /waiting"))


@pytest.mark.parametrize("path", ["/idle", "/sync"])
def test_client_gone_closes_the_generator(server, path):
    """It is closed inside its request, with one teardown; comments detect the disconnect."""
    _running, port = server
    closed, torn_down = count(port, f"closed {path}"), count(port, f"teardown of {path}")

    with connect(port) as connection:
        # A generator that has not started has nothing to close.
        assert Reader(connection, path).next() == ["data: first"]

    eventually(closed + 1, lambda: count(port, f"closed {path}"))
    eventually(torn_down + 1, lambda: count(port, f"teardown of {path}"))


def test_failing_generator_is_logged_and_ends_the_response(server):
    """The client gets the events before the error, then the end; the error is logged."""
    running, port = server
    before = count(port, "errors torn down")

    name = Path(running.process.args[0]).name
    sent = b": \n\ndata: first\n\n"
    if name == "daphne":
        # It leaves the connection of a failed response open.
        with connect(port) as connection:
            assert Reader(connection, "/failing").next() == ["data: first"]
    else:
        try:
            answer = fetch(port, "/failing")
        except http.client.RemoteDisconnected:
            # It drops what it has not sent yet, even the head.
            assert name == "granian"
        else:
            assert answer.status == 200
            assert answer.body == sent or (name == "granian" and sent.startswith(answer.body))

    running.wait_logged("RuntimeError: the secret of the stream")
    eventually(before + 1, lambda: count(port, "errors torn down"))


# A browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize("name", ["uvicorn", "granian"])
def test_browser_gets_events_and_comes_again_where_it_was(tmp_path, name):
    """An EventSource is open, gets its events, and sends the last one's id when it reconnects."""
    running, port = serve(SERVERS[name], "events:app", tmp_path)
    try:
        place = tmp_path / "browser"
        place.mkdir()
        browser = Running(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *(f"--remote-debugging-port={free_port()}", f"--user-data-dir={place}"),
                f"http://{HOST}:{port}/",
            ],
            place,
        )
        try:
            eventually(
                [
                    'done  ""',
                    "message a 1 first\n line",
                    "message a 3 after a 2",
                    "named käse",
                    "open",
                    "open",
                ],
                lambda: fetch(port, "/reports").json,
            )
        finally:
            browser.kill()
    finally:
        running.stop()
