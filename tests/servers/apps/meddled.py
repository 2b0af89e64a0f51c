"""An application in middleware that calls ``start_response`` as the request asks."""

from __future__ import annotations

from urllib.parse import parse_qsl

from costrel import Flask

app = Flask(__name__)


@app.get("/")
def index():
    """Answer normally."""
    return "index"


@app.get("/async")
async def of_coroutine():
    """Make `costrel run` choose ASGI, unless told otherwise."""
    return "async"


inner = app.wsgi_app


def meddle(environ, start_response):
    """Replace the status, add fields, or answer instead of the application."""
    asked = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
    statuses = [value for name, value in asked if name == "status"]
    fields = [(name, value) for name, value in asked if name != "status"]

    def start(status, headers, *exc_info):
        return start_response((statuses or [status])[0], [*headers, *fields], *exc_info)

    if environ["PATH_INFO"] == "/instead":
        start("200 OK", [])
        return [b"instead"]
    return inner(environ, start)


app.wsgi_app = meddle
