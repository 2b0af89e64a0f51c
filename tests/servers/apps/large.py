"""An application with responses that are larger than what systems keep of what was sent."""

from __future__ import annotations

from costrel import Flask, Response

PIECE = b"x" * 262_144
PIECES = 200

app = Flask(__name__)
asgi = app.asgi


@app.get("/")
def small():
    """Return a response that is sent at once."""
    return "text"


@app.get("/whole")
def whole():
    """Return a body in one piece."""
    return PIECE * PIECES


@app.get("/pieces")
def pieces():
    """Return a body in pieces."""
    return Response(PIECE for _ in range(PIECES))


@app.get("/async-pieces")
async def async_pieces():
    """Return a body in pieces that coroutines make."""

    async def make():
        for _ in range(PIECES):
            yield PIECE

    return make()
