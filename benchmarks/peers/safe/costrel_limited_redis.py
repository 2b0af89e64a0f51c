"""Costrel with a rate limit and CORS, and its sessions in Redis."""

from material.protected import make_costrel

PEER = {
    "title": "Costrel, rate limit and CORS",
    "package": "limits",
    "interface": "wsgi",
    "servers": ["granian"],
    "workloads": ["page_redis"],
}

app = make_costrel(limited=True, redis=True)
