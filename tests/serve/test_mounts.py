"""Applications below a prefix of each other: Starlette's, ours, and those of WSGI."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from costrel import Flask, current_app, has_app_context, request, session, url_for, websocket
from costrel.testing.asgi import AsyncClient


class Served:
    """What `AsyncClient` needs of an application, with another ASGI application."""

    def __init__(self, app, asgi):
        self.app, self.asgi = app, asgi

    def __getattr__(self, name):
        return getattr(self.app, name)


def make_app(name="shop"):
    """Make an application that notes its life and tells where it is."""
    app = Flask(name)
    app.secret_key = "test"
    app.lived = []

    @app.before_serving
    def begin():
        app.lived.append("began")

    @app.while_serving
    async def hold():
        yield
        app.lived.append("let go")

    @app.after_serving
    async def end():
        app.lived.append("ended")

    @app.get("/sync/<word>")
    def sync(word):
        session["word"] = word
        return f"{current_app.name} {request.path} {url_for('sync', word=word)}"

    @app.get("/async/<word>")
    async def on_loop(word):
        return f"{current_app.name} {request.path} {url_for('on_loop', word=word)}"

    @app.websocket("/socket")
    async def socket():
        await websocket.send(f"{request.path} {url_for('sync', word='a')}")

    return app


async def visit(asgi, *paths, socket=None):
    """Return the text of each path, and the first message of a socket; begins and ends its life."""
    async with AsyncClient(Served(Flask("client"), asgi), Flask.response_class) as client:
        found = [(await client.get(path)).text for path in paths]
        if socket is not None:
            async with client.websocket(socket) as connection:
                found.append(await connection.receive())
    return found


@pytest.mark.parametrize("given", ["app", "app.asgi"])
@pytest.mark.parametrize("prefix", ["/shop", ""])
def test_application_is_mounted_in_starlette(given, prefix):
    """Paths, URLs, sockets and the life work below the prefix."""
    app = make_app()
    mounted = app if given == "app" else app.asgi
    outer = Starlette(routes=[Mount(prefix, app=mounted)], lifespan=app.lifespan)

    paths = f"{prefix}/sync/a", f"{prefix}/async/b"
    found = asyncio.run(visit(outer, *paths, socket=f"{prefix}/socket"))

    assert found[:2] == [f"shop /sync/a {paths[0]}", f"shop /async/b {paths[1]}"]
    assert found[2] == f"/socket {prefix}/sync/a"
    assert app.lived == ["began", "let go", "ended"]


def test_mounted_application_without_its_lifespan_begins_with_its_first_request():
    """Starlette keeps the events of the server to itself."""
    app = make_app()
    found = asyncio.run(visit(Starlette(routes=[Mount("/shop", app=app)]), "/shop/async/a"))

    assert found == ["shop /async/a /shop/async/a"]
    assert app.lived[:1] == ["began"]


def test_lifespan_is_a_block_that_makes_nothing_current():
    """It is used by hand where several applications are mounted, and an error stops the start."""
    first, second = make_app("first"), make_app("second")

    @second.while_serving
    async def push():
        second.app_context().push()
        yield

    async def main():
        async with first.lifespan(), second.lifespan():
            assert not has_app_context()
            assert first.lived == second.lived == ["began"]

    asyncio.run(main())
    assert first.lived == second.lived == ["began", "let go", "ended"]

    @second.before_serving
    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())


def test_starlette_is_mounted_in_an_application():
    """Middleware in `app.asgi` chooses; its lifespan runs as a part of ours."""
    app, seen = make_app(), []

    async def hello(request):
        return PlainTextResponse(f"hello from {request.url_for('hello').path}")

    @asynccontextmanager
    async def lifespan(_api):
        seen.append("began")
        yield
        seen.append("ended")

    api = Starlette(routes=[Route("/hello", hello, name="hello")], lifespan=lifespan)

    @app.while_serving
    async def live():
        async with api.router.lifespan_context(api):
            yield

    class Below:
        def __init__(self, asgi, prefix, other):
            self.asgi, self.prefix, self.other = asgi, prefix, other

        async def __call__(self, scope, receive, send):
            if scope.get("path", "").startswith(f"{self.prefix}/"):
                scope = {**scope, "root_path": scope.get("root_path", "") + self.prefix}
                await self.other(scope, receive, send)
            else:
                await self.asgi(scope, receive, send)

    app.asgi = Below(app.asgi, "/api", api)

    found = asyncio.run(visit(app.asgi, "/api/hello", "/sync/a", "/async/b"))

    assert found == ["hello from /api/hello", "shop /sync/a /sync/a", "shop /async/b /async/b"]
    assert seen == ["began", "ended"]


@pytest.mark.parametrize("over", ["wsgi", "asgi"])
def test_wsgi_application_is_mounted_in_an_application(over):
    """By Werkzeug's middleware, over both interfaces; a mounted application has a life as well."""
    app, other = make_app(), make_app("other")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/other": other})
    paths = "/sync/a", "/other/sync/a", "/other/async/b"

    if over == "wsgi":
        found = [app.test_client().get(path).text for path in paths]
    else:
        found = asyncio.run(visit(app, *paths))

    assert found[0] == "shop /sync/a /sync/a"
    assert found[1:] == ["other /sync/a /other/sync/a", "other /async/b /other/async/b"]
    assert other.lived == ["began"]
