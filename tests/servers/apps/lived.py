"""An application that says what runs around its serving; ``FAILS`` lets its start fail."""

from __future__ import annotations

import os

from costrel import Flask

app = Flask(__name__)
app.secret_key = "x" * 32


def say(words):
    """Print in one call, for all processes share the log."""
    os.write(1, f"{os.getpid()} {words}\n".encode())


@app.while_serving
def pool():
    """Open something, and close it."""
    say("opened")
    yield
    say("closed")


@app.before_serving
async def before():
    """Run before the pool is opened."""
    say("before")


@app.while_serving
async def connect():
    """Fail, if told to."""
    if os.environ.get("FAILS"):
        raise LookupError("no database")
    yield


@app.after_serving
def after():
    """Run at the very end."""
    say("after")


@app.get("/")
def index():
    """Begin a task that the end of the server waits for."""
    app.add_background_task(work)
    return str(os.getpid())


async def work():
    """Be quick."""
    say("worked")
