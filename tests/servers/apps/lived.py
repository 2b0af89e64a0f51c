"""An application that prints its lifespan events; with ``FAILS``, its start fails."""

from __future__ import annotations

import os

from costrel import Flask

app = Flask(__name__)
app.secret_key = "x" * 32


def say(words):
    """Print in one call, because all processes share the log."""
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
    """Fail if `FAILS` is true."""
    if os.environ.get("FAILS"):
        raise LookupError("no database")
    yield


@app.after_serving
def after():
    """Run at the very end."""
    say("after")


@app.get("/")
def index():
    """Start a task that the server waits for when it stops."""
    app.add_background_task(work)
    return str(os.getpid())


async def work():
    """Answer at once."""
    say("worked")
