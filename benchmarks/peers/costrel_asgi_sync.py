"""Costrel over ASGI, with sync views, which it runs in threads."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel ASGI, sync views",
    "package": "costrel",
    "interface": "asgi",
    "candidates": ["uvicorn", "granian-asgi"],
    "workloads": ["hello", "json", "echo", "template", "query"],
}

app = make_app(costrel).asgi
