"""What becomes of an ASGI scope in a WSGI environ."""

from __future__ import annotations

import asyncio
import io

import pytest

from costrel import Flask, request, url_for
from costrel.serve.scope import make_environ


def scope_of(path, root_path, **more):
    """Return the scope of a GET."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        **more,
    }


@pytest.mark.parametrize(
    ("root_path", "path", "expected"),
    [
        ("", "/x", ("", "/x")),
        ("/", "/x", ("", "/x")),
        ("/api", "/api/x", ("/api", "/x")),
        ("/api/", "/api/x", ("/api", "/x")),
        ("/api/", "/api/", ("/api", "/")),
        ("/api", "/api", ("/api", "")),
        ("/api/", "/api", ("/api", "")),
        # A server whose paths do not include it.
        ("/api/", "/x", ("/api", "/x")),
        ("/api/", "/apix", ("/api", "/apix")),
        ("/api//", "/api/x", ("/api", "/x")),
    ],
)
def test_mount_point_has_no_slash_at_its_end(root_path, path, expected):
    """SCRIPT_NAME and PATH_INFO make up the path together, with one slash between them."""
    environ = make_environ(scope_of(path, root_path), io.BytesIO())

    assert expected == (environ["SCRIPT_NAME"], environ["PATH_INFO"])


@pytest.mark.parametrize("root_path", ["/api", "/api/"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_mounted_application_matches_and_builds_below_its_mount_point(root_path, kind):
    """URLs have one slash there, and the path below it is what rules match."""
    app = Flask(__name__)

    def answer():
        return f"{request.script_root} {request.path} {url_for('index', _external=True)}"

    async def answer_on_loop():
        return answer()

    app.get("/x", endpoint="index")(answer if kind == "def" else answer_on_loop)
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(app.asgi(scope_of("/api/x", root_path), receive, send))

    assert sent[0]["status"] == 200
    assert sent[1]["body"].decode() == "/api /x http://localhost/api/x"


class Piece(str):
    """A text that can be joined with others at once, but not added to one."""

    __slots__ = ()

    def __add__(self, other):
        raise AssertionError(other)

    __radd__ = __add__


class Value(bytes):
    """A value of a header field that becomes such a text."""

    __slots__ = ()

    def decode(self, *args):
        return Piece(super().decode(*args))


def test_repeated_header_fields_are_joined_at_once():
    """Adding each repetition to the text of those before would take quadratic time."""
    fields = [(b"x-a", Value(b"1")), (b"cookie", Value(b"a=1"))] * 3

    environ = make_environ(scope_of("/", "", headers=fields), io.BytesIO())

    assert environ["HTTP_X_A"] == "1,1,1"
    assert environ["HTTP_COOKIE"] == "a=1; a=1; a=1"
