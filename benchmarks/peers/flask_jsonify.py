"""Flask, with views that return `jsonify(...)`."""

import flask
from material.flask_interface import make_app

PEER = {
    "title": "Flask, jsonify",
    "package": "flask",
    "interface": "wsgi",
    "servers": ["granian", "gunicorn-sync"],
    "quick": ["granian"],
    "workloads": ["json", "echo", "query"],
    "twin_of": "flask",
}

app = make_app(flask, jsonify=True)
