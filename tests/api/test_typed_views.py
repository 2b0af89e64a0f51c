"""Typed views: what they take from a request, and what they send."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import wraps

import msgspec
import pytest
from msgspec import Struct
from typed_library import Book, StoredBook, make_app

from costrel import Blueprint, Costrel, Flask, Response, abort, request
from costrel import typing as ft
from costrel.api import Header, InvalidRequest
from costrel.views import MethodView, View

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


class SecretItem(Item):
    """A model with more than its base declares."""

    secret: str = "hash"


class User:
    """What no request can fill."""

    name = "Ada"


class Box(Struct):
    """A model with another in it."""

    item: Item
    items: list[Item] = []


def test_rule_fills_its_variables_and_the_query_the_others() -> None:
    """A converter's value is passed as it is; the rest comes from the query, or is the default."""
    app = Costrel(__name__)

    @app.get("/<int:number>/<name>")
    def show(number: int, name: str, limit: int = 10, tag: tuple[str, ...] = ()) -> list[str]:
        return [str(number + 1), name, str(limit), *tag]

    client = app.test_client()
    assert client.get("/1/x").json == ["2", "x", "10"]
    assert client.get("/1/x?limit=3&tag=a&tag=b&number=9").json == ["2", "x", "3", "a", "b"]


def test_same_view_for_two_rules_is_filled_by_each_as_it_has_to_be() -> None:
    """What one rule has as a variable comes from the query with the other."""
    app = Costrel(__name__)

    def show(page: int = 1) -> list[int]:
        return [page]

    app.add_url_rule("/pages", view_func=show)
    app.add_url_rule("/pages/<int:page>", view_func=show)
    client = app.test_client()
    assert client.get("/pages?page=2").json == [2]
    assert client.get("/pages/3?page=2").json == [3]


def test_status_of_the_rule_is_sent() -> None:
    """It applies to values, not to responses and tuples that have their own."""
    client = make_app().test_client()
    response = client.post("/books", json={"title": "Emma"}, headers={"X-Token": "t"})
    assert (response.status_code, response.json["title"]) == (201, "Emma t")


def test_nothing_but_what_is_declared_is_sent() -> None:
    """Neither a subclass's fields, nor those of an object inside, nor an unknown key."""
    app = Costrel(__name__)

    class Row:
        """Like a row of a database."""

        id = 4
        secret = "hash"

    values: dict[str, t.Any] = {
        "subclass": Box(SecretItem(1), [SecretItem(2)]),
        "dictionary": {"item": {"id": 1, "secret": "hash"}, "items": [SecretItem(2)]},
        "object": {"item": Row(), "items": [Row()]},
        "mixed": Box(t.cast("Item", {"id": 1, "secret": "hash"}), [SecretItem(2)]),
    }

    @app.get("/<name>")
    def show(name: str) -> Box:
        return t.cast("Box", values[name])

    client = app.test_client()
    for name in values:
        text = client.get(f"/{name}").text
        assert "hash" not in text
        assert "secret" not in text
        assert msgspec.json.decode(text, type=Box)


