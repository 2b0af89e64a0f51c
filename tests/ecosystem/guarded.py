"""Decorators of real extensions on async views and WebSockets; prints what they answered."""

from __future__ import annotations

import asyncio
import threading

from click import echo
from flask import Blueprint, Flask, g, websocket
from flask.views import MethodView, View
from flask_caching import Cache
from flask_jwt_extended import JWTManager, create_access_token, jwt_required
from flask_limiter import Limiter
from flask_login import LoginManager, UserMixin, login_required
from flask_principal import Identity, Permission, Principal, RoleNeed

from costrel.servers.interface import choose

KEY = "0123456789" * 4
app = Flask(__name__)
app.config.update(SECRET_KEY=KEY, JWT_SECRET_KEY=KEY, CACHE_TYPE="SimpleCache", SYNC_THREADS=2)
login = LoginManager(app)
jwt = JWTManager(app)
limiter = Limiter(lambda: "everyone", app=app, storage_uri="memory://")
cache = Cache(app)
principal = Principal(app, use_sessions=False)
admin = Permission(RoleNeed("admin"))


@login.request_loader
def load(request):
    """Let in who says so."""
    user = UserMixin()
    user.id = 1
    return user if request.args.get("user") else None


@principal.identity_loader
def identity():
    """Name an administrator."""
    ada = Identity("ada")
    ada.provides.add(RoleNeed("admin"))
    return ada


async def where():
    """Name the thread that runs the coroutine."""
    await asyncio.sleep(0)
    return threading.current_thread().name


DECORATORS = {
    "login": login_required,
    "jwt": jwt_required(),
    "limit": limiter.limit("100/minute"),
    "cached": cache.cached(60),
    "roles": admin.require(403),
}


def register(name, decorate):
    """Register a view of each kind, a hook, and a WebSocket."""

    async def view():
        return await where()

    class Index(View):
        decorators = [decorate]  # noqa: RUF012

        async def dispatch_request(self):
            return await where()

    class Books(MethodView):
        @decorate
        async def get(self):
            return await where()

    hooked = Blueprint(name, __name__, url_prefix=f"/{name}/hook")

    async def hook():
        g.hook = await where()

    hooked.before_request(decorate(hook))
    hooked.add_url_rule("/", "shown", lambda: g.get("hook", "cached"))
    app.add_url_rule(f"/{name}/function", f"{name}_function", decorate(view))
    app.add_url_rule(f"/{name}/class", view_func=Index.as_view(f"{name}_class"))
    app.add_url_rule(f"/{name}/method", view_func=Books.as_view(f"{name}_method"))
    app.register_blueprint(hooked)
    if name in {"login", "jwt", "limit"}:

        async def chat():
            async for message in websocket:
                await websocket.send(f"{message} {await where()}")

        app.websocket(f"/{name}/chat", endpoint=f"{name}_chat")(decorate(chat))


for each in DECORATORS.items():
    register(*each)

with app.app_context():
    HEADERS = {"Authorization": f"Bearer {create_access_token('ada')}"}


def shown(path, answer):
    """Show one answer in a line."""
    return f"{path} {answer.status_code} {answer.text if answer.status_code == 200 else ''}".strip()


async def main():
    """Ask for everything, over both interfaces, and keep WebSockets open."""
    echo(choose(app, "auto").interface)
    client = app.async_test_client()
    for name in DECORATORS:
        for kind in ("function", "function", "class", "method", "hook/"):
            path = f"/{name}/{kind}?user=1"
            echo(f"asgi {shown(path, await client.get(path, headers=HEADERS))}")
            if kind != "function":
                cache.clear()
    for name in ("login", "jwt"):
        path = f"/{name}/function"
        echo(f"asgi {shown(path, await client.get(path))}")
    for name in ("login", "jwt", "limit"):
        path = f"/{name}/chat?user=1"
        connections = [client.websocket(path, headers=HEADERS) for _ in range(3)]
        sockets = [await connection.__aenter__() for connection in connections]
        for socket in sockets:
            await socket.send("hello")
        received = {await socket.receive() for socket in sockets}
        echo(f"{path} {received}")
        for connection in connections:
            await connection.__aexit__(None, None, None)


def under_wsgi():
    """Ask for the same under WSGI."""
    client = app.test_client()
    for name in DECORATORS:
        for kind in ("function", "function", "class", "method", "hook/"):
            path = f"/{name}/{kind}?user=1"
            echo(f"wsgi {shown(path, client.get(path, headers=HEADERS))}")


asyncio.run(main())
cache.clear()
under_wsgi()
