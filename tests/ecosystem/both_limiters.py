"""Flask-Limiter beside the framework's own rate limits; prints what clients got."""

from __future__ import annotations

import asyncio

from click import echo
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from costrel import Costrel
from costrel.security import limit, protect


def make_app(kind: type[Flask], *, first: bool) -> Flask:
    """Return an application with both; `first` protects it before the extension is there."""
    app = kind("both", static_folder=None)
    app.config.update(RATELIMIT_HEADERS_ENABLED=True, TRUSTED_HOSTS=["localhost"])
    if first:
        protect(app)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    if not first:
        protect(app)

    @app.get("/ours")
    @limit("2/hour")
    def ours() -> str:
        return "ours"

    @app.get("/theirs")
    @limiter.limit("2/hour")
    def theirs() -> str:
        return "theirs"

    @app.get("/ours-less")
    @limit("1/hour")
    @limiter.limit("3/hour")
    def ours_less() -> str:
        return "ours less"

    @app.get("/theirs-less")
    @limiter.limit("1/hour")
    @limit("3/hour")
    def theirs_less() -> str:
        return "theirs less"

    @app.get("/loop")
    @limit("3/hour")
    @limiter.limit("2/hour")
    async def on_loop() -> str:
        return "loop"

    @app.get("/free")
    @limiter.exempt
    def free() -> str:
        return "free"

    return app


PATHS = ("/ours", "/theirs", "/ours-less", "/theirs-less", "/loop", "/free")


def line_of(path: str, responses: list) -> str:
    """Return the statuses of a path, and what the last response that was let through says."""
    last = [response for response in responses if response.status_code == 200][-1]
    own = last.headers.get("RateLimit", "-").partition(";t=")[0]
    other = last.headers.get("X-RateLimit-Remaining", "-")
    statuses = " ".join(str(response.status_code) for response in responses)
    return f"{path} {statuses} | {own} | {other}"


async def ask_on_loop(app: Flask) -> None:
    """Send the requests over ASGI."""
    client = app.async_test_client()
    for path in PATHS:
        echo(line_of(path, [await client.get(path) for _ in range(4)]))


for kind in (Flask, Costrel):
    for first in (False, True):
        client = make_app(kind, first=first).test_client()
        for path in PATHS:
            echo(line_of(path, [client.get(path) for _ in range(4)]))
        asyncio.run(ask_on_loop(make_app(kind, first=first)))