def test_value_that_does_not_fit_is_an_error_and_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    """The client gets a 500 without it; the log has the view and the path in the value."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> Box:
        return Box(t.cast("Item", {"id": "hash"}))

    response = app.test_client().get("/")
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert "hash" not in response.text
    assert "$.item.id" in caplog.text
    assert "show" in caplog.text


def test_response_and_tuple_are_sent_as_in_flask() -> None:
    """A response is not filtered, which it says itself; of a tuple, the value is."""
    app = Costrel(__name__)

    @app.get("/tuple")
    def as_tuple() -> Item:
        return t.cast("Item", (SecretItem(1), 202, {"X-Name": "value"}))

    @app.get("/response")
    def as_response() -> Item:
        return t.cast("Item", Response("text"))

    client = app.test_client()
    response = client.get("/tuple")
    assert (response.status_code, response.headers["X-Name"]) == (202, "value")
    assert response.json == {"id": 1}
    assert client.get("/response").text == "text"


class StoredRow(t.TypedDict):
    """A row of a database, of which Flask would send every key."""

    id: int


ROW: t.Any = {"id": 1, "secret": "hash"}


@pytest.mark.parametrize(
    ("annotation", "value", "status"),
    [
        (tuple[StoredRow, int], (ROW, 202), 202),
        (tuple[StoredRow, int, dict[str, str]], (ROW, 202, {}), 202),
        (tuple[StoredRow, dict[str, str]], (ROW, {}), 200),
        (tuple[Item, int], (SecretItem(1), 202), 202),
        (StoredRow | tuple[StoredRow, int], ROW, 200),
        (StoredRow | tuple[str, int], ROW, 200),
        (StoredRow | str, ROW, 200),
        (StoredRow | Response, ROW, 200),
        (StoredRow | Response | None, (ROW, 202), 202),
        (t.Annotated[StoredRow | Response, "read from the database"], ROW, 200),
        (list[StoredRow] | dict[str, t.Any], [ROW], 200),
    ],
    ids=str,
)
def test_only_declared_fields_are_sent_beside_other_returns(
    annotation: t.Any, value: t.Any, status: int
) -> None:
    """A status in the annotation, or a response or text as an alternative, opens no gap."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return value

    show.__annotations__["return"] = annotation
    app.add_url_rule("/", view_func=show)
    response = app.test_client().get("/")
    assert response.status_code == status
    assert "hash" not in response.text


@pytest.mark.parametrize("value", ["text", ("text", 202), Response("text")], ids=repr)
def test_declared_text_is_sent_as_text(value: t.Any) -> None:
    """Although the view may return data too."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> Item | str | Response | tuple[str, int]:
        return t.cast("str", value)

    response = app.test_client().get("/")
    assert response.text == "text"
    assert response.mimetype == "text/html"


def test_view_that_returns_none_by_declaration_answers_204() -> None:
    """The body is empty."""
    response = make_app().test_client().delete("/books/1")
    assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize("annotation", [dict, t.Any, t.Mapping, "dict[str, t.Any]"])
def test_annotations_of_flask_change_nothing(annotation: t.Any) -> None:
    """Such a view's value is what Flask makes of it."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return {"b": 1, "a": 2}

    show.__annotations__["return"] = annotation
    app.add_url_rule("/", view_func=show)
    assert app.test_client().get("/").text == '{"a":2,"b":1}\n'


def test_untyped_application_is_not_touched() -> None:
    """On `Flask`, annotations mean nothing until the setting says so."""
    app = Flask(__name__)

    def show(limit: int = 10) -> Item:
        return t.cast("Item", {"id": limit, "more": 1})

    app.add_url_rule("/", view_func=show)
    client = app.test_client()
    assert client.get("/?limit=3").json == {"id": 10, "more": 1}
    app.config["TYPED_VIEWS"] = True
    assert client.get("/?limit=3").json == {"id": 3}
    with pytest.raises(TypeError, match="status=201 is for typed views"):
        Flask(__name__).get("/", status=201)(show)


def test_parameter_without_annotation_is_never_filled() -> None:
    """It is a decorator's or a mistake, but never the client's."""
    app = Costrel(__name__)

    @app.get("/")
    def show(limit=10) -> list[int]:  # type: ignore[no-untyped-def]
        return [limit]

    assert app.test_client().get("/?limit=3").json == [10]


def test_decorator_is_looked_through_and_called() -> None:
    """A decorator with `functools.wraps` gets the arguments, and may add its own."""
    app = Costrel(__name__)

    def with_user(view: t.Any) -> t.Any:
        @wraps(view)
        def call(**values: t.Any) -> t.Any:
            if request.headers.get("X-Deny"):
                abort(403)
            return view(user=User(), **values)

        return call

    @app.get("/")
    @with_user
    def show(user: User, limit: int = 10) -> list[str]:
        return [user.name, str(limit)]

    client = app.test_client()
    assert client.get("/?limit=3").json == ["Ada", "3"]
    denied = client.get("/", headers={"X-Deny": "1"})
    assert (denied.status_code, denied.content_type) == (403, "application/problem+json")


