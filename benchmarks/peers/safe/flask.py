"""Flask without any extension."""

import flask
from material.flask_interface import make_app

PEER = {
    "title": "Flask, unprotected",
    "package": "flask",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["hello", "page"],
}

app = make_app(flask)
