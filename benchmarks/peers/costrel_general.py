"""Costrel with every request on the general path, as where a step is overridden."""

import os

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel, general path",
    "package": "costrel",
    "interface": "wsgi",
    "servers": [],
    "quick": [],
}

os.environ["COSTREL_GENERAL_PATH"] = "1"
app = make_app(costrel)