def test_class_based_views_are_typed_by_method() -> None:
    """Sync and async methods of the same class; HEAD takes what GET takes."""
    app = Costrel(__name__)

    class Items(MethodView):
        """A method view."""

        def get(self, n: int = 1) -> Item:
            return SecretItem(n)

        async def post(self, item: Item) -> Item:
            return item

    class Sums(View):
        """A view with one method."""

        methods: t.ClassVar[list[str]] = ["GET", "POST"]

        def dispatch_request(self, a: int, b: int = 2) -> t.Any:
            return [a + b]

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/sums/<int:a>", view_func=Sums.as_view("sums"))
    client = app.test_client()
    assert client.get("/items?n=5").json == {"id": 5}
    assert client.head("/items?n=5").status_code == 200
    assert client.get("/items?n=x").status_code == 422
    assert client.post("/items", json={"id": 1, "more": 2}).json == {"id": 1}
    assert client.post("/items", json={"id": "1"}).status_code == 422
    assert client.get("/sums/1?b=4").json == [5]


def test_views_of_blueprints_are_typed() -> None:
    """With the prefix's variable filled by the rule."""
    app = Costrel(__name__)
    blueprint = Blueprint("api", __name__, url_prefix="/api/<version>")

    @blueprint.get("/items", status=202)
    def show(version: str, limit: int = 10) -> dict[str, str]:
        return {"version": version, "limit": str(limit)}

    app.register_blueprint(blueprint)
    response = app.test_client().get("/api/v1/items?limit=3&version=v9")
    assert (response.status_code, response.json) == (202, {"version": "v1", "limit": "3"})


def test_view_replaced_after_the_first_request_is_typed_anew() -> None:
    """Extensions wrap registered views at any time."""
    app = Costrel(__name__)

    @app.get("/")
    def show(limit: int = 10) -> list[int]:
        return [limit]

    client = app.test_client()
    assert client.get("/?limit=3").json == [3]

    def other(limit: str = "") -> list[str]:
        return [limit]

    app.view_functions["show"] = other
    assert client.get("/?limit=3").json == ["3"]


def test_error_handler_still_wins() -> None:
    """A handler gets the error with everything that is wrong."""
    app = make_app()

    @app.errorhandler(InvalidRequest)
    def show(error: InvalidRequest) -> tuple[str, int]:
        return " ".join(item.pointer for item in error.errors), 400

    response = app.test_client().get("/books?limit=x&level=9")
    assert (response.status_code, response.text) == (400, "/limit /level")


def test_errors_are_pages_once_typed_views_are_turned_off() -> None:
    """What was compiled before the setting changed counts no longer."""
    app = make_app()

    @app.get("/gone")
    def gone() -> Item:
        abort(410)

    client = app.test_client()
    assert client.get("/gone").content_type == "application/problem+json"
    app.config["TYPED_VIEWS"] = False
    assert client.get("/gone").content_type.startswith("text/html")


def test_error_of_a_page_is_a_page() -> None:
    """A view that declares no JSON gets an HTML page, with the values escaped."""
    response = make_app().test_client().get("/page?n=<b>")
    assert response.status_code == 422
    assert response.content_type.startswith("text/html")
    assert "query /n: Expected `int`" in response.text


def test_headers_are_named_as_clients_send_them() -> None:
    """Underscores are hyphens, lists are split at commas."""
    client = make_app().test_client()
    headers = {"X-Number": "3", "Accept-Language": "de, en"}
    assert client.get("/headers", headers=headers).json == ["3", "de", "en"]


def test_query_can_be_one_model() -> None:
    """Its fields are the parameters."""
    client = make_app().test_client()
    client.set_cookie("session-id", "2")
    assert client.get("/filtered?since=2020-01-02&limit=4").json == {
        "since": "2020-01-02",
        "limit": 6,
    }


