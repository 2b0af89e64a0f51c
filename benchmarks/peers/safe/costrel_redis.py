"""Costrel as it comes, with its sessions in Redis."""

from material.protected import make_costrel

PEER = {
    "title": "Costrel",
    "package": "redis",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["page_redis"],
}

app = make_costrel(redis=True)
