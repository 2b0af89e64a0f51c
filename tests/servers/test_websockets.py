"""WebSockets on each ASGI server, with a client library and with a browser."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress

import pytest
from exchange import HOST, PATIENCE_S, _crash, eventually, fetch
from programs import Program, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

APP = "socketed:asgi"


def _uvicorn(implementation):
    return lambda port, app: [
        *("uvicorn", "--host", HOST, "--port", str(port), "--ws", implementation, app)
    ]


PROGRAMS = {
    program.name: program
    for program in (
        Program("uvicorn-websockets", _uvicorn("websockets-sansio")),
        Program("uvicorn-wsproto", _uvicorn("wsproto")),
        Program("hypercorn", lambda port, app: ["hypercorn", "--bind", f"{HOST}:{port}", app]),
        Program("daphne", lambda port, app: ["daphne", "-b", HOST, "-p", str(port), app]),
        Program(
            "granian",
            lambda port, app: [
                *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port), app)
            ],
        ),
    )
}

NO_RESPONSES = {"daphne"}
"""Servers that can only reject a handshake with 403."""


def open_raw(port, path):
    """Open a WebSocket by hand and return its connection, which can be cut at any time."""
    connection = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
    return connection


class Site:
    """The application on one server program."""

    def __init__(self, name, port, running):
        self.name = name
        self.port = port
        self.running = running

    def connect(self, path, **options):
        """Open a socket."""
        options.setdefault("open_timeout", PATIENCE_S)
        return connect(f"ws://{HOST}:{self.port}{path}", **options)

    def count(self, *names):
        """Read some of the counters."""
        counters = fetch(self.port, "/counters").json
        return tuple(counters.get(name, 0) for name in names)


@pytest.fixture(scope="module", params=PROGRAMS)
def site(request, tmp_path_factory):
    """Serve the application with one program, for all tests."""
    running, port = serve(PROGRAMS[request.param], APP, tmp_path_factory.mktemp("sockets"))
    with ExitStack() as started:
        started.callback(running.stop)
        yield Site(request.param, port, running)


@pytest.fixture
def nothing_left(site):
    """Fail a test that leaves a context or a task on the server, or tears down twice."""
    eventually((0,), lambda: site.count("alive"))
    (tasks,) = site.count("tasks")
    yield
    eventually((0,), lambda: site.count("alive"))
    eventually(True, lambda: site.count("tasks")[0] <= tasks)


def torn_down_once(site, endpoint):
    """Return a function that waits for one more teardown and checks that it is the only one."""
    name = f"teardown of {endpoint}"
    (before,) = site.count(name)

    def check():
        eventually((before + 1,), lambda: site.count(name))
        eventually((0,), lambda: site.count("alive"))
        assert site.count(name) == (before + 1,)

    return check


@pytest.mark.usefixtures("nothing_left")
def test_echo_of_text_and_bytes_with_a_subprotocol(site):
    """Messages come back as they were sent, and the subprotocol is the one chosen."""
    check = torn_down_once(site, "echo")
    with site.connect("/echo", subprotocols=["a", "b"]) as ws:
        assert ws.subprotocol == "b"
        ws.send("text \u20ac")
        ws.send(b"\x00\xff")
        assert (ws.recv(PATIENCE_S), ws.recv(PATIENCE_S)) == ("text \u20ac", b"\x00\xff")
    check()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(("path", "status"), [("/rejects", 418), ("/nowhere", 404)])
def test_rejection_has_the_status_and_body_of_the_response(site, path, status):
    """Or 403, if the server cannot send more. Nothing about it is logged as an error."""
    logged = len(site.running.log)
    with pytest.raises(InvalidStatus) as raised, site.connect(path):
        pass
    response = raised.value.response
    assert response.status_code == (403 if site.name in NO_RESPONSES else status)
    if path == "/rejects" and site.name not in NO_RESPONSES:
        assert b"short and stout" in response.body
    site.count()  # by now the server has written what it has to say
    assert "ERROR" not in site.running.log[logged:]
    assert "Traceback" not in site.running.log[logged:]


@pytest.mark.usefixtures("nothing_left")
def test_page_of_another_origin_is_rejected(site):
    """SECURITY(CSWSH): 403 for a page of another site."""
    with (
        pytest.raises(InvalidStatus) as raised,
        site.connect("/echo", origin="http://evil.example"),
    ):
        pass
    assert raised.value.response.status_code == 403


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("path", "message", "code"), [("/echo", "x" * 1001, 1009), ("/fails", None, 1011)]
)
def test_oversize_message_and_error_close_with_their_codes(site, path, message, code):
    """1009 for a message over the limit, 1011 for an error."""
    check = torn_down_once(site, path[1:])
    with site.connect(path) as ws:
        if message:
            ws.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(PATIENCE_S)
    # Daphne refuses to send the standard's codes.
    assert closed.value.rcvd.code == (code + 3000 if site.name == "daphne" else code)
    check()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("way", ["closes", "aborts", "half-closes"])
@pytest.mark.parametrize("endpoint", ["echo", "waits", "sends"])
def test_client_that_leaves_ends_the_view(site, endpoint, way):
    """Whatever the view does, with or without a close frame: one teardown."""
    check = torn_down_once(site, endpoint)
    if way == "closes":
        with site.connect(f"/{endpoint}", close_timeout=1):
            pass
        check()
        return
    with open_raw(site.port, f"/{endpoint}") as connection:
        if way == "half-closes":
            connection.shutdown(socket.SHUT_WR)
            check()
        else:
            _crash(connection)
    if way == "aborts":
        check()


def frame(opcode, payload):
    """Return a client's frame, with a mask that changes nothing."""
    return bytes([opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "frames",
    [
        frame(0x81, b"\xff\xfe"),
        frame(0x81, b"cut \xe2\x82"),
        frame(0x81, b"surrogate \xed\xa0\x80"),
        frame(0x01, b"in two \xe2\x82") + frame(0x80, b"\xff"),
        frame(0x88, b"\x03\xe8\xff\xff"),
    ],
    ids=["never valid", "cut", "surrogate", "in pieces", "reason of a close"],
)
def test_text_that_is_not_utf8_ends_the_socket_and_no_traceback_is_logged(site, frames):
    """It is the client's error, not one of the server or the application."""
    check = torn_down_once(site, "echo")
    traces = site.running.log.count("Traceback")
    with open_raw(site.port, "/echo") as connection:
        connection.sendall(frames)
        with suppress(ConnectionResetError):
            while connection.recv(4096):
                pass
    check()
    assert site.running.log.count("Traceback") == traces


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(("count", "size"), [(64, 1), (1000, 1), (100, 100), (3, 900)])
def test_client_that_sends_unasked_and_leaves_ends_the_view(site, count, size):
    """Even if the view never receives the messages."""
    check = torn_down_once(site, "waits")
    with site.connect("/waits", close_timeout=1) as ws:
        ws.recv(PATIENCE_S)
        for _ in range(count):
            ws.send(b"x" * size)
    check()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "fields",
    [
        {"Connection": "close", "Upgrade": "websocket"},
        {"Connection": "Upgrade"},
        {},
    ],
)
def test_request_that_is_no_handshake_does_not_run_a_websocket(site, fields):
    """Whatever parts of a handshake it has: servers disagree on what a handshake is."""
    before = site.count("teardown of echo")
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    assert fetch(site.port, "/echo", headers={**fields, **key}.items()).status == 400
    assert before == site.count("teardown of echo")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "fields",
    [
        "Upgrade: websocket\r\nConnection: Upgrade\r\nConnection: close",
        "Upgrade: websocket\r\nConnection: close\r\nConnection: Upgrade",
        "Upgrade: websocket, other\r\nConnection: Upgrade",
        "Upgrade: websocket\r\nUpgrade: other\r\nConnection: Upgrade",
    ],
)
def test_unusual_handshake_is_a_websocket_or_400(site, fields):
    """SECURITY(WebSocket as a request): some servers treat it as a request."""
    lines = [
        f"GET /rejects HTTP/1.1\r\nHost: {HOST}:{site.port}",
        fields,
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ]
    with socket.create_connection((HOST, site.port), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join(lines).encode())
        status = int(connection.recv(4096).split()[1])
    # 418 and 403 are rejections by the view of a WebSocket.
    assert status in {400, 403, 418}


