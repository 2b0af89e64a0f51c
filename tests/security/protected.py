"""Applications with the protections against other sites, and no others."""

from __future__ import annotations

from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask, request
from costrel.security import protect

OFF = dict.fromkeys(("limits", "rates", "headers", "sessions", "secrets", "logs"), False)


def make_app(**config):
    """Return an application that checks hosts and forged requests, with a secret."""
    app = Flask("protected", static_folder=None)
    app.config.update({"SECRET_KEY": "k" * 32, **config})
    protect(app, **OFF)
    return app


def make_form_app(**config):
    """Return one with a view that changes something, and a page with a form for it."""
    app = make_app(**config)

    @app.route("/change", methods=["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE"])
    def change():
        return "done"

    @app.post("/loop")
    async def loop():
        return f"done {request.form.get('name', '')}".strip()

    return app


def send(app, method="POST", path="/change", *, cookie="a=b", kind="form", **headers):
    """Send what a browser might; return the status. Headers are named with underscores."""
    client = app.test_client(use_cookies=False)
    client.environ_base.pop("HTTP_SEC_FETCH_SITE", None)
    types = {"form": "application/x-www-form-urlencoded", "json": "application/json",
             "files": "multipart/form-data; boundary=x", "text": "text/plain"}  # fmt: skip
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        fields["Cookie"] = cookie
    options = {"content_type": types[kind], "data": b""} if kind else {}
    return client.open(path, method=method, headers=fields, **options).status_code


def ask(app, host, path="/", scheme="http", **environ):
    """Send a GET with a Host header as it is, or with none for None; return status and text."""
    made = create_environ(path, f"{scheme}://localhost")
    made.update(environ)
    if host is None:
        del made["HTTP_HOST"]
    else:
        made["HTTP_HOST"] = host
    pieces, status, _headers = run_wsgi_app(app, made, buffered=True)
    return int(status[:3]), b"".join(pieces).decode()
