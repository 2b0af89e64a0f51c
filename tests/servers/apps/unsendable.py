"""An application whose views answer with any status and headers that a test asks for."""

from __future__ import annotations

from costrel import Flask, Response, request

app = Flask(__name__)


@app.get("/<int(signed=True):status>")
def by_status(status):
    """Answer with a status."""
    return "text", status


@app.get("/relay")
def relay():
    """Answer with the headers of another service."""
    return Response("text", headers=request.args)


@app.get("/relay-stream")
def relay_stream():
    """Answer with the same headers and a streamed body."""
    return Response(iter(["te", "xt"]), headers=request.args)


@app.get("/")
def index():
    """Answer normally."""
    return "index"
