"""Django with its middleware of security, sessions and CSRF."""

from material.django_protected import make_app

PEER = {
    "title": "Django",
    "package": "django",
    "interface": "wsgi",
    "servers": ["granian"],
    "workloads": ["hello", "page"],
}

app = make_app()
