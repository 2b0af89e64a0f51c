"""Dependencies in annotations of functions that nothing fills by them are refused."""

from __future__ import annotations

import asyncio
import functools
import typing as t

import pytest
from msgspec import Meta

from costrel import Blueprint, Costrel, Flask, abort, websocket
from costrel.api import BearerAuth, Depends
from costrel.dispatch.typed import check_views
from costrel.views import MethodView, View

if t.TYPE_CHECKING:
    from decimal import Decimal

    import elsewhere  # type: ignore[import-not-found]

pytestmark = pytest.mark.usefixtures("path")


def user() -> str:
    """Let nobody pass."""
    abort(403)


def of_default(name: t.Annotated[str, Depends(user)] = "anon") -> str:
    """Depend on something."""
    return name


async def of_later(name: t.Annotated[str, Depends(user)] = "anon") -> str:
    """Do so on the event loop."""
    return name


def of_part(name: t.Annotated[str, Depends(user)] | None = None) -> str:
    """Have the marker on a part."""
    return str(name)


def of_class(name: t.Annotated[str, Depends] = "anon") -> str:
    """Name the class of markers."""
    return name


def of_credentials(name: t.Annotated[str, BearerAuth()] = "anon") -> str:
    """Name credentials."""
    return name


def of_hidden_types(
    price: Decimal | None = None,
    name: t.Annotated[elsewhere.models.User | None, Depends(user)] = None,
) -> str:
    """Name types that only a type checker knows."""
    return str(name)


def as_default(name: t.Any = Depends(user)) -> str:  # noqa: B008  as it would be written
    """Write the marker as foreign frameworks do."""
    return str(name)


@functools.wraps(of_default)
def decorated(*args: t.Any, **kwargs: t.Any) -> str:
    """Wrap one."""
    return of_default(*args, **kwargs)


class Called:
    """An object."""

    __name__ = "called"

    def __call__(self, name: t.Annotated[str, Depends(user)] = "anon") -> str:
        """Answer."""
        return name


class Plain(View):
    """A class-based view."""

    def dispatch_request(self, name: t.Annotated[str, Depends(user)] = "anon") -> str:
        return name


class Items(MethodView):
    """One by method."""

    def get(self) -> str:
        return "anon"

    def options(self, name: t.Annotated[str, Depends(user)] = "anon") -> str:
        return name


VIEWS: dict[str, t.Any] = {
    "def": of_default,
    "async def": of_later,
    "part": of_part,
    "class": of_class,
    "credentials": of_credentials,
    "hidden types": of_hidden_types,
    "default": as_default,
    "decorated": decorated,
    "partial": functools.partial(of_default),
    "object": Called(),
    "bound method": Called().__call__,
    "View": Plain.as_view("plain"),
    "MethodView": Items.as_view("items"),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_that_are_not_typed_are_refused(view: t.Any) -> None:
    """On a Flask, and in a blueprint that turns typed views off; nothing runs."""
    app = Flask(__name__)
    app.add_url_rule("/", "view", view)
    typed = Costrel(__name__)
    blueprint = Blueprint("plain", __name__, typed_views=False)
    blueprint.add_url_rule("/", "view", view)
    typed.register_blueprint(blueprint)
    for one in (app, typed):
        with pytest.raises(TypeError, match=r"Dependencies are not called .*Costrel"):
            check_views(one)
        one.config["PROPAGATE_EXCEPTIONS"] = False
        for _ in range(2):
            assert one.test_client().get("/").status_code == 500


def test_other_annotations_are_left_alone() -> None:
    """Of a view that is not typed, whatever they are, and with what is filled before."""
    app = Flask(__name__)

    def show(
        n: t.Annotated[int, Meta(ge=1), user] = 1,
        x: nothing.at_all = 2,  # type: ignore[name-defined]  # noqa: F821
    ) -> str:
        return str(n)

    app.add_url_rule("/", "show", show)
    app.add_url_rule("/filled", "filled", functools.partial(of_default, name="Ada"))
    check_views(app)
    assert app.test_client().get("/").data == b"1"
    assert app.test_client().get("/filled").data == b"Ada"


@pytest.mark.parametrize("view", [of_later, as_default], ids=["annotation", "default"])
def test_websockets_are_refused(view: t.Any) -> None:
    """No handshake runs a view whose dependency would not be called."""
    app = Costrel(__name__)
    ran = []

    async def converse(*args: t.Any, **kwargs: t.Any) -> None:
        ran.append(args)
        await websocket.send("ran")

    app.websocket("/")(functools.wraps(view)(converse))
    with pytest.raises(TypeError, match="not called for WebSockets"):
        check_views(app)

    async def connect() -> None:
        async with app.async_test_client() as client, client.websocket("/") as socket:
            await socket.receive()

    with pytest.raises(Exception, match=r"not called for WebSockets|\b500\b|reject"):
        asyncio.run(connect())
    assert ran == []


@pytest.mark.parametrize("hook", [of_default, of_later, as_default])
@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_hooks_in_the_lists_are_refused(cls: type[Flask], hook: t.Any) -> None:
    """A guard in a before-hook runs, or the request does not, however it was added."""
    app = cls(__name__)
    app.before_request_funcs.setdefault(None, []).append(hook)
    app.get("/")(lambda: "ran")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    for _ in range(2):
        assert app.test_client().get("/").status_code == 500


def test_hooks_of_websockets_in_the_lists_are_refused() -> None:
    """The same before a handshake."""
    app = Costrel(__name__)
    ran = []

    @app.websocket("/")
    async def converse() -> None:
        ran.append(1)

    app.before_websocket_funcs.setdefault(None, []).append(of_later)

    async def connect() -> None:
        async with app.async_test_client() as client, client.websocket("/") as socket:
            await socket.receive()

    with pytest.raises(Exception, match=r"not called for hooks|\b500\b|reject"):
        asyncio.run(connect())
    assert ran == []