def test_unset_tells_absent_from_null() -> None:
    """Only what the client has sent is set."""
    client = make_app().test_client()
    assert "note" not in client.put("/books/1", json={"title": "Emma"}).json
    assert client.put("/books/1", json={"title": "Emma", "note": "x"}).json["note"] == "x"
    response = client.put("/books/1", json={"title": "Emma", "note": None})
    assert response.json["errors"][0]["pointer"] == "/note"


def test_struct_is_filtered_by_its_own_type() -> None:
    """The example of the documentation."""
    response = make_app().test_client().get("/books/3")
    assert msgspec.json.decode(response.data, type=Book).id == 3
    assert "password_hash" not in response.json
    assert StoredBook(id=1, title="x").password_hash == "secret"


Unknown = t.TypeVar("Unknown")


def two_bodies(a: Item, b: Item) -> None:
    """Take two documents."""


def body_on_get(item: Item) -> None:
    """Take a document from a GET request."""


def custom_class(value: pytest.Item) -> None:
    """Take what no request has."""


def two_markers(value: t.Annotated[str, Header(), Header(alias="x")]) -> None:
    """Say twice where it comes from."""


def object_in_header(value: t.Annotated[dict[str, int], Header()]) -> None:
    """Take an object from text."""


def unknown_name(value: t.Any) -> None:
    """Have an annotation that is not there."""


unknown_name.__annotations__["value"] = "Missing"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (two_bodies, "'a' and 'b' take the body"),
        (body_on_get, "'item' takes the body, but requests with GET"),
        (custom_class, "'value' can't be filled from a request"),
        (two_markers, r"can't both say .* Keep one of them, as in Annotated\[\.\.\., Header\(\)\]"),
        (object_in_header, "'Value' has a type that text can't stand for"),
        (unknown_name, "name 'Missing' is not defined"),
    ],
)
def test_annotation_that_cannot_be_used_names_the_view(view: t.Any, said: str) -> None:
    """The error says what is wrong, in which view, file and line, and for which rule."""
    app = Costrel(__name__)
    app.testing = True
    methods = ["POST"] if view is two_bodies else ["GET"]
    app.add_url_rule("/path", view_func=view, methods=methods)
    with pytest.raises(TypeError, match=said) as caught:
        app.test_client().open("/path", method=methods[0])
    assert f"{view.__name__} (" in str(caught.value)
    assert "test_typed_views.py:" in str(caught.value)
    assert "'/path'" in str(caught.value)


@dataclass
class One:
    """A dataclass that has no tag."""

    id: int


@dataclass
class Other:
    """Another."""

    name: str


@pytest.mark.parametrize(
    "annotation", [One | Other, list[One | Other], dict[str, One | User], list[Item | One]]
)
def test_return_annotation_that_cannot_filter_is_refused(annotation: t.Any) -> None:
    """SECURITY: otherwise everything that the value has would be sent."""
    app = Costrel(__name__)
    app.testing = True

    def show() -> t.Any:
        return {"id": 1, "secret": "hash"}

    show.__annotations__["return"] = annotation
    app.add_url_rule("/", view_func=show)
    with pytest.raises(TypeError, match=r"can't be filtered by what it returns.*show \(.*\.py:"):
        app.test_client().get("/")


def test_flasks_own_return_annotations_filter_nothing():
    """What Flask's code is annotated with says that Flask's rules send what is returned."""
    app = Costrel(__name__)

    @app.get("/")
    def show(n: int = 1) -> ft.ResponseReturnValue:
        return {"n": n}, 201

    @app.get("/text")
    def text() -> ft.ResponseValue:
        return "text"

    client = app.test_client()
    assert (client.get("/?n=2").json, client.get("/?n=2").status_code) == ({"n": 2}, 201)
    assert client.get("/?n=x").status_code == 422
    assert client.get("/text").text == "text"
