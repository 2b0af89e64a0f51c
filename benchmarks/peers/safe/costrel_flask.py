"""Costrel's Flask, which protects as little as Flask does."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel's Flask, unprotected",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["hello", "page"],
}

app = make_app(costrel)
