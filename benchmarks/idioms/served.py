"""The rows that are measured over HTTP, as one WSGI and one ASGI application.

A row's path selects its application, so that each is the small one of the row.
"""

from __future__ import annotations

import typing as t

import idioms


def collect() -> dict[str, t.Any]:
    """Return the application of each path of a served row."""
    apps: dict[str, t.Any] = {}
    for idiom in idioms.load().values():
        if idiom.served:
            app = idioms.make_app(idiom)
            for request in (idiom.request, idiom.first):
                if request is not None:
                    apps[request.target] = app
    return apps


APPS = collect()


def wsgi(environ, start_response):
    """Call the application of the path."""
    return APPS[environ["PATH_INFO"]](environ, start_response)


async def asgi(scope, receive, send):
    """Call the application of the path; no row has anything to do at start or end."""
    if scope["type"] == "http":
        await APPS[scope["path"]].asgi(scope, receive, send)
    elif scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
