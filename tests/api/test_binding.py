"""What fills the parameters of typed views, and what is refused when they are compiled."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field
from functools import wraps

import attrs
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from costrel import Costrel, Flask, Request, stream_body
from costrel.api import Body, Cookie, File, Form, Header, Path, Query, UploadedFile
from costrel.dispatch.typed import check_views, typed_view

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


class Paging(Struct):
    """A part of a query."""

    page: int = 1
    size: int = 20


class Trace(Struct, rename={"span_id": "span-id"}):
    """A set of headers."""

    x_request_id: str
    span_id: int = 0
    accept: list[str] = []


class Address(t.NamedTuple):
    """An array with names."""

    street: str
    number: int = 1


def test_rule_variable_is_checked_where_its_annotation_says_more() -> None:
    """By its constraints, with or without a marker; what a converter makes is passed on."""
    app = Costrel(__name__)

    @app.get("/<int:n>/<int:m>")
    def show(
        n: t.Annotated[int, Meta(le=5)], m: t.Annotated[int, Path(description="M")]
    ) -> list[int]:
        return [n, m]

    client = app.test_client()
    assert client.get("/5/9").json == [5, 9]
    response = client.get("/6/9")
    assert response.status_code == 422
    assert response.json["errors"] == [
        {"in": "path", "pointer": "/n", "detail": "Expected `int` <= 5"}
    ]


def test_marked_rule_variable_is_converted() -> None:
    """Its text is read as that of a query."""
    app = Costrel(__name__)

    @app.get("/<day>")
    async def show(day: t.Annotated[dt.date, Path()]) -> list[int]:
        return [day.year]

    client = app.test_client()
    assert client.get("/2020-01-02").json == [2020]
    assert client.get("/2020").status_code == 422


def test_alias_is_the_name_that_clients_send() -> None:
    """In each place, and in errors; one with a slash is escaped in pointers."""
    app = Costrel(__name__)

    @app.get("/")
    def show(
        size: t.Annotated[int, Query(alias="page/size")],
        key: t.Annotated[str, Header(alias="Api-Key")],
        login: t.Annotated[str, Cookie(alias="log-in")],
    ) -> list[str]:
        return [str(size), key, login]

    client = app.test_client()
    client.set_cookie("log-in", "c")
    assert client.get("/?page/size=3", headers={"Api-Key": "k"}).json == ["3", "k", "c"]
    response = client.get("/?page/size=x&size=3", headers={"Key": "k"})
    assert [(one["in"], one["pointer"]) for one in response.json["errors"]] == [
        ("query", "/page~1size"),
        ("header", "/Api-Key"),
    ]


def test_models_and_single_values_share_a_place() -> None:
    """The fields of a model are parameters like the others."""
    app = Costrel(__name__)

    @app.get("/")
    def show(paging: t.Annotated[Paging, Query()], q: str = "") -> list[str]:
        return [str(paging.page), str(paging.size), q]

    client = app.test_client()
    assert client.get("/?q=x&page=2").json == ["2", "20", "x"]
    response = client.get("/?q=x&page=y&size=z")
    assert [one["pointer"] for one in response.json["errors"]] == ["/page", "/size"]


def test_headers_can_be_one_model() -> None:
    """Names are made from those of the fields; lists are split."""
    app = Costrel(__name__)

    @app.get("/")
    def show(trace: t.Annotated[Trace, Header()]) -> list[str]:
        return [trace.x_request_id, str(trace.span_id), *trace.accept]

    client = app.test_client()
    headers = {"X-Request-Id": "r", "Span-Id": "7", "Accept": "text/html, */*"}
    assert client.get("/", headers=headers).json == ["r", "7", "text/html", "*/*"]
    response = client.get("/", headers={"Span-Id": "x"})
    assert {one["pointer"] for one in response.json["errors"]} == {"/X-Request-Id", "/Span-Id"}


def test_optional_model_is_its_default_without_values() -> None:
    """None tells that no field was sent."""
    app = Costrel(__name__)

    @app.get("/")
    def show(paging: t.Annotated[Paging | None, Query()] = None) -> list[int]:
        return [] if paging is None else [paging.page]

    client = app.test_client()
    assert client.get("/").json == []
    assert client.get("/?size=3").json == [1]


def test_unset_tells_what_the_query_does_not_have() -> None:
    """As it does in a body."""
    app = Costrel(__name__)

    @app.get("/")
    def show(q: str | UnsetType = UNSET) -> list[str]:
        return [] if q is UNSET else [t.cast("str", q)]

    client = app.test_client()
    assert client.get("/").json == []
    assert client.get("/?q=").json == [""]


def test_of_several_cookies_of_one_name_the_first_counts() -> None:
    """A browser sends those of several paths."""
    app = Costrel(__name__)

    @app.get("/")
    def show(n: t.Annotated[int, Cookie()]) -> list[int]:
        return [n]

    client = app.test_client(use_cookies=False)
    assert client.get("/", headers={"Cookie": "n=1; n=2"}).json == [1]


def test_mutable_default_is_new_for_each_request() -> None:
    """What a view adds to it, the next request does not see."""
    app = Costrel(__name__)

    @app.get("/")
    def show(tag: list[str] = ["a"]) -> list[str]:  # noqa: B006
        tag.append("b")
        return tag

    client = app.test_client()
    assert client.get("/").json == client.get("/").json == ["a", "b"]


def test_named_tuple_and_tuple_are_arrays_in_a_body() -> None:
    """They can be fields, and the body if it is marked."""
    app = Costrel(__name__)

    @app.post("/")
    def show(address: t.Annotated[Address, Body()]) -> list[str]:
        return [address.street, str(address.number)]

    client = app.test_client()
    assert client.post("/", json=["x", 2]).json == ["x", "2"]
    assert client.post("/", json=["x"]).json == ["x", "1"]
    response = client.post("/", json=[1, "x"])
    assert [one["pointer"] for one in response.json["errors"]] == ["/0", "/1"]


def test_unknown_query_is_refused_where_the_setting_says_so() -> None:
    """In views that take or declare something; a view that takes none reads it itself."""
    app = Costrel(__name__)
    app.config["QUERY_UNKNOWN"] = "refuse"

    @app.get("/items")
    def list_items(limit: int = 10) -> list[Item]:
        return []

    @app.delete("/items/<int:item_id>")
    def delete_item(item_id: int) -> None:
        del item_id

    @app.get("/page")
    def page() -> str:
        return "text"

    client = app.test_client()
    assert client.get("/items?limit=3").status_code == 200
    response = client.get("/items?limt=3&more=1")
    assert response.json["errors"] == [
        {"in": "query", "pointer": "/limt", "detail": "Unknown parameter"},
        {"in": "query", "pointer": "/more", "detail": "Unknown parameter"},
    ]
    assert client.delete("/items/1").status_code == 204
    assert client.delete("/items/1?force=1").status_code == 422
    assert client.get("/page?utm_source=x").text == "text"


def test_names_are_shared_by_bindings_of_one_request() -> None:
    """A dependency's parameter is known to the view's model that forbids others."""
    from costrel.api.binding import bind, share_names

    class Strict(Struct, forbid_unknown_fields=True):
        n: int = 1

    app = Costrel(__name__)

    def view(strict: t.Any) -> None: ...

    def dependency(limit: int = 10) -> None: ...

    one = bind(view, {"strict": t.Annotated[Strict, Query()]}, (), ("GET",))
    other = bind(dependency, {"limit": int}, (), ("GET",))
    assert one is not None
    assert other is not None
    share_names([other, one])
    for query, wanted in {"n=1&limit=2": [], "more=1": ["/more"]}.items():
        with app.test_request_context(f"/?{query}"):
            errors: list[t.Any] = []
            one.read(errors)
            other.read(errors)
            assert [error.pointer for error in errors] == wanted


def test_entries_say_what_clients_send() -> None:
    """By them the operation is documented."""
    app = Costrel(__name__)

    @app.post("/<int:n>")
    def show(
        n: t.Annotated[int, Path(description="The number")],
        x_token: t.Annotated[str, Header(examples=["t"], deprecated=True)],
        paging: t.Annotated[Paging, Query()],
        item: Item,
    ) -> None: ...

    rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "show")
    binding = typed_view(app, rule).operations[0].binding
    assert binding is not None
    entries = {entry.name: entry for entry in binding.entries}
    assert [entry.marker.place for entry in binding.entries] == ["path", "header", "query", "body"]
    assert entries["n"].marker.description == "The number"
    assert entries["x_token"].key == "X-Token"
    assert entries["x_token"].marker.deprecated
    assert list(entries["x_token"].marker.examples) == ["t"]
    assert entries["paging"].is_whole
    assert not entries["item"].is_whole


Unhashable = t.Annotated[str, Header(examples=["a"])]


def test_marker_with_a_list_can_be_used_in_annotations() -> None:
    """Python hashes annotations."""
    assert hash(Unhashable)


@dataclass
class Card:
    """A dataclass without a tag."""

    number: str


@dataclass
class Transfer:
    """Another."""

    iban: str


WRONG: t.Any = ["a"]


def json_and_form(item: Item, caption: t.Annotated[str, Form()]) -> None:
    """Be refused."""


def json_and_file(item: Item, cover: UploadedFile) -> None:
    """Be refused."""


def form_on_get(caption: t.Annotated[str, Form()]) -> None:
    """Be refused."""


def file_on_get(cover: UploadedFile) -> None:
    """Be refused."""


def file_of_text(cover: t.Annotated[str, File()]) -> None:
    """Be refused."""


def same_name(a: int, b: t.Annotated[int, Query(alias="a")]) -> None:
    """Be refused."""


def same_header(x_a: t.Annotated[str, Header()], b: t.Annotated[str, Header(alias="X-a")]) -> None:
    """Be refused."""


def same_field(paging: t.Annotated[Paging, Query()], page: int = 1) -> None:
    """Be refused."""


def query_of_variable(n: t.Annotated[int, Query()]) -> None:
    """Be refused."""


def text_for_int(n: int) -> None:
    """Be refused."""


def text_for_date(n: dt.date) -> None:
    """Be refused."""


def no_such_variable(m: t.Annotated[int, Path()]) -> None:
    """Be refused."""


def marker_inside(q: t.Annotated[str, Header()] | None = None) -> None:
    """Be refused."""


def marker_as_default(q: str = t.cast("str", Header())) -> None:
    """Be refused."""


def wrong_default(limit: int = t.cast("int", "10")) -> None:
    """Be refused."""


def wrong_list(tag: list[int] = WRONG) -> None:
    """Be refused."""


def default_out_of_range(limit: t.Annotated[int, Meta(ge=1)] = 0) -> None:
    """Be refused."""


def untold_union(payment: Card | Transfer) -> None:
    """Be refused."""


def takes_request(request: Request) -> None:
    """Be refused."""


@stream_body
def streams(item: Item) -> None:
    """Be refused."""


@pytest.mark.parametrize(
    ("view", "method", "said"),
    [
        (json_and_form, "POST", "'item' takes the body as JSON, and 'caption' as a form"),
        (json_and_file, "POST", "'item' takes the body as JSON, and 'cover' as a form"),
        (form_on_get, "GET", "'caption' takes the body, but requests with GET have none"),
        (file_on_get, "GET", "'cover' takes the body, but requests with GET have none"),
        (file_of_text, "POST", "'cover' is marked File\\(\\), but it is no file"),
        (same_name, "GET", "'a' and 'b' are both filled from 'a' of the query"),
        (same_header, "GET", "'x_a' and 'b' are both filled from 'X-a' of the header"),
        (same_field, "GET", "'paging' and 'page' are both filled from 'page' of the query"),
        (
            query_of_variable,
            "GET",
            "'n' is marked Query\\(\\), but the rule's variable <n> fills it",
        ),
        (text_for_int, "GET", "'n' is annotated as int, .* makes a str of it. Write <int:n>"),
        (
            text_for_date,
            "GET",
            "'n' is annotated as date, .* mark it Annotated\\[date, Path\\(\\)\\]",
        ),
        (no_such_variable, "GET", "'m' is marked Path\\(\\), but the rule has no variable <m>"),
        (marker_inside, "GET", "is inside of .* Put it around all of it"),
        (marker_as_default, "GET", "'q' has a marker as its default. Write q: Annotated"),
        (wrong_default, "GET", "The default of 'limit', '10', is none that a client could send"),
        (wrong_list, "GET", "The default of 'tag', \\['a'\\], is none that a client could send"),
        (default_out_of_range, "GET", "Expected `int` >= 1"),
        (
            untold_union,
            "POST",
            r"'payment' can't be filled: .*\. Make them structs with a tag each",
        ),
        (takes_request, "GET", "'request' is not filled with the request. Import `request`"),
        (streams, "POST", "'item' takes the body, but with @stream_body"),
    ],
)
def test_contradiction_is_an_error_that_names_the_view(view: t.Any, method: str, said: str) -> None:
    """When the application's views are checked: with its name, file, line and what to write."""
    app = Costrel(__name__)
    path = "/<n>" if "n" in view.__annotations__ else "/"
    app.add_url_rule(path, view_func=view, methods=[method])
    with pytest.raises(TypeError, match=f"(?s){said}") as caught:
        check_views(app)
    assert f"{view.__name__} (" in str(caught.value)
    assert "test_binding.py:" in str(caught.value)
    assert f"{path!r}" in str(caught.value)


