"""Dependencies of typed views: what fills their parameters, in which order, and how often.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import asyncio
import threading
import typing as t
from functools import partial

import pytest
from msgspec import Struct

from costrel import Blueprint, Costrel, abort, g, request, session
from costrel.api import Depends, Header
from costrel.globals import request_ctx
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


class Paging:
    """A class whose parameters come from the query."""

    def __init__(self, page: int = 1, size: int = 20) -> None:
        self.start = (page - 1) * size


class Adding:
    """An object that is called."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, n: int) -> int:
        return self.number + n


class AddingLater(Adding):
    """An object that is called, and awaited."""

    async def __call__(self, n: int) -> int:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.number + n


def add(n: int, to: int = 1) -> int:
    """Add a number from the query."""
    return to + n


async def add_later(n: int) -> int:
    """Do the same, with a pause."""
    await asyncio.sleep(0)
    return 1 + n


def add_and_yield(n: int) -> t.Iterator[int]:
    """Do the same, in a generator."""
    yield 1 + n


async def add_later_and_yield(n: int) -> t.AsyncIterator[int]:
    """Do the same, in an async generator."""
    await asyncio.sleep(0)
    yield 1 + n


CALLABLES: dict[str, t.Any] = {
    "function": add,
    "coroutine function": add_later,
    "generator function": add_and_yield,
    "async generator function": add_later_and_yield,
    "object": Adding(1),
    "async object": AddingLater(1),
    "bound method": Adding(1).__call__,
    "partial": partial(add, to=1),
    "partial of a coroutine function": partial(add_later),
}


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("kind", CALLABLES)
def test_any_callable_fills_a_parameter(kind: str, is_async: bool) -> None:
    """Sync or async, of a sync or an async view; its own parameters come from the request."""
    app = Costrel(__name__)
    Added = t.Annotated[int, Depends(CALLABLES[kind])]  # noqa: N806  a type

    def show(added: Added) -> list[int]:
        return [added]

    async def show_later(added: Added) -> list[int]:
        return [added]

    app.add_url_rule("/", view_func=show_later if is_async else show)
    client = app.test_client()
    for _ in range(2):
        assert client.get("/?n=3&to=9").json == [12 if kind == "function" else 4]
    response = client.get("/?n=x")
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/n"


def test_class_fills_a_parameter_with_an_instance() -> None:
    """Its constructor's parameters come from the query."""
    app = Costrel(__name__)

    @app.get("/")
    def show(paging: t.Annotated[Paging, Depends(Paging)]) -> list[int]:
        return [paging.start]

    assert app.test_client().get("/?page=3&size=5").json == [10]


def test_dependencies_depend_on_others_and_on_the_rule() -> None:
    """A variable of the rule is passed by name, to a view only if that names it."""
    app = Costrel(__name__)
    items = {1: Item(1)}

    def find_item(item_id: int) -> Item:
        return items.get(item_id) or abort(404)

    def check_owner(
        item: t.Annotated[Item, Depends(find_item)], x_owner: t.Annotated[str, Header()]
    ) -> Item:
        return item if x_owner == "ada" else abort(403)

    @app.get("/items/<int:item_id>")
    def show(item: t.Annotated[Item, Depends(check_owner)]) -> Item:
        return item

    @app.get("/named/<int:item_id>")
    def show_named(item_id: int, item: t.Annotated[Item, Depends(find_item)]) -> list[int]:
        return [item_id, item.id]

    client = app.test_client()
    assert client.get("/items/1", headers={"X-Owner": "ada"}).json == {"id": 1}
    denied = client.get("/items/1", headers={"X-Owner": "bob"})
    assert (denied.status_code, denied.content_type) == (403, "application/problem+json")
    assert client.get("/items/2", headers={"X-Owner": "ada"}).status_code == 404
    assert client.get("/named/1").json == [1, 1]


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_everything_that_is_wrong_is_reported_before_anything_is_called(is_async: bool) -> None:
    """For the view and all dependencies; what two take alike is wrong once."""
    app = Costrel(__name__)
    called: list[str] = []

    def outer(limit: int, x_token: t.Annotated[str, Header()]) -> None:
        called.append("outer")

    async def later() -> None:
        called.append("later")

    last: t.Any = later if is_async else Adding(1)

    @app.post("/", dependencies=[Depends(outer)])
    def show(item: Item, limit: int, filled: t.Annotated[t.Any, Depends(last)]) -> Item:
        called.append("view")
        return item

    response = app.test_client().post("/?limit=x&n=y", json={"id": "1"})
    assert response.status_code == 422
    found = [(error["in"], error["pointer"]) for error in response.json["errors"]]
    wrong = {("query", "/limit"), ("header", "/X-Token"), ("body", "/id")}
    assert set(found) == (wrong if is_async else wrong | {("query", "/n")})
    assert len(found) == len(set(found))
    assert called == []


