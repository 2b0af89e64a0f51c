"""Where bodies end: at `MAX_CONTENT_LENGTH`, at their announced length, or too early."""

from __future__ import annotations

import asyncio
import io

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask, Request, request

LIMIT_BYTES = 100


def send(read, body, announced=None, *, terminated=True):
    """Send a body; return status and the view's answer. `terminated` if its end is marked."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT_BYTES
    app.add_url_rule("/", view_func=lambda: str(read()), methods=["POST"])
    kind = "application/x-www-form-urlencoded"
    environ = create_environ(method="POST", content_type=kind)
    environ.pop("CONTENT_LENGTH", None)
    environ["wsgi.input"] = body
    if announced is not None:
        environ["CONTENT_LENGTH"] = announced
    if terminated:
        environ["wsgi.input_terminated"] = True
    chunks, status, _headers = run_wsgi_app(app, environ)
    return int(status[:3]), b"".join(chunks)


READS = {
    "get_data": lambda: len(request.get_data()),
    "read": lambda: len(request.stream.read()),
    "read in pieces": lambda: sum(map(len, iter(lambda: request.stream.read(7), b""))),
    "read by line": lambda: sum(map(len, request.stream)),
    "form": lambda: 2 + len(request.form["a"]),
}


@pytest.mark.parametrize("size", [2, LIMIT_BYTES - 1, LIMIT_BYTES])
@pytest.mark.parametrize("read", READS)
def test_body_up_to_the_limit_is_read_whole(read, size):
    """A body of exactly the limit is complete, however it is read."""
    body = io.BytesIO(b"a=".ljust(size, b"x"))

    assert send(READS[read], body) == (200, str(size).encode())


@pytest.mark.parametrize("size", [LIMIT_BYTES + 1, 100 * LIMIT_BYTES])
@pytest.mark.parametrize("read", READS)
def test_body_beyond_the_limit_is_refused_and_never_cut(read, size):
    """No view sees the beginning of a longer body as if it were all of it."""
    body = io.BytesIO(b"a=".ljust(size, b"x"))

    assert send(READS[read], body)[0] == 413
    assert body.tell() <= LIMIT_BYTES + 1


def test_client_gone_at_the_limit_is_a_disconnect():
    """An error while looking for more is the client's going away, not a body's end."""

    class Breaking:
        left = LIMIT_BYTES

        def read(self, size=-1):
            if not self.left:
                raise ConnectionResetError
            self.left, piece = 0, b"x" * self.left
            return piece

    assert send(READS["get_data"], Breaking())[0] == 400


@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("read", READS)
def test_body_that_ends_before_its_announced_length_is_a_disconnect(read, terminated):
    """No view sees the beginning of a body that the client did not send to its end."""
    body = io.BytesIO(b"a=" + b"x" * 8)

    assert send(READS[read], body, announced="11", terminated=terminated)[0] == 400


@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("read", READS)
def test_body_of_its_announced_length_is_read_whole_and_not_beyond(read, terminated):
    """What follows the announced length is the next request, and left alone."""
    body = io.BytesIO(b"a=" + b"x" * 8 + b"POST / HTTP/1.1")

    assert send(READS[read], body, announced="10", terminated=terminated) == (200, b"10")
    assert body.tell() == 10


@pytest.mark.parametrize("announced", ["", "ten", "-1", "9" * 5000])
def test_length_that_is_no_number_does_not_count(announced):
    """A length that can't be read never makes the request fail by itself."""
    assert send(READS["get_data"], io.BytesIO(b"a=b"), announced) == (200, b"3")


@pytest.mark.parametrize("kind", ["setting", "request", "request class", "none"])
def test_json_over_the_limit_answers_413_on_the_loop(kind):
    """Whoever sets the limit, and though the whole body came at once."""
    app = Flask(__name__)
    if kind == "setting":
        app.config["MAX_CONTENT_LENGTH"] = 3
    elif kind == "request class":

        class Small(Request):
            max_content_length = 3

        app.request_class = Small

    @app.post("/")
    async def index():
        if kind == "request":
            request.max_content_length = 3
        return request.get_json()

    async def ask(document):
        return await app.async_test_client().post("/", json=document)

    assert 200 == asyncio.run(ask([])).status_code
    assert (200 if kind == "none" else 413) == asyncio.run(ask([1, 2])).status_code
