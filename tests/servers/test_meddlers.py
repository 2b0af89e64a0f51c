"""Middleware that sends invalid responses, on `costrel run`."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from exchange import fetch
from programs import Program, serve

COMMANDS = {
    "wsgi": ("costrel", "wsgi"),
    "asgi": ("costrel", "asgi"),
    "asgi-on-granian": ("python without_uvicorn.py", "asgi"),
}
PATHS = ["/instead", "/", "/async"]


@pytest.fixture(scope="module", params=COMMANDS)
def served(request, tmp_path_factory):
    """Serve the application over one interface; no worker may end."""
    command, interface = COMMANDS[request.param]
    program = Program(
        request.param,
        lambda port, app: [
            *(*command.split(), "--app", app, "run", "--interface", interface),
            *("--port", str(port)),
        ],
    )
    running, port = serve(program, "meddled:app", tmp_path_factory.mktemp(request.param))
    yield running, port
    running.stop()
    assert "panicked" not in running.log
    assert "Unexpected exit" not in running.log


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "status",
    ["", "abc", "-1", "0", "20", "099 X", "99 X", "100 X", "103 X", "1000 X",
     "0200 OK", "200OK", " 200 OK",
     "2_0 X", "٢٠٠ OK", "200 OK\r\nX-A: b", "200 a\x00b", "200 €"],
    ids=ascii,
)  # fmt: skip
def test_status_that_cannot_be_sent_is_answered_500(served, path, status):
    """The log names it, and the server answers the next request."""
    running, port = served

    assert fetch(port, f"{path}?{urlencode({'status': status})}").status == 500
    running.wait_logged(f"start_response was called with the status {status!r}")
    assert fetch(port, "/").text == "index"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "field",
    [
        {"Content-Length": "abc"},
        {"Content-Length": "-1"},
        {"Content-Length": "9" * 30},
        {"Bad Name": "x"},
        {"Bad:Name": "x"},
        {"": "x"},
        {"Näme": "x"},
        {"X-A": "a\x00b"},
        {"X-A": "a\r\nSet-Cookie: b=c"},
        {"X-A": "a\nb"},
        {"X-A": "a\r"},
        {"X-A": "€"},
    ],
    ids=ascii,
)
def test_field_that_cannot_be_sent_is_answered_500(served, path, field):
    """The log names it, and the server answers the next request."""
    running, port = served

    assert fetch(port, f"{path}?{urlencode(field)}").status == 500
    running.wait_logged("UnsendableError: start_response was called with the ")
    assert fetch(port, "/").text == "index"


@pytest.mark.parametrize("path", PATHS)
def test_what_can_be_sent_arrives(served, path):
    """A status unknown to HTTP, and one without a reason phrase."""
    _running, port = served
    answer = fetch(port, f"{path}?{urlencode({'status': '299', 'X-A': 'a, b'})}")

    assert (answer.status, answer.headers["X-A"]) == (299, "a, b")
    assert fetch(port, f"{path}?{urlencode({'status': '999 All of it'})}").status == 999