def test_all_views_that_cannot_be_used_are_named_at_once() -> None:
    """Views that are not typed have nothing but markers to check."""
    app = Costrel(__name__)
    app.add_url_rule("/<n>", view_func=text_for_int)
    app.add_url_rule("/same", view_func=same_name)
    app.add_url_rule("/untyped", view_func=lambda: "text", endpoint="untyped")
    with pytest.raises(TypeError) as caught:
        check_views(app)
    assert len(str(caught.value).splitlines()) == 2
    assert "text_for_int" in str(caught.value)
    assert "same_name" in str(caught.value)
    untyped = Flask(__name__)
    untyped.add_url_rule("/<n>", view_func=text_for_int)
    check_views(untyped)


def test_setting_that_is_none_is_refused() -> None:
    """It names the two that there are."""
    app = Costrel(__name__)
    app.config["QUERY_UNKNOWN"] = "error"
    app.add_url_rule("/", view_func=wrong_default)
    with pytest.raises(ValueError, match="QUERY_UNKNOWN is 'error'"):
        check_views(app)


def test_decorated_view_may_take_another_type_than_the_converter_makes() -> None:
    """The decorator makes it."""
    app = Costrel(__name__)

    def as_int(view: t.Any) -> t.Any:
        @wraps(view)
        def call(n: str) -> t.Any:
            return view(int(n))

        return call

    @app.get("/<n>")
    @as_int
    def show(n: int) -> list[int]:
        return [n]

    assert app.test_client().get("/3").json == [3]