def test_dependency_is_called_once_unless_it_says_otherwise() -> None:
    """By the application, a nested dependency and the view; in each request anew."""
    counted = iter(range(100))

    def count() -> int:
        return next(counted)

    Shared = t.Annotated[int, Depends(count)]  # noqa: N806  a type
    Own = t.Annotated[int, Depends(count, use_cache=False)]  # noqa: N806  a type

    def nested(number: Shared, own: Own) -> list[int]:
        return [number, own]

    app = Costrel(__name__, dependencies=[Depends(count)])

    @app.get("/")
    def show(
        number: Shared, numbers: t.Annotated[list[int], Depends(nested)], own: Own
    ) -> list[int]:
        return [number, *numbers, own]

    client = app.test_client()
    assert client.get("/").json == [0, 0, 1, 2]
    assert client.get("/").json == [3, 3, 4, 5]


def test_methods_of_one_object_are_one_dependency() -> None:
    """Each access to a method makes a new object, which is equal to the others."""
    app = Costrel(__name__)

    class Counter:
        count = 0

        def next(self) -> int:
            self.count += 1
            return self.count

    counter = Counter()

    @app.get("/")
    def show(
        a: t.Annotated[int, Depends(counter.next)], b: t.Annotated[int, Depends(counter.next)]
    ) -> list[int]:
        return [a, b]

    assert app.test_client().get("/").json == [1, 1]


def test_groups_run_before_the_view_from_the_outside_in() -> None:
    """The application's, the blueprints', the rule's, then those of the parameters."""
    order: list[str] = []

    def note(name: str) -> t.Any:
        return Depends(partial(order.append, name))

    app = Costrel(__name__, dependencies=[note("app")])
    outer = Blueprint("outer", __name__, url_prefix="/outer", dependencies=[note("outer")])
    inner = Blueprint("inner", __name__, dependencies=[note("inner"), note("inner too")])

    @inner.get("/", dependencies=[note("rule")])
    def show(value: t.Annotated[None, note("parameter")]) -> list[str]:
        order.append("view")
        return []

    @app.get("/")
    def index() -> list[str]:
        return []

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    client = app.test_client()
    assert client.get("/outer/").status_code == 200
    assert order == ["app", "outer", "inner", "inner too", "rule", "parameter", "view"]
    order.clear()
    client.get("/")
    assert order == ["app"]


def refuse() -> None:
    """Let no request pass."""
    abort(403)


def test_no_view_of_a_group_is_left_out(tmp_path: t.Any) -> None:
    """Views without annotations, objects, files and all methods of a class are guarded too."""
    (tmp_path / "a.txt").write_text("a")
    app = Costrel(
        __name__,
        static_folder=tmp_path,
        static_url_path="/static",
        dependencies=[Depends(refuse)],
    )

    class Answer:
        __name__ = "answer"

        def __call__(self) -> str:
            return "called"

    class Items(MethodView):
        def get(self):
            return "called"

        async def post(self):
            return "called"

    class Heads(MethodView):
        methods = ("HEAD", "OPTIONS")
        provide_automatic_options = False

        def head(self):
            return "called"

        def options(self):
            return "called"

    app.get("/plain", endpoint="plain")(lambda: "called")
    app.get("/async", endpoint="async")(_answer_later)
    app.add_url_rule("/object", view_func=Answer())
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/heads", view_func=Heads.as_view("heads"))
    client = app.test_client()
    for method, url in (
        ("GET", "/plain"), ("HEAD", "/plain"), ("GET", "/async"), ("GET", "/object"),
        ("GET", "/items"), ("HEAD", "/items"), ("POST", "/items"), ("HEAD", "/heads"),
        ("OPTIONS", "/heads"), ("GET", "/static/a.txt"),
    ):  # fmt: skip
        assert client.open(url, method=method).status_code == 403, (method, url)
    # Methods are no secret, and browsers ask for them without credentials.
    assert client.options("/plain").status_code == 200


