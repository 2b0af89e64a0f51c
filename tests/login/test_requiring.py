"""Views of users who are logged in: every kind of view, every kind of client."""

from __future__ import annotations

import asyncio
import typing as t
from datetime import timedelta
from typing import Annotated

import pytest
from people import User, async_loader, make

from costrel import Blueprint, Costrel, websocket
from costrel.api import Depends
from costrel.login import (
    LoginRequired,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
)
from costrel.testing.asgi.sockets import WebSocketRejected
from costrel.views import MethodView, View

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def with_views(made):
    """Add a view of each kind, which needs a login."""
    app = made.app

    @app.get("/sync")
    @login_required
    def sync():
        return current_user.id

    @app.get("/async")
    @login_required
    async def later():
        return current_user.id

    class Whole(View):
        decorators = [login_required]  # noqa: RUF012

        def dispatch_request(self):
            return current_user.id

    class WholeAsync(View):
        decorators = [login_required]  # noqa: RUF012

        async def dispatch_request(self):
            return current_user.id

    class Methods(MethodView):
        @login_required
        def get(self):
            return current_user.id

    class AsyncMethods(MethodView):
        @login_required
        async def get(self):
            return current_user.id

    for cls in (Whole, WholeAsync, Methods, AsyncMethods):
        app.add_url_rule(f"/{cls.__name__}", view_func=cls.as_view(cls.__name__))

    hooked = Blueprint("hooked", __name__, url_prefix="/hooked")

    @hooked.before_request
    @login_required
    def for_all():
        """Let the view run."""

    hooked.add_url_rule("/", "shown", lambda: current_user.id)
    app.register_blueprint(hooked)
    return app


PATHS = (
    "/sync", "/async", "/Whole", "/WholeAsync", "/Methods", "/AsyncMethods", "/hooked/",
)  # fmt: skip


@pytest.mark.parametrize("loader", [None, async_loader])
@pytest.mark.parametrize("url", PATHS)
def test_view_is_for_users_who_are_logged_in(path, url, loader):
    """Others get a 401 with a challenge, over WSGI."""
    made = make(load_user=loader)
    client = with_views(made).test_client()
    refused = client.get(url)
    assert 401 == refused.status_code
    assert 'Cookie realm="login"' == refused.headers["WWW-Authenticate"]
    client.post("/login/ada")
    assert "ada" == client.get(url).text


@pytest.mark.parametrize("loader", [None, async_loader])
def test_view_is_for_users_who_are_logged_in_over_asgi(path, loader):
    """The same on an event loop."""
    made = make(load_user=loader)
    app = with_views(made)

    async def main():
        client = app.async_test_client()
        before = [(await client.get(url)).status_code for url in PATHS]
        await client.post("/login/ada")
        return before, [(await client.get(url)).text for url in PATHS]

    assert ([401] * len(PATHS), ["ada"] * len(PATHS)) == asyncio.run(main())


def test_typed_view_may_demand_a_login():
    """By the decorator or as a dependency; the refusal is a problem."""
    made = make(Costrel)
    Known = Annotated[User, Depends(made.login.require)]  # noqa: N806
    KnownLater = Annotated[User, Depends(made.login.require_async)]  # noqa: N806

    @made.app.get("/decorated")
    @login_required
    def decorated(page: int = 1) -> dict[str, int]:
        return {"page": page}

    def depending(user: t.Any) -> dict[str, str]:
        return {"id": user.id}

    async def depending_async(user: t.Any) -> dict[str, str]:
        return {"id": user.id}

    depending.__annotations__["user"] = Known
    depending_async.__annotations__["user"] = KnownLater
    made.app.get("/depending")(depending)
    made.app.get("/depending-async")(depending_async)

    client = made.app.test_client()
    urls = ("/decorated?page=2", "/depending", "/depending-async")
    for url in urls:
        refused = client.get(url)
        assert 401 == refused.status_code
        assert "application/problem+json" == refused.mimetype
    client.post("/login/ada")
    assert [{"page": 2}, {"id": "ada"}, {"id": "ada"}] == [client.get(url).json for url in urls]


def test_websocket_is_refused_before_it_opens():
    """A user who is logged in may open it, and the view knows who that is."""
    made = make(load_user=async_loader)

    @made.app.websocket("/chat")
    @login_required
    async def chat():
        await websocket.send(current_user.id)

    async def main():
        client = made.app.async_test_client()
        with pytest.raises(WebSocketRejected) as caught:
            async with client.websocket("/chat", headers=BROWSER):
                pass
        await client.post("/login/ada")
        async with client.websocket("/chat") as socket:
            return caught.value.status_code, await socket.receive()

    made.app.config["LOGIN_VIEW"] = "/login"
    assert (401, "ada") == asyncio.run(main())


