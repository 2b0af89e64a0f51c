"""Costrel: the lines that Flask runs, with one import changed."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "defaults": ["costrel-run", "granian-defaults", "gunicorn-defaults"],
    "quick": ["granian"],
}

app = make_app(costrel)
