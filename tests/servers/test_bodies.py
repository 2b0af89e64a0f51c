"""Bodies that are whole, broken off or malformed, read in every way on each server."""

from __future__ import annotations

import hashlib
import json
import socket

import asgisites
import pytest
from exchange import HOST, PATIENCE_S, fetch
from programs import PROGRAMS, Program, serve

WAYS = (
    "read-n read read-minus readline readlines iteration get_data form files middleware"
).split()

CONTENT = b"".join(b"line %06d\n" % number for number in range(2000))

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
BEFORE_FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'


def run(interface):
    """Return the command of `costrel run` for one of the interfaces."""
    return lambda port, app: [
        *("costrel", "--app", app, "run", "--interface", interface, "--port", str(port))
    ]


SERVERS = {
    name: (program, app)
    for name, program, app in (
        ("gunicorn-sync", PROGRAMS["gunicorn-sync"], "bodies:app"),
        ("gunicorn-gthread", PROGRAMS["gunicorn-gthread"], "bodies:app"),
        ("waitress", PROGRAMS["waitress"], "bodies:app"),
        ("costrel-run-wsgi", Program("costrel-run-wsgi", run("wsgi")), "bodies:app"),
        ("costrel-run-asgi", Program("costrel-run-asgi", run("asgi")), "bodies:app"),
        ("uvicorn", asgisites.PROGRAMS["uvicorn"], "bodies:asgi"),
        ("uvicorn-h11", asgisites.PROGRAMS["uvicorn-h11"], "bodies:asgi"),
        ("hypercorn", asgisites.PROGRAMS["hypercorn"], "bodies:asgi"),
        ("granian-asgi", asgisites.PROGRAMS["granian"], "bodies:asgi"),
    )
}


@pytest.fixture(scope="module", params=SERVERS)
def port(request, tmp_path_factory):
    """Serve the application on one server."""
    program, app = SERVERS[request.param]
    running, port = serve(program, app, tmp_path_factory.mktemp(request.param))
    yield port
    running.stop()
    assert "Traceback" not in running.log


def body_of(way):
    """Return the body for a way of reading, and its content type."""
    if way == "form":
        return b"field=" + CONTENT, FORM
    if way == "files":
        return BEFORE_FILE + CONTENT + b"\r\n--b--\r\n", MULTIPART
    return CONTENT, "text/plain"


def chunk(content):
    """Write a body in chunks that end in the middle of lines."""
    pieces = [content[at : at + 777] for at in range(0, len(content), 777)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def post(port, way, content_type, framing, sent):
    """Send a request, close the sending side and return the whole response."""
    head = (
        f"POST /{way} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n"
        f"Content-Type: {content_type}\r\n{framing}\r\n\r\n"
    ).encode()
    answer = b""
    with socket.create_connection((HOST, port), timeout=PATIENCE_S) as connection:
        connection.sendall(head + sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass  # a server that does not wait for what it refuses
    return answer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_whole_body_arrives_to_the_last_byte(port, chunked, way):
    """With a length or in chunks, and however it is read."""
    content, content_type = body_of(way)
    body = iter([content[:5000], content[5000:]]) if chunked else content
    answer = fetch(port, f"/{way}", "POST", body=body, headers={"Content-Type": content_type})

    assert (answer.status, answer.json) == (
        200,
        {"length": len(CONTENT), "digest": hashlib.sha256(CONTENT).hexdigest()},
    )


BROKEN = {
    "length-broken-off": lambda body: (f"Content-Length: {len(body)}", body[:-100]),
    "length-without-a-byte": lambda body: (f"Content-Length: {len(body)}", b""),
    "chunked-broken-off": lambda body: ("Transfer-Encoding: chunked", chunk(body)),
    "chunk-broken-off": lambda body: ("Transfer-Encoding: chunked", chunk(body)[:-50]),
    "chunked-without-a-byte": lambda _body: ("Transfer-Encoding: chunked", b""),
    "no-size": lambda body: ("Transfer-Encoding: chunked", chunk(body) + b"zz\r\nxx\r\n0\r\n\r\n"),
    "no-size-at-first": lambda _body: ("Transfer-Encoding: chunked", b"zz\r\nxx\r\n0\r\n\r\n"),
    "no-line-end": lambda body: ("Transfer-Encoding: chunked", chunk(body) + b"2\r\nxxyy0\r\n\r\n"),
    "negative-size": lambda body: ("Transfer-Encoding: chunked", chunk(body) + b"-1\r\n\r\n"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", BROKEN)
def test_broken_body_is_not_taken_for_a_complete_one(port, broken, way):
    """The answer is 400 or a closed connection, and no error is logged."""
    content, content_type = body_of(way)
    before = json.loads(fetch(port, "/").body)

    answer = post(port, way, content_type, *BROKEN[broken](content))

    assert answer.split(b"\r\n")[0][:12] in {b"HTTP/1.1 400", b""}
    assert json.loads(fetch(port, "/").body) == before
