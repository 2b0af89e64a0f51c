"""``TRUSTED_PROXIES`` counts the same on every server, whatever the server believes itself."""

from __future__ import annotations

import json

import pytest
from exchange import HOST, PATIENCE_S, fetch
from programs import Program, serve
from websockets.sync.client import connect


def _uvicorn(*options):
    return lambda port, app: ["uvicorn", "--host", HOST, "--port", str(port), *options, app]


def _granian(interface):
    return lambda port, app: [
        *("granian", "--interface", interface, "--host", HOST, "--port", str(port), app)
    ]


def _gunicorn(port, app):
    return ["gunicorn", "--bind", f"{HOST}:{port}", "--forwarded-allow-ips", "*", app]


def _waitress(port, app):
    return [
        "waitress-serve",
        f"--listen={HOST}:{port}",
        "--no-clear-untrusted-proxy-headers",
        app,
    ]


SERVERS = {
    program.name: (program, app)
    for program, app in (
        (Program("uvicorn", _uvicorn()), "trusting:asgi"),
        (Program("uvicorn-any", _uvicorn("--forwarded-allow-ips", "*")), "trusting:asgi"),
        (Program("uvicorn-none", _uvicorn("--no-proxy-headers")), "trusting:asgi"),
        (
            Program("hypercorn", lambda port, app: ["hypercorn", "--bind", f"{HOST}:{port}", app]),
            "trusting:asgi",
        ),
        (
            Program(
                "daphne",
                lambda port, app: [
                    *("daphne", "-b", HOST, "-p", str(port), "--proxy-headers", app),
                ],
            ),
            "trusting:asgi",
        ),
        (Program("granian", _granian("asgi")), "trusting:asgi"),
        (Program("granian-wrapped", _granian("asgi")), "trusting:asgi_in_granians"),
        (
            Program(
                "costrel-run",
                lambda port, app: ["costrel", "--app", app, "run", "--port", str(port)],
            ),
            "trusting:app",
        ),
        (Program("granian-wsgi", _granian("wsgi")), "trusting:app"),
        (Program("granian-wsgi-wrapped", _granian("wsgi")), "trusting:wsgi_in_granians"),
        (Program("gunicorn", _gunicorn), "trusting:app"),
        (Program("waitress", _waitress), "trusting:app"),
    )
}

# The client claims to be 6.6.6.6; the first proxy is 10.0.0.1, the second one connects.
FORWARDED = {
    "X-Forwarded-For": "6.6.6.6, 9.9.9.9, 10.0.0.1",
    "X-Forwarded-Proto": "http, https, http",
    "X-Forwarded-Host": "evil.example, example.com, inner.example",
    "X-Forwarded-Prefix": "/evil, /app, /inner",
}
TRUSTED = {"x_for": 2, "x_proto": 2, "x_host": 2, "x_prefix": 2}
EXPECTED = {"client": "9.9.9.9", "scheme": "https", "host": "example.com", "prefix": "/app"}


@pytest.mark.parametrize("name", SERVERS)
def test_proxies_are_counted_once(name, tmp_path):
    """The application counts in the headers, not from the address that the server passes."""
    program, app = SERVERS[name]
    running, port = serve(program, app, tmp_path, FLASK_TRUSTED_PROXIES=json.dumps(TRUSTED))
    try:
        for path in ("/", "/loop"):
            assert fetch(port, path, headers=FORWARDED).json == EXPECTED, path
        if app == "trusting:asgi" or name == "costrel-run":
            with connect(f"ws://{HOST}:{port}/socket", additional_headers=FORWARDED,
                         open_timeout=PATIENCE_S) as socket:  # fmt: skip
                assert json.loads(socket.recv(PATIENCE_S)) == EXPECTED
    finally:
        running.stop()
