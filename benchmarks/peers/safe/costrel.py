"""Costrel as it comes: everything that protects by default is on."""

from material.protected import make_costrel

PEER = {
    "title": "Costrel",
    "package": "costrel",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["hello", "page"],
}

app = make_costrel()
