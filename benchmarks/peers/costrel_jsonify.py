"""Costrel, with views that return `jsonify(...)`."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel, jsonify",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": ["granian"],
    "workloads": ["json", "echo", "query"],
    "twin_of": "costrel",
}

app = make_app(costrel, jsonify=True)
