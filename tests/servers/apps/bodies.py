"""An application that reads bodies in every way, with middleware that reads one first."""

from __future__ import annotations

import hashlib
import io

from costrel import Flask, request


class Reading:
    """Read the whole body of some requests before the application does."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        """Read the body if the path says so, and pass it on."""
        if environ["PATH_INFO"] == "/middleware":
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
        return self.app(environ, start_response)


def in_pieces():
    """Read a piece, then others."""
    return b"".join(iter(lambda: request.stream.read(1000), b""))


WAYS = {
    "read-n": in_pieces,
    "read": lambda: request.stream.read(10) + request.stream.read(),
    "read-minus": lambda: request.stream.read(10) + request.stream.read(-1),
    "readline": lambda: b"".join(iter(request.stream.readline, b"")),
    "readlines": lambda: request.stream.readline() + b"".join(request.stream.readlines()),
    "iteration": lambda: b"".join(request.stream),
    "form": lambda: bytes(request.form["field"], "ascii"),
    "files": lambda: b"".join(request.files["file"]),
}

app = Flask(__name__)
app.wsgi_app = Reading(app.wsgi_app)
asgi = app.asgi
completed = []


@app.post("/<way>")
def read(way):
    """Return what arrived."""
    content = WAYS.get(way, request.get_data)()
    completed.append(way)
    return {"length": len(content), "digest": hashlib.sha256(content).hexdigest()}


@app.get("/")
def count():
    """Return how many bodies were taken as complete."""
    return {"completed": len(completed)}
