"""Flask, as its documentation writes applications."""

import flask
from material.flask_interface import make_app

PEER = {
    "title": "Flask",
    "package": "flask",
    "interface": "wsgi",
    "servers": ["granian", "gunicorn-sync", "gunicorn-gthread"],
    "quick": ["granian"],
    "in_process": [
        "hello", "json", "echo", "template", "query", "page", "fortunes", "form", "upload",
    ],
}  # fmt: skip

app = make_app(flask)
