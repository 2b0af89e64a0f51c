"""Flask, as its documentation writes applications."""

import flask
from material.flask_interface import make_app

PEER = {
    "title": "Flask",
    "package": "flask",
    "interface": "wsgi",
    "servers": ["granian", "gunicorn-sync", "gunicorn-gthread"],
    "defaults": ["granian-defaults", "gunicorn-defaults"],
    "quick": ["granian"],
}

app = make_app(flask)
