"""Costrel with a rate limit and CORS besides, as the extensions of Flask have them."""

from material.protected import make_costrel

PEER = {
    "title": "Costrel, rate limit and CORS",
    "package": "limits",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["hello", "page"],
}

app = make_costrel(limited=True)
