"""An application that servers are given as itself, or as its factory."""

from __future__ import annotations

import os

from costrel import Flask, websocket


def note(text):
    """Write to the log."""
    print(f"<{text} {os.getpid()}>", flush=True)  # noqa: T201  the log is read by tests


def create_app():
    """Make the application."""
    app = Flask("itself")

    @app.before_serving
    def begin():
        note("began")

    @app.after_serving
    async def end():
        note("ended")

    @app.get("/")
    def index():
        return str(os.getpid())

    @app.get("/async")
    async def on_loop():
        return str(os.getpid())

    @app.websocket("/echo")
    async def echo():
        async for message in websocket:
            await websocket.send(message)

    return app


note("imported")
app = create_app()
