"""Costrel: the lines that Flask runs, with one import changed."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": ["granian"],
    "in_process": [
        "hello", "json", "echo", "template", "query", "page", "fortunes", "form", "upload",
    ],
}  # fmt: skip

app = make_app(costrel)
