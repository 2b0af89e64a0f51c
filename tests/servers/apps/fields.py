"""An application that shows the header fields of its requests."""

from __future__ import annotations

from costrel import Flask, request

app = Flask(__name__)
asgi = app.asgi


@app.route("/")
def root():
    """Say that it serves."""
    return "text"


@app.post("/sync")
def sync_fields():
    """Show what a view sees, after it has read the body."""
    body = request.get_data(as_text=True)
    return {"body": body, "fields": {k.lower(): v for k, v in request.headers.items()}}


@app.post("/async")
async def async_fields():
    """Show it from a coroutine."""
    return sync_fields()
