"""Costrel: the lines that Flask runs, with one import changed."""

import costrel

from material.flask_interface import make_app

PEER = {
    "title": "Costrel",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": ["granian"],
}

app = make_app(costrel)