@dataclass
class AsDataclass:
    """A dataclass."""

    name: t.Annotated[str, Meta(min_length=1)]
    tags: list[str] = field(default_factory=list)


@attrs.define
class AsAttrs:
    """An attrs class."""

    name: t.Annotated[str, Meta(min_length=1)]
    tags: list[str] = attrs.field(factory=list)


class AsTypedDict(t.TypedDict):
    """A typed dictionary."""

    name: t.Annotated[str, Meta(min_length=1)]
    tags: t.NotRequired[list[str]]


@pytest.mark.parametrize("model", [AsDataclass, AsAttrs, AsTypedDict])
def test_any_model_is_filled_from_body_query_and_form(model: t.Any) -> None:
    """Each gives the same errors."""
    app = Costrel(__name__)

    def show(one: t.Any) -> list[str]:
        values = one if isinstance(one, dict) else {"name": one.name, "tags": one.tags}
        return [values["name"], *values.get("tags", [])]

    for marker in (Body, Query, Form):
        name = marker.__name__.lower()

        def view(one: t.Any) -> list[str]:
            return show(one)

        view.__annotations__["one"] = t.Annotated[model, marker()]
        method = "GET" if marker is Query else "POST"
        app.add_url_rule(f"/{name}", name, view, methods=[method])
    client = app.test_client()
    good, bad = {"name": "x", "tags": ["a", "b"]}, {"name": ""}
    sent = {
        "body": [client.post("/body", json=one) for one in (good, bad)],
        "query": [client.get("/query", query_string=one) for one in (good, bad)],
        "form": [client.post("/form", data=one) for one in (good, bad)],
    }
    for place, (right, wrong) in sent.items():
        assert right.json == ["x", "a", "b"]
        assert wrong.json["errors"] == [
            {"in": place, "pointer": "/name", "detail": "Expected `str` of length >= 1"}
        ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", "int 10"),
        ("10.0", "str 10.0"),
        ("1e5", "str 1e5"),
        ("true", "str true"),
        ("", "str "),
    ],
)
def test_text_that_is_no_integer_fits_a_union_with_text(text: str, value: str) -> None:
    """Only what is written as an integer is one."""
    app = Costrel(__name__)

    @app.get("/")
    def show(one: int | str, other: t.Literal[1, "x", None] = None) -> list[str]:  # noqa: PYI061
        return [f"{type(one).__name__} {one}", str(other)]

    client = app.test_client()
    assert client.get("/", query_string={"one": text, "other": "1"}).json == [value, "1"]
    assert client.get("/?one=x&other=y").status_code == 422


def test_article_fits_the_type_that_a_converter_makes() -> None:
    """It is an int, but a str."""
    app = Costrel(__name__)
    app.add_url_rule("/<int:n>", view_func=text_for_date)
    with pytest.raises(TypeError, match="converter makes an int of it"):
        check_views(app)