def test_login_in_an_open_websocket_is_an_error():
    """Its session can't be saved any more, so the error says where to do it; before, it can."""
    made = make()

    @made.app.websocket("/before")
    async def before():
        login_user(made.users["ada"])
        await websocket.send("in")

    @made.app.websocket("/after")
    async def after():
        await websocket.accept()
        for function in (logout_user, lambda: login_user(made.users["bob"])):
            with pytest.raises(RuntimeError, match="before accept"):
                function()
        await websocket.send("refused")

    @made.app.websocket("/remember")
    async def remembered():
        login_user(made.users["ada"], remember=True)

    async def main():
        client = made.app.async_test_client()
        async with client.websocket("/before") as socket:
            await socket.receive()
        async with client.websocket("/after") as socket:
            said = await socket.receive()
        with pytest.raises(RuntimeError, match="WebSocket can't set the cookie"):
            async with client.websocket("/remember"):
                pass
        return said, (await client.get("/who")).text

    assert ("refused", "ada") == asyncio.run(main())


@pytest.mark.parametrize("view", ["log_in_page", "/log-in"])
def test_browser_is_sent_to_the_login_page(path, view):
    """With the path that it asked for, to come back; the setting is an endpoint or a path."""
    made = make(LOGIN_VIEW=view)
    app = with_views(made)
    app.get("/log-in", endpoint="log_in_page")(lambda: "")
    client = app.test_client()
    sent = client.get("/sync?a=b%20c&d=\u00fc", headers=BROWSER)
    assert 302 == sent.status_code
    assert "/log-in" == sent.location.partition("?")[0]
    page = client.get(sent.location)
    assert "/sync?a=b%20c&d=%C3%BC" == page.request.args["next"]
    for refused in (
        client.post("/sync", headers=BROWSER),
        client.get("/sync"),
        client.get("/sync", headers={"Accept": "application/json"}),
    ):
        assert refused.status_code in {401, 405}


def test_login_page_that_demands_a_login_is_a_401():
    """A redirect to itself would never end."""
    made = make(LOGIN_VIEW="sync")
    client = with_views(made).test_client()
    assert 401 == client.get("/sync", headers=BROWSER).status_code


def test_error_handler_may_answer_instead():
    """`LoginRequired` is an exception like any other."""
    made = make()
    app = with_views(made)
    app.register_error_handler(LoginRequired, lambda error: (f"fresh={error.fresh}", 403))
    answer = app.test_client().get("/sync")
    assert (403, "fresh=False") == (answer.status_code, answer.text)


def test_fresh_login_is_recent_and_by_password():
    """After an hour, or by a remembered browser, the user is asked again."""
    made = make(LOGIN_VIEW="/log-in")

    @made.app.get("/danger")
    @fresh_login_required
    def danger():
        return current_user.id

    @made.app.get("/danger-async")
    @fresh_login_required
    async def danger_async():
        return current_user.id

    @made.app.post("/stale")
    def stale():
        login_user(made.users["ada"], fresh=False)
        return ""

    client = made.app.test_client()
    urls = ("/danger", "/danger-async")

    def statuses():
        return [client.get(url).status_code for url in urls]

    assert [401, 401] == statuses()
    client.post("/login/ada")
    assert [200, 200] == statuses()
    made.clock.now += 3599
    assert [200, 200] == statuses()
    made.clock.now += 1
    assert [401, 401] == statuses()
    assert "recent" in client.get("/danger").text
    assert 302 == client.get("/danger", headers=BROWSER).status_code
    assert "ada" == client.get("/who").text
    made.app.config["LOGIN_FRESH_LIFETIME"] = timedelta(hours=2)
    assert [200, 200] == statuses()
    made.app.config["LOGIN_FRESH_LIFETIME"] = 60
    assert [401, 401] == statuses()
    made.app.config["LOGIN_FRESH_LIFETIME"] = None
    assert [200, 200] == statuses()
    client.post("/stale")
    assert [401, 401] == statuses()


def test_decorated_view_keeps_its_name_and_says_what_it_demands():
    """A list of views can show it."""

    def view():
        """Be documented."""

    assert "view" == login_required(view).__name__
    assert "any" == login_required(view).demands_login
    assert "fresh" == fresh_login_required(view).demands_login


@pytest.mark.parametrize("wrong", [View, "view"])
def test_decorating_something_else_says_what_to_write(wrong):
    """A class is no view, nor is text."""
    with pytest.raises(TypeError, match=r"decorators|function"):
        login_required(wrong)
