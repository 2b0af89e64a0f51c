"""An application that has run a coroutine before its server starts processes."""

from __future__ import annotations

import os

from costrel import Flask

app = Flask(__name__)
loaded_by = os.getpid()


@app.get("/")
async def pids():
    """Return which process loaded this module, and which one answers."""
    return {"loaded by": loaded_by, "answered by": os.getpid()}


app.test_client().get("/")