async def _answer_later():
    return "called"


def test_documentation_is_not_guarded() -> None:
    """A browser has no credentials before the page has asked for them."""
    app = Costrel(__name__, dependencies=[Depends(refuse)])
    app.config["DOCS_PATH"] = "/docs"
    app.get("/", endpoint="index")(lambda: "called")
    client = app.test_client()
    assert client.get("/").status_code == 403
    assert client.get("/openapi.json").status_code == 200
    assert client.get("/docs").status_code == 200


def test_class_based_views_have_dependencies_by_method() -> None:
    """Of sync and async methods, and of the class as a whole."""
    app = Costrel(__name__)

    class Items(MethodView):
        def get(self, added: t.Annotated[int, Depends(add)]) -> list[int]:
            return [added]

        async def post(self, added: t.Annotated[int, Depends(add_later)]) -> list[int]:
            return [added]

        def delete(self, n: int = 0) -> list[int]:
            return [n]

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    client = app.test_client()
    assert client.get("/items?n=1").json == [2]
    assert client.post("/items?n=2").json == [3]
    assert client.delete("/items?n=3").json == [3]
    assert client.get("/items?n=x").status_code == 422


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_request_g_and_session_work_in_dependencies(is_async: bool) -> None:
    """What a dependency sets there, the view and the client see."""
    app = Costrel(__name__)
    app.secret_key = "test"

    def set_all() -> str:
        g.user = request.args["user"]
        session["user"] = g.user
        return str(request.url_rule)

    async def set_all_later() -> str:
        return set_all()

    function = set_all_later if is_async else set_all

    @app.get("/set")
    def show(rule: t.Annotated[str, Depends(function)]) -> list[str]:
        return [rule, g.user]

    @app.get("/session")
    def show_session() -> list[str]:
        return [session["user"]]

    client = app.test_client()
    assert client.get("/set?user=ada").json == ["/set", "ada"]
    assert client.get("/session").json == ["ada"]


def test_body_may_be_a_dependency_s() -> None:
    """If the view does not take it."""
    app = Costrel(__name__)

    def double(item: Item) -> Item:
        return Item(item.id * 2)

    @app.post("/")
    def add_item(item: t.Annotated[Item, Depends(double)]) -> Item:
        return item

    assert app.test_client().post("/", json={"id": 4}).json == {"id": 8}


def test_view_without_annotations_of_its_own_keeps_its_pages() -> None:
    """Only what a view declares makes an API of it, not what its application depends on."""
    app = Costrel(__name__, dependencies=[Depends(refuse)])

    @app.get("/")
    def show(name="x"):
        return name

    response = app.test_client().get("/?name=y")
    assert response.status_code == 403
    assert response.content_type.startswith("text/html")


def test_sync_dependencies_of_an_async_view_run_in_a_thread(planned: None) -> None:
    """Consecutive ones share a thread; async ones run on the loop."""
    app = Costrel(__name__)
    ran: list[tuple[str, bool]] = []

    def note(name: str) -> None:
        ran.append((name, asyncio._get_running_loop() is not None))

    def first() -> int:
        note("first")
        return threading.get_ident()

    def second() -> int:
        note("second")
        return threading.get_ident()

    async def third() -> None:
        note("third")

    @app.get("/")
    def show(
        a: t.Annotated[int, Depends(first)],
        b: t.Annotated[int, Depends(second)],
        c: t.Annotated[None, Depends(third)],
    ) -> list[bool]:
        note("view")
        return [a == b]

    assert app.test_client().get("/").json == [True]
    assert ran == [("first", False), ("second", False), ("third", True), ("view", False)]


def test_async_dependency_puts_a_sync_view_on_the_loop(planned: None) -> None:
    """Once it is known, requests under ASGI wait for it in no thread."""
    app = Costrel(__name__)

    async def pause() -> None:
        await asyncio.sleep(0)

    @app.get("/")
    def show(value: t.Annotated[None, Depends(pause)]) -> list[bool]:
        return [bool(request_ctx.on_loop)]

    async def ask_twice() -> list[t.Any]:
        client = app.async_test_client()
        return [(await client.get("/")).json for _ in range(2)]

    assert asyncio.run(ask_twice()) == [[False], [True]]
