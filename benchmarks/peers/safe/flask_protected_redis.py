"""Flask with the five extensions, and its sessions in Redis."""

from material.protected import make_flask

PEER = {
    "title": "Flask, five extensions",
    "package": "flask-talisman",
    "interface": "wsgi",
    "servers": ["granian"],
    "workloads": ["page_redis"],
}

app = make_flask(redis=True)
