"""Extensions that implement WebSockets themselves, on each server."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import ExitStack

import pytest
from exchange import HOST, PATIENCE_S, _crash, eventually, fetch
from programs import Program, serve
from test_websockets import open_raw
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

APP = "borrowers:app"


def _asgi(*command):
    return lambda port, app: [*command, str(port), f"{app}.asgi"]


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "costrel-run", lambda port, app: ["costrel", "--app", app, "run", "--port", str(port)]
        ),
        Program("uvicorn-wsproto", _asgi("uvicorn", "--ws", "wsproto", "--port")),
        Program("uvicorn-asyncio", _asgi("uvicorn", "--loop", "asyncio", "--port")),
        Program(
            "hypercorn",
            lambda port, app: ["hypercorn", "--bind", f"{HOST}:{port}", f"{app}.asgi"],
        ),
        Program("granian", _asgi("granian", "--interface", "asgi", "--port")),
    )
}


class Site:
    """The application on one server program."""

    def __init__(self, name, running, port):
        self.name = name
        self.running = running
        self.port = port

    def connect(self, path, **options):
        """Open a socket."""
        options.setdefault("open_timeout", PATIENCE_S)
        options.setdefault("max_size", None)
        return connect(f"ws://{HOST}:{self.port}{path}", **options)

    def count(self, name):
        """Read one of the counters."""
        return fetch(self.port, "/counters").json.get(name, 0)


@pytest.fixture(scope="module", params=PROGRAMS)
def site(request, tmp_path_factory):
    """Serve the application with one program, for all tests."""
    place = tmp_path_factory.mktemp("borrowers")
    running, port = serve(PROGRAMS[request.param], APP, place)
    with ExitStack() as started:
        started.callback(running.stop)
        yield Site(request.param, running, port)


@pytest.fixture(autouse=True)
def _nothing_left(request):
    """Fail a test that leaves a view or a socket pair on the server."""
    if "site" not in request.fixturenames:
        yield
        return
    site = request.getfixturevalue("site")
    before = site.count("lent")
    yield
    eventually(0, lambda: site.count("alive"))
    eventually(before, lambda: site.count("lent"))


def read_on(ws):
    """Read and drop the data."""
    while True:
        ws.recv(PATIENCE_S)


def close_code(ws):
    """Read until the end; return the server's close."""
    with pytest.raises(ConnectionClosed) as closed:
        read_on(ws)
    return closed.value.rcvd


def test_messages_come_back_as_they_were_sent(site):
    """Text, binary data, in pieces, empty and large, while the server pings."""
    with site.connect("/echo") as ws:
        for message in ("text \u20ac", b"\x00\xff", "", b"", "x" * 900_000, b"\xfe" * 900_000):
            ws.send(message)
            assert message == ws.recv(PATIENCE_S)
        ws.send(["in ", "two"])
        assert ws.recv(PATIENCE_S) == "in two"


def test_large_messages_of_the_view_arrive(site):
    """Messages larger than any buffer on the way arrive."""
    with site.connect("/large") as ws:
        assert ws.recv(PATIENCE_S) == b"\xff" * 3_000_000
        assert ws.recv(PATIENCE_S) == "\u20ac" * 1_000_000


def test_request_of_the_handshake_is_the_views(site):
    """The view has arguments, headers, hooks and subprotocol; its end closes with 1000."""
    with site.connect(
        "/hello/ada?by=me", subprotocols=["a", "b"], additional_headers={"X-Field": "said"}
    ) as ws:
        assert ws.subprotocol == "b"
        assert ws.recv(PATIENCE_S) == "ada me b said"
        assert close_code(ws).code == 1000


def test_socket_of_a_blueprint_is_served(site):
    """It works like one of the application."""
    with site.connect("/inner/echo") as ws:
        assert ws.recv(PATIENCE_S) == "inner"


def test_view_closes_with_its_code_and_reason(site):
    """The client gets the code and reason from the extension."""
    with site.connect("/closes") as ws:
        closed = close_code(ws)
    assert (closed.code, closed.reason) == (4001, "enough")


def test_view_that_fails_closes_with_1011_and_is_logged_once(site):
    """The client sees no details."""
    with site.connect("/fails") as ws:
        closed = close_code(ws)
    assert closed.code == 1011
    assert "secret" not in closed.reason
    site.running.wait_logged("the secret of the socket")


@pytest.mark.parametrize("code", [1000, 1001, 4321])
def test_client_that_closes_ends_the_view_with_its_code(site, code):
    """The extension gets the client's close code."""
    # Hypercorn reports no close code, so the extension has none.
    counter = f"closed with {1005 if site.name == 'hypercorn' else code}"
    before = site.count(counter)
    with site.connect("/echo") as ws:
        ws.send("x")
        ws.recv(PATIENCE_S)
        ws.close(code)
    eventually(before + 1, lambda: site.count(counter))


def test_client_that_aborts_ends_the_view(site):
    """Even without a close frame."""
    with open_raw(site.port, "/echo") as connection:
        eventually(1, lambda: site.count("alive"))
        _crash(connection)
    eventually(0, lambda: site.count("alive"))