@pytest.mark.parametrize("name", PROGRAMS)
def test_server_that_stops_tears_open_sockets_down(name, tmp_path):
    """SIGTERM ends the process in time, and every teardown ran once."""
    running, port = serve(PROGRAMS[name], APP, tmp_path)
    site = Site(name, port, running)
    try:
        with ExitStack() as opened:
            for endpoint in ("echo", "waits", "sends"):
                ws = opened.enter_context(site.connect(f"/{endpoint}", close_timeout=1))
                ws.send("x")
                ws.recv(PATIENCE_S)
            running.process.terminate()
            if name != "hypercorn" or sys.version_info < (3, 12):
                running.process.wait(timeout=PATIENCE_S)
            # Hypercorn waits for its clients here, even with a bare application.
        running.process.wait(timeout=PATIENCE_S)
    finally:
        running.kill()
    if name == "daphne":
        return  # ends without letting any application end, also a bare one
    lines = sorted(line for line in running.log.splitlines() if line.startswith("torn down"))
    assert lines == ["torn down: echo", "torn down: sends", "torn down: waits"], running.log


@pytest.mark.parametrize(
    ("host", "said"), [("127.0.0.1", "echo: from the page"), ("localhost", "refused")]
)
def test_browser_opens_a_socket_from_a_page_of_its_origin_only(host, said, tmp_path):
    """Chromium connects to the view; the same page from another host is refused."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed; to install it: apt-get install chromium")
    running, port = serve(PROGRAMS["uvicorn-websockets"], APP, tmp_path)
    try:
        done = subprocess.run(
            [
                *(
                    chromium,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                ),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"),
                f"http://{host}:{port}/page/{host}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    finally:
        running.stop()
    assert f'<p id="said">{said}</p>' in done.stdout.decode(), running.log
