"""HTTP by ASGI on each server, when a client, a view or the server itself breaks off."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import pytest
from exchange import (
    HOST,
    PATIENCE_S,
    _crash,
    eventually,
    fetch,
    go_away_after_first_bytes,
    go_away_after_part_of_a_body,
)
from programs import Program, serve

APP = "asgi_faults:asgi"
PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "uvicorn-httptools",
            lambda port, app: [
                *("uvicorn", "--host", HOST, "--port", str(port), "--http", "httptools"),
                *("--timeout-graceful-shutdown", "3", app),
            ],
        ),
        Program(
            "uvicorn-h11",
            lambda port, app: [
                *("uvicorn", "--host", HOST, "--port", str(port), "--http", "h11"),
                *("--loop", "asyncio", "--timeout-graceful-shutdown", "3", app),
            ],
        ),
        Program(
            "hypercorn",
            lambda port, app: [
                *("hypercorn", "--bind", f"{HOST}:{port}", "--graceful-timeout", "3", app)
            ],
        ),
        Program("daphne", lambda port, app: ["daphne", "-b", HOST, "-p", str(port), app]),
        Program(
            "granian",
            lambda port, app: [
                *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port)),
                *("--workers-graceful-timeout", "3", app),
            ],
        ),
    )
}


class Site:
    """The application, served by one program."""

    def __init__(self, name, running, port):
        self.name = name
        self.running = running
        self.port = port

    def counters(self):
        """Read the counters."""
        return fetch(self.port, "/counters").json

    def growth(self, *names):
        """Return a function that checks how much each of these counters has grown since."""
        before = self.counters()

        def check(*expected):
            def grown():
                now = self.counters()
                return tuple(now.get(name, 0) - before.get(name, 0) for name in names)

            eventually(expected, grown)

        return check


@pytest.fixture(scope="module", params=PROGRAMS)
def site(request, tmp_path_factory):
    """Serve the application by each program, once for all tests."""
    with ExitStack() as started:
        running, port = serve(PROGRAMS[request.param], APP, tmp_path_factory.mktemp(request.param))
        started.callback(running.stop)
        yield Site(request.param, running, port)


def test_views_of_both_kinds_answer(site):
    """The same small site on each server."""
    assert fetch(site.port, "/").text == "index"
    assert fetch(site.port, "/sync").text == "sync"
    assert fetch(site.port, "/nowhere").status == 404
    assert fetch(site.port, "/error").status == 500
    assert fetch(site.port, "/", "HEAD").body == b""


@pytest.mark.parametrize("path", ["/upload", "/upload-sync", "/pieces"])
def test_body_announced_or_chunked_arrives_whole(site, path):
    """Up to the limit; beyond it 413 is answered."""
    assert fetch(site.port, path, "POST", body=b"x" * 600_000).json == {"length": 600_000}
    assert fetch(site.port, path, "POST", body=iter([b"x" * 50_000] * 12)).json == {
        "length": 600_000
    }
    assert fetch(site.port, path, "POST", body=iter([b"x" * 50_000] * 21)).status == 413
    assert fetch(site.port, path, "POST", body=b"x" * 1_000_001).status == 413


@pytest.mark.parametrize("path", ["/upload", "/upload-sync", "/pieces"])
@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "crashed"])
def test_client_gone_in_mid_upload_leaves_nothing(site, path, orderly):
    """The view does not take the beginning for the whole; what was entered is left."""
    endpoint = path[1:].replace("-", "_")
    check = site.growth("uploaded", "alive")

    headers = {"Content-Length": "1000"}
    go_away_after_part_of_a_body(site.port, path, headers, b"only the beginning", orderly=orderly)

    assert fetch(site.port, path, "POST", body=b"next").json == {"length": 4}
    check(1, 0)

    def left():
        counters = site.counters()
        return counters.get(f"leave {endpoint}", 0) >= counters.get(f"enter {endpoint}", 0)

    eventually(True, left)


def test_slow_body_is_given_to_a_marked_view_as_it_comes(site):
    """Each piece arrives before the next is sent; none is lost to who looks after the client."""
    check = site.growth("piece")
    with socket.create_connection((HOST, site.port), timeout=PATIENCE_S) as connection:
        connection.sendall(
            b"POST /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 12\r\n\r\n"
        )
        for number in range(4):
            connection.sendall(b"abc")
            if site.name != "daphne":  # which receives bodies as a whole
                check(number + 1)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece

    assert answer.startswith(b"HTTP/1.1 200")
    assert b'{"length":12}' in answer


def test_client_gone_before_the_answer_cancels_the_view(site):
    """It is cancelled where it waits, and torn down once."""
    check = site.growth("waiting", "waited", "leave wait", "alive")
    waiting = site.growth("waiting")
    with socket.create_connection((HOST, site.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting(1)
        _crash(connection)

    check(1, 1, 1, 0)


@pytest.mark.parametrize("path", ["/endless", "/endless-sync"])
def test_client_gone_in_mid_stream_closes_the_generator(site, path):
    """It would never end by itself."""
    endpoint = path[1:].replace("-", "_")
    check = site.growth(f"closed {endpoint}", f"leave {endpoint}", "alive")

    assert go_away_after_first_bytes(site.port, path).startswith(b"HTTP/1.1 200")

    check(1, 1, 0)


def test_client_gone_right_after_the_answer_is_no_error(site):
    """Nothing is logged about it."""
    fetch(site.port, "/")
    before = len(site.running.log)
    go_away_after_first_bytes(site.port, "/")
    go_away_after_first_bytes(site.port, "/sync")

    assert fetch(site.port, "/").text == "index"
    assert "Traceback" not in site.running.log[before:]


def test_error_after_the_start_is_logged_once(site):
    """The server breaks off, and the client sees no word of the error."""
    check = site.growth("leave failing", "alive")
    before = len(site.running.log)

    answer = fetch(site.port, "/failing")

    assert b"secret" not in answer.body
    check(1, 0)
    site.running.wait_logged("RuntimeError: the secret of the stream")
    log = site.running.log[before:]
    assert log.count("RuntimeError: the secret of the stream") == 1
    if site.name != "granian":  # which ends the response as if it was complete
        assert answer.cut_off or len(answer.body) < 1000


def test_many_exchanges_leave_no_task_thread_file_or_context(site):
    """What a process holds does not grow with what it has served."""

    def exchange_some():
        for path in ("/", "/sync", "/error", "/failing"):
            fetch(site.port, path)
        for path in ("/endless", "/endless-sync"):
            go_away_after_first_bytes(site.port, path)
        for path in ("/upload", "/upload-sync", "/pieces"):
            fetch(site.port, path, "POST", body=iter([b"x" * 300_000] * 3))
            headers = {"Content-Length": "1000"}
            go_away_after_part_of_a_body(site.port, path, headers, b"begun", orderly=False)

    def held():
        counters = site.counters()
        return {name: counters[name] for name in ("alive", "tasks", "threads", "files")}

    for _ in range(3):
        exchange_some()  # threads that are kept are started
    eventually(0, lambda: held()["alive"])
    before = held()
    for _ in range(5):
        exchange_some()

    def grown():
        now = held()
        # Threads of the executors come as they are needed, up to a limit.
        allowed = {"threads": 4, "files": 2, "tasks": 1}
        return {name: now[name] for name in now if now[name] > before[name] + allowed.get(name, 0)}

    eventually({}, grown)


@pytest.mark.parametrize("name", PROGRAMS)
def test_sigterm_loses_nothing_in_flight(name, start):
    """Requests and streams that end within the grace period are answered to the end."""
    if name == "daphne":
        pytest.xfail("Daphne stops at once")
    running, port = start(PROGRAMS[name], APP)
    answers = {}

    def ask(path):
        answers[path] = fetch(port, path)

    paths = ["/slow", "/slow-sync", "/slow-stream"]
    threads = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    eventually(3, lambda: running.log.count("<slow>"))
    running.process.terminate()
    for thread in threads:
        thread.join(PATIENCE_S)
    running.process.wait(PATIENCE_S)

    assert {path: (answer.text, answer.cut_off) for path, answer in answers.items()} == {
        "/slow": ("slow", False),
        "/slow-sync": ("slow", False),
        "/slow-stream": ("0\n1\n2\n3\n", False),
    }
    for endpoint in ("slow", "slow_sync", "slow_stream"):
        assert running.log.count(f"<leave {endpoint}>") == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_sigterm_ends_what_never_ends(name, start):
    """A stream without an end holds the server no longer than its grace period."""
    running, port = start(PROGRAMS[name], APP)
    connections = []
    try:
        for path in ("/endless", "/wait"):
            connection = socket.create_connection((HOST, port), timeout=PATIENCE_S)
            connections.append(connection)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(True, lambda: "<waiting>" in running.log and "<enter endless>" in running.log)
        running.process.terminate()
        running.process.wait(PATIENCE_S)
    finally:
        for connection in connections:
            connection.close()

    if name in {"daphne", "granian"}:
        return  # they end the process without ending what runs in it
    assert running.log.count("<leave endless>") == 1
    assert running.log.count("<leave wait>") == 1
