"""Flask with Talisman, Flask-WTF's CSRFProtect, Limiter, Session and CORS."""

from material.protected import make_flask

PEER = {
    "title": "Flask, five extensions",
    "package": "flask-talisman",
    "interface": "wsgi",
    "servers": ["granian"],
    "quick": [],
    "workloads": ["hello", "page"],
}

app = make_flask()
