"""Django with the same middleware, and its sessions in Redis."""

from material.django_protected import make_app

PEER = {
    "title": "Django",
    "package": "django",
    "interface": "wsgi",
    "servers": ["granian"],
    "workloads": ["page_redis"],
}

app = make_app(redis=True)