def test_more_sockets_than_worker_threads_are_open_at_once(site):
    """Each has its own thread, and other requests are still served."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(site.connect("/echo")) for _ in range(40)]
        for number, ws in enumerate(sockets):
            ws.send(str(number))
        assert [str(number) for number in range(40)] == [ws.recv(PATIENCE_S) for ws in sockets]
        assert site.count("alive") == 40


def test_message_over_the_limit_closes_with_1009(site):
    """``WEBSOCKET_MAX_MESSAGE_SIZE`` applies to these sockets too."""
    with site.connect("/echo") as ws:
        ws.send("x" * 1_100_000)
        assert close_code(ws).code == 1009


@pytest.mark.parametrize(
    ("path", "status"), [("/echo?login=no", 401), ("/", 400), ("/nowhere", 404)]
)
def test_rejection_is_the_response_to_the_request(site, path, status):
    """Hooks and routing can reject it; a handshake never runs an ordinary view."""
    with pytest.raises(InvalidStatus) as raised, site.connect(path):
        pass
    assert raised.value.response.status_code == status
    assert b"page for" not in raised.value.response.body


def test_request_to_an_extensions_socket_is_400(site):
    """Also if it has handshake headers but the server treats it as a request."""
    assert fetch(site.port, "/echo").status == 400
    twice = [("Connection", "Upgrade,close"), ("Upgrade", "websocket, other")]
    assert fetch(site.port, "/echo", headers=twice).status == 400


def test_own_websockets_are_served_beside(site):
    """They have their own view, hooks and origin check."""
    with site.connect("/own") as ws:
        ws.send("x")
        assert ws.recv(PATIENCE_S) == "own: x"
    with pytest.raises(InvalidStatus), site.connect("/own", origin="http://evil.example"):
        pass


def open_socketio(site):
    """Open a Socket.IO connection directly as a WebSocket, and send a greeting."""
    ws = site.connect("/socket.io/?EIO=4&transport=websocket").__enter__()
    assert ws.recv(PATIENCE_S).startswith('0{"sid"')
    ws.send("40")
    assert ws.recv(PATIENCE_S).startswith('40{"sid"')
    return ws


def test_socketio_events_go_both_ways(site):
    """COMPAT(Flask-SocketIO): it answers before the application does."""
    connects, disconnects = site.count("connects"), site.count("disconnects")
    opened = [open_socketio(site) for _ in range(10)]
    for size in (1, 100_000, 900_000):
        for ws in opened:
            ws.send("42" + json.dumps(["echo", "x" * size]))
            event = ws.recv(PATIENCE_S)
            assert (event[:2], json.loads(event[2:])) == ("42", ["echo", "x" * size])
    assert site.count("connects") == connects + 10
    for ws in opened[:5]:
        ws.close()
    for ws in opened[5:]:
        # Closing it would take effect only when its reader returns.
        ws.socket.shutdown(socket.SHUT_RDWR)
    eventually(disconnects + 10, lambda: site.count("disconnects"))


def test_socketio_polls_and_then_upgrades(site):
    """Clients do so by default; the upgrade ends the waiting poll."""
    polling = "/socket.io/?EIO=4&transport=polling"
    sid = json.loads(fetch(site.port, polling).body[1:])["sid"]
    assert fetch(site.port, f"{polling}&sid={sid}", "POST", body=b"40").text == "OK"
    assert fetch(site.port, f"{polling}&sid={sid}").text.startswith('40{"sid"')
    with site.connect(f"/socket.io/?EIO=4&transport=websocket&sid={sid}") as ws:
        ws.send("2probe")
        assert ws.recv(PATIENCE_S) == "3probe"
        ws.send("5")
        assert ws.recv(PATIENCE_S) == "6"  # what it told the poll
        ws.send('42["echo","upgraded"]')
        assert ws.recv(PATIENCE_S) == '42["echo","upgraded"]'


@pytest.mark.parametrize("name", PROGRAMS)
def test_server_that_stops_ends_open_sockets(name, tmp_path):
    """The process ends in time although views are waiting."""
    running, port = serve(PROGRAMS[name], APP, tmp_path)
    site = Site(name, running, port)
    with ExitStack() as opened:
        opened.callback(running.kill)
        sockets = [opened.enter_context(site.connect("/echo", close_timeout=1)) for _ in range(3)]
        sockets.append(open_socketio(site))
        running.process.terminate()
        if name != "hypercorn" or sys.version_info < (3, 12):
            for ws in sockets:
                with pytest.raises(ConnectionClosed):
                    read_on(ws)
            running.process.wait(timeout=PATIENCE_S)
        # Hypercorn waits for its clients here, even with a bare application.
        for ws in sockets:
            ws.socket.close()
        running.process.wait(timeout=PATIENCE_S)


def test_costrel_run_serves_by_asgi_for_them(tmp_path):
    """ASGI is chosen automatically for the sockets of the extensions."""
    program = PROGRAMS["costrel-run"]
    running, _port = serve(program, "borrowers_alone:io_only", tmp_path)
    running.stop()
    assert "for the WebSockets of simple-websocket" in running.log
    running, _port = serve(program, "borrowers_alone:sock_only", tmp_path)
    running.stop()
    assert "for the WebSocket '/echo'" in running.log


def test_gunicorn_with_threads_serves_them_by_wsgi(tmp_path):
    """As with Flask: gunicorn passes on the socket itself."""
    program = Program(
        "gunicorn",
        lambda port, app: ["gunicorn", "--bind", f"{HOST}:{port}", "--threads", "9", app],
    )
    running, port = serve(program, APP, tmp_path)
    try:
        site = Site("gunicorn", running, port)
        with site.connect("/echo") as ws:
            ws.send("x")
            assert ws.recv(PATIENCE_S) == "x"
        ws = open_socketio(site)
        ws.close()
        for path in ("/own", "/"):
            with pytest.raises(InvalidStatus) as raised, site.connect(path):
                pass
            assert raised.value.response.status_code == 400
    finally:
        running.stop()
