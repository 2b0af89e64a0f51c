"""Trailer fields of bodies on every server: they are no header fields of the request."""

from __future__ import annotations

import json
import socket

import asgisites
import pytest
from exchange import HOST, PATIENCE_S
from programs import PROGRAMS, Program, serve


def _run(*options):
    return lambda port, app: ["costrel", "--app", app, "run", "--port", str(port), *options]


OURS = (
    Program("run-asgi", _run("--interface", "asgi")),
    Program("debug-wsgi", _run("--debug", "--no-reload", "--interface", "wsgi")),
    Program("debug-asgi", _run("--debug", "--no-reload", "--interface", "asgi")),
)

SERVERS = {
    **{name: (program, "fields:app") for name, program in PROGRAMS.items()},
    **{name: (program, "fields:asgi") for name, program in asgisites.PROGRAMS.items()},
    **{program.name: (program, "fields:app") for program in OURS},
    # Without a lifespan, so that nothing but its import tells the application of its server.
    "uvicorn-no-lifespan": (
        Program("", asgisites._uvicorn("--lifespan", "off", "--http", "httptools")),
        "fields:asgi",
    ),
    "uvicorn-called": (Program("", asgisites._uvicorn("--http", "httptools")), "fields:app"),
}

TRAILERS = {
    "x-forwarded-for": "9.9.9.9",
    "x-forwarded-proto": "https",
    "x-remote-user": "admin",
    "cookie": "a=b",
    "sec-fetch-site": "same-origin",
}


def send(port, path, *, at_once):
    """Send a request with trailer fields that repeat a header field and add others."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n"
    )
    fields = "".join(f"{name}: {value}\r\n" for name, value in TRAILERS.items())
    parts = [head, f"0\r\n{fields}\r\n"]
    with socket.create_connection((HOST, port), timeout=PATIENCE_S) as connection:
        for part in ["".join(parts)] if at_once else parts:
            connection.sendall(part.encode())
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = body.split(b"\r\n")[1]
    return head[:12], body


@pytest.mark.parametrize("name", SERVERS)
def test_trailer_fields_are_no_header_fields(name, tmp_path):
    """Whether they come with the head or later, and whatever kind of view reads them."""
    program, app = SERVERS[name]
    running, port = serve(program, app, tmp_path)
    try:
        for path in ("/sync", "/async"):
            for at_once in (True, False):
                status, body = send(port, path, at_once=at_once)
                # waitress refuses them all; nothing may accept one.
                if status == b"HTTP/1.1 400":
                    continue
                seen = json.loads(body)
                expected = {"x-forwarded-for": "203.0.113.7"}
                found = {k: v for k, v in seen["fields"].items() if k in TRAILERS}
                assert (found, seen["body"]) == (expected, "x"), (path, at_once)
    finally:
        running.stop()
