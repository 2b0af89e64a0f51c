"""Applications that tell what they understood, and requests as servers have read them."""

from __future__ import annotations

import io

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from costrel import Flask, Request, request, session

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def make_app(**config):
    """Make an application whose answers tell what it understood of the request."""
    app = Flask(__name__)
    app.config.update({"SECRET_KEY": "a secret", **config})
    app.logger.propagate = True
    add_views_of_bodies(app)
    add_views_of_heads(app)
    return app


def add_views_of_bodies(app):
    """Add views that tell what was posted."""

    @app.post("/json")
    def json():
        return {"got": request.get_json()}

    @app.post("/silent")
    def silent():
        return {"got": request.get_json(silent=True)}

    @app.post("/form")
    def form():
        files = {name: len(file.read()) for name, file in request.files.items()}
        return {"fields": list(request.form.items(multi=True)), "files": files}

    @app.post("/data")
    def data():
        return {"length": len(request.get_data())}

    @app.post("/stream")
    def stream():
        return {"length": len(request.stream.read())}

    @app.post("/key")
    def key():
        return request.form["missing"]


def add_views_of_heads(app):
    """Add views that tell of the path, the query and the headers."""

    @app.get("/query")
    def query():
        return {"args": list(request.args.items(multi=True)), "path": request.full_path}

    @app.get("/user/<name>")
    def user(name):
        return {"name": name}

    @app.get("/number/<int:number>")
    def number(number):
        return {"number": number}

    @app.get("/branch/")
    def branch():
        return ""

    @app.get("/who")
    def who():
        return {"cookies": dict(request.cookies), "session": dict(session)}

    @app.get("/authorization")
    def authorization():
        given = request.authorization
        return {"user": None if given is None else given.username}


def ask(app, method, path, body=b"", content_type=None, announced=True, **environ):
    """Send a request as a server has read it, its body announced or chunked.

    A variable that is None is left out.
    """
    environ = {
        **app.test_request_context(method=method).environ,
        "PATH_INFO": path,
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    if announced:
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
    else:
        environ.pop("CONTENT_LENGTH", None)
        environ["wsgi.input_terminated"] = True
    environ = {name: value for name, value in environ.items() if value is not None}
    started = []

    def start_response(status, headers, exc_info=None):
        started.append((status, headers))

    sent = b"".join(app(environ, start_response))
    ((status, headers),) = started
    response = TestResponse(iter([sent]), status, Headers(headers), Request(environ))
    assert "Traceback" not in response.text
    return response
