"""Advisories about servers: what they make of requests that are not HTTP.

For the two that Costrel starts: ``costrel run``, on Granian, and the development
server, on Werkzeug's.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
from werkzeug.serving import make_server

import costrel
from costrel import Flask, request
from costrel.servers.strictrequests import StrictRequestHandler

APP = """
from costrel import Flask, request

app = Flask(__name__)

@app.post("/ignore")
def ignore():
    return "ignored"

@app.post("/body")
def body():
    return request.get_data()

@app.get("/smuggled")
def smuggled():
    return "SMUGGLED"

@app.get("/headers")
def headers():
    return dict(request.headers)

@app.get("/response")
def response():
    return "", 200, {"X-Text": request.args["text"]}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> t.Iterator[int]:
    """Serve the application above by ``costrel run``."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "app.py").write_text(APP)
    source = str(Path(costrel.__file__).parents[1])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "costrel", "--app", "app", "run", "--port", "0"],
        cwd=folder,
        env=environ | {"PYTHONPATH": source, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", line):
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield int(found[1])
                break
        else:
            pytest.fail("".join(lines))
        process.terminate()


@pytest.fixture
def development_port() -> t.Iterator[int]:
    """Serve on Werkzeug's server as ``costrel run --debug`` does, with kept connections."""
    app = Flask(__name__)

    @app.post("/ignore")
    def ignore():
        return "ignored"

    @app.post("/body")
    def body():
        return request.get_data()

    @app.get("/smuggled")
    def smuggled():
        return "SMUGGLED"

    class Quiet(StrictRequestHandler):
        def log(self, type, message, *args):  # noqa: A002
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()
    server.server_close()


def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes and return all that comes back until the server ends the connection.

    A last request asks for that end; a server that waits for the rest of another is left.
    """
    last = b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        try:
            connection.sendall(sent + last)
            while piece := connection.recv(1 << 16):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
    return received


def post(path: bytes, headers: bytes, body: bytes) -> bytes:
    """Write a request."""
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s" % (path, headers, body)


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: chunked\x0b",
        b"Transfer-Encoding:\x0bchunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Content-Length: 5\r\nContent-Length: 15",
        b"Content-Length: 5, 15",
        b"Content-Length: +15",
        b"Content-Length: -15",
        b"Content-Length: 0x15",
        b"Content-Length: 1_5",
        b"Content-Length: 15 0",
        b"Content-Length : 15",
        b"Content-Length: \xc2\xb9\xc2\xb5",
    ],
)
@pytest.mark.parametrize("server", ["port", "development_port"])
def test_body_of_no_certain_length_is_refused(server, headers, request):
    """CVE-2024-1135, CVE-2024-6827, CVE-2019-16786, CVE-2022-24761: 400, and the connection ends.

    A proxy that reads the length otherwise would take the rest for another request.
    """
    port = request.getfixturevalue(server)
    answer = exchange(port, post(b"/body", headers, CHUNKED))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("server", ["port", "development_port"])
def test_body_with_two_lengths_ends_the_connection(server, request):
    """CVE-2019-16789, CVE-2022-24761: RFC 9112 §6.1 lets chunks win; then nothing may follow."""
    port = request.getfixturevalue(server)
    headers = b"Content-Length: 5\r\nTransfer-Encoding: chunked"
    answer = exchange(port, post(b"/body", headers, CHUNKED + SMUGGLED))
    assert b"SMUGGLED" not in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5 5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        b"5;\n\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_malformed_chunk_ends_the_connection(port, chunks):
    """CVE-2019-16785, CVE-2024-6827: what follows a malformed chunk is no request."""
    answer = exchange(port, post(b"/body", b"Transfer-Encoding: chunked", chunks + SMUGGLED))
    assert b"SMUGGLED" not in answer
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_trailer_is_no_header(port):
    """CVE-2024-6827, gunicorn 26: headers after a chunked body change nothing of it."""
    chunks = b"5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: evil.test\r\n\r\n"
    answer = exchange(port, post(b"/body", b"Transfer-Encoding: chunked", chunks + SMUGGLED))
    assert b"hello" in answer
    assert b"SMUGGLED" in answer


@pytest.mark.parametrize(
    "line",
    [
        b"X-A : b",
        b" X-A: b",
        b"X-A: b\r\n folded",
        b"X-A: b\rX-B: c",
        b"X-A: b\x00c",
        b"X A: b",
        b"X-A",
        b": b",
        b"X-\xff: b",
    ],
)
@pytest.mark.parametrize("server", ["port", "development_port"])
def test_malformed_header_is_refused(server, line, request):
    """CVE-2018-1000164, CVE-2019-16785, CVE-2019-16792: 400 for what proxies read in two ways."""
    port = request.getfixturevalue(server)
    answer = exchange(port, b"GET /headers HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % line)
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("text", ["%0d%0aX-Injected:1", "%0aX-Injected:1", "%0dX-Injected:1"])
def test_response_header_with_a_line_break_never_leaves(port, text):
    """CVE-2020-7695, CVE-2018-1000164: a header that a client filled does not become two."""
    head = exchange(port, b"GET /response?text=%s HTTP/1.1\r\nHost: x\r\n\r\n" % text.encode())
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"X-Injected" not in head


@pytest.mark.parametrize("target", [b"/ignore", b"/none", b"/smuggled"])
@pytest.mark.parametrize("server", ["port", "development_port"])
def test_body_that_no_view_reads_is_no_request(server, target, request):
    """CVE-2022-29361: what is left of a body is never read as the next request."""
    port = request.getfixturevalue(server)
    headers = b"Content-Length: %d" % len(SMUGGLED)
    answer = exchange(port, post(target, headers, SMUGGLED))
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"SMUGGLED" not in answer


@pytest.mark.parametrize("server", ["port", "development_port"])
def test_body_cut_short_is_no_request(server, request):
    """CVE-2022-29361: nor is what follows a body shorter than it was said to be."""
    port = request.getfixturevalue(server)
    answer = exchange(port, post(b"/ignore", b"Content-Length: 4000", SMUGGLED))
    assert b"SMUGGLED" not in answer
