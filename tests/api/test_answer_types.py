"""No return annotation that names objects lets out what it does not declare."""

from __future__ import annotations

import collections as c
import functools
import typing as t
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
from msgspec import Struct
from typing_extensions import TypeAliasType

from costrel import Costrel, Response, abort, request, stream_with_context
from costrel.api import Depends, Problem
from costrel.dispatch.typed import check_views, typed_view
from costrel.sse import EventStream
from costrel.testing import FlaskClient
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")

T = t.TypeVar("T")


class Book(Struct):
    """What may be sent."""

    id: int


class Fault(Struct):
    """What may be sent of an error."""

    reason: str = "none"


@dataclass
class Plain:
    """The same as a dataclass."""

    id: int


class Typed(t.TypedDict):
    """The same as a dictionary."""

    id: int


class Row(t.NamedTuple):
    """A tuple with names."""

    book: Book


class Box(t.Generic[T]):
    """A class that nobody knows."""


class BookStream(EventStream[Book]):
    """A stream that says what it sends where it is made."""


Books = TypeAliasType("Books", list[Book])
Named = TypeAliasType("Named", t.Annotated[Books, "of a name"])
ListOf = TypeAliasType("ListOf", list[T], type_params=(T,))
Added = TypeAliasType("Added", tuple[Book, t.Literal[201]])
BookOrText = TypeAliasType("BookOrText", Book | str)
Bound: t.Any = t.TypeVar("Bound", bound=Book)  # type: ignore[misc]
Either: t.Any = t.TypeVar("Either", Book, str)  # type: ignore[misc]
NewBooks = t.NewType("NewBooks", c.deque[Book])


class Hidden(Struct):
    """A model with a field that msgspec does not know."""

    books: Books


class Items(list[t.Any]):
    """Items of an iterator."""


ONE = {"id": 1, "secret": "SECRET"}
MANY = [ONE, ONE]

FILTERED: list[tuple[t.Any, t.Any]] = [
    (Book, ONE),
    (Plain, ONE),
    (Typed, ONE),
    (Row, [ONE]),
    (Bound, ONE),
    (list[Book], MANY),
    (t.Sequence[Book], MANY),
    (t.Mapping[str, Book], {"a": ONE}),
    (Books, MANY),
    (Named, MANY),
    (ListOf[Book], MANY),
    (list[Books], [MANY]),
    (dict[str, Books] | None, {"a": MANY}),
    (BookOrText, ONE),
    (Added, (ONE, 201)),
    (tuple[Book], (ONE,)),
    (tuple[Book, Book, Book, Book], (ONE,) * 4),
    (tuple[Book, ...], MANY),
    (list[tuple[Book, int]], [(ONE, 1)]),
    (t.Annotated[Book, "said"], ONE),
    (t.Annotated[tuple[Book, int], "said"], (ONE, 200)),
    (t.Annotated[Book | tuple[Fault, t.Literal[404]], "said"], ONE),
    (t.Annotated[Iterator[Book], "said"], Items(MANY)),
    (Iterator[Book] | None, Items(MANY)),
    (Iterator[tuple[Book, int]], Items([(ONE, 1)])),
    (Iterator[Books], Items([MANY])),
]

REFUSED: list[t.Any] = [
    c.deque[Book],
    c.OrderedDict[str, Book],
    c.defaultdict[str, Book],
    c.deque[Plain],
    c.deque[Typed],
    c.deque[Row],
    c.deque[Books],
    c.deque[Bound],
    c.deque[Either],
    NewBooks,
    Iterable[Book],
    AsyncIterable[Book],
    Awaitable[Book],
    t.Coroutine[t.Any, t.Any, Book],
    Callable[[Book], str],
    Callable[[], Book],
    type[Book],
    Box[Book],
    Either,
    Hidden,
    list[Hidden],
    list[c.deque[Book]],
    Iterator[c.deque[Book]],
    Iterator[t.Any] | c.deque[Book],
    dict[str, t.Any] | c.deque[Book],
    c.deque[Book] | str,
    tuple[c.deque[Book], int],
    tuple[c.deque[Book], t.Literal[200]],
    tuple[Book, Book],
    tuple[int, int, Book],
    t.Annotated[c.deque[Book], "said"],
    t.Generator[str, None, Book],
    EventStream[c.deque[Book]],
    Book | Fault,
]


def class_view(methods: dict[str, t.Any], name: str) -> t.Any:
    """Return a class-based view with some methods."""
    cls: t.Any = type("View", (MethodView,), methods)
    return cls.as_view(name)


def add_view(app: Costrel, name: str, kind: str, returns: t.Any, value: t.Any = None) -> None:
    """Add a view, of one kind, that returns a value."""
    rule = f"/{name}"

    def sync() -> t.Any:
        return iter(value) if isinstance(value, Items) else value

    async def later() -> t.Any:
        return sync()

    def of_object(self: t.Any, more: int = 0) -> t.Any:
        return sync()

    def of_two(more: int) -> t.Any:
        return sync()

    for function in (sync, later, of_object, of_two):
        function.__annotations__["return"] = returns

    @functools.wraps(sync)
    def decorated() -> t.Any:
        return sync()

    service = type("Service", (), {"read": of_object, "__call__": of_object})()
    views: dict[str, t.Any] = {
        "function": sync,
        "coroutine": later,
        "decorated": decorated,
        "bound method": service.read,
        "callable object": service,
        "partial": functools.partial(of_two, more=1),
        "positional partial": functools.partial(of_two, 1),
        "decorated partial": functools.partial(decorated),
        "decorated method": functools.wraps(service.read)(lambda more: service.read(more)),  # noqa: PLW0108
    }
    methods = {
        "method": of_object,
        "classmethod": classmethod(of_object),
        "staticmethod": staticmethod(sync),
        "partialmethod": functools.partialmethod(of_object, more=1),
    }
    if kind in methods:
        view = class_view({"get": methods[kind]}, name)
    elif kind == "said":
        del sync.__annotations__["return"]
        app.add_url_rule(rule, name, sync, responses={200: returns})
        return
    else:
        view = views[kind]
    app.add_url_rule(rule, name, view)


KINDS = [
    "function", "coroutine", "decorated", "bound method", "callable object", "partial",
    "positional partial", "decorated partial", "decorated method", "method",
    "classmethod", "staticmethod", "partialmethod", "said",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_declared_stays(kind: str) -> None:
    """Of each kind of annotation, for each kind of view, in each format."""
    app = Costrel(__name__)
    for number, (returns, value) in enumerate(FILTERED):
        add_view(app, str(number), kind, returns, value)
    client = app.test_client()
    for number, (returns, value) in enumerate(FILTERED):
        if kind == "said" and isinstance(value, tuple):
            continue
        for accept in ("application/json", "application/msgpack, */*;q=0.1"):
            response = client.get(f"/{number}", headers={"Accept": accept})
            assert response.status_code in {200, 201}, (returns, accept)
            assert response.data, (returns, accept)
            assert b"SECRET" not in response.data, (returns, accept)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_filtered_is_refused(kind: str) -> None:
    """When the view is compiled, with its name."""
    app = Costrel(__name__)
    rules = {
        str(number): returns
        for number, returns in enumerate(REFUSED)
        if kind != "said" or t.get_origin(returns) is not tuple
    }
    for name, returns in rules.items():
        add_view(app, name, kind, returns)
    with pytest.raises(TypeError, match=r"\(The view ") as caught:
        check_views(app)
    refused = [name for name in rules if f"for the rule '/{name}'" in str(caught.value)]
    assert refused == list(rules)


def client_of(view: t.Any, **options: t.Any) -> FlaskClient:
    """Return a client of an application with one view."""
    app = Costrel(__name__)
    app.get("/", **options)(view)
    return app.test_client()


@pytest.mark.parametrize("value", [(ONE, 500), ONE, (ONE, {"X-Name": "value"}), ("SECRET", 202)])
def test_status_that_no_type_is_declared_for_is_an_error(
    value: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """If the return annotation says all of them."""

    def show() -> tuple[Book, t.Literal[201]] | tuple[Fault, t.Literal[404]]:
        return t.cast("t.Any", value)

    response = client_of(show).get("/")
    assert (response.status_code, "SECRET" in response.text) == (500, False)
    assert "its return annotation says only 201 or 404" in caplog.text


def test_stream_of_events_that_nobody_declared_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Beside declared data; a declared response may be any."""

    def show() -> Book:
        return t.cast("t.Any", EventStream(iter([ONE])))

    def respond() -> Book | Response:
        return EventStream(iter(["said"]))

    assert client_of(show).get("/").status_code == 500
    assert "its events would not be filtered" in caplog.text
    assert "data: said" in client_of(respond).get("/").text


def test_events_are_filtered_by_what_a_class_or_status_declares() -> None:
    """And not only by brackets in the return annotation."""

    def of_class() -> BookStream:
        return BookStream(iter([ONE]))

    def of_status() -> t.Any:
        return EventStream(iter([ONE]))

    def lines_of_status() -> t.Any:
        return iter([ONE])

    views: list[tuple[t.Any, t.Any]] = [
        (of_class, None), (of_status, EventStream[Book]), (lines_of_status, Iterator[Book]),
    ]  # fmt: skip
    for view, said in views:
        text = client_of(view, responses={} if said is None else {200: said}).get("/").text
        assert '{"id":1}\n' in text


def find() -> str:
    """Return what a parameter depends on."""
    return "found"


def test_guard_of_a_method_or_an_object_is_not_passed_by() -> None:
    """A parameter with a default is filled all the same, whatever calls the function."""

    def read(self: t.Any, user: t.Annotated[str, Depends(find)] = "nobody", page: int = 1) -> t.Any:
        return [user, page]

    def read_all(user: t.Annotated[str, Depends(find)] = "nobody", page: int = 1) -> t.Any:
        return [user, page]

    service = type("Service", (), {"read": read, "__call__": read})()
    views = [service.read, service, functools.partial(read_all), functools.partial(read, None)]
    methods = (classmethod(read), functools.partialmethod(read), staticmethod(read_all))
    views += [class_view({"get": one}, "view") for one in methods]
    for view in views:
        app = Costrel(__name__)
        app.add_url_rule("/", "view", view)
        assert app.test_client().get("/?page=2").json == ["found", 2]


def test_argument_that_a_partial_gives_is_none_of_the_request() -> None:
    """It is filled already."""

    def show(size: int, page: int = 1) -> list[int]:
        return [size, page]

    app = Costrel(__name__)
    app.add_url_rule("/", "view", functools.partial(show, size=5))
    assert app.test_client().get("/?size=9&page=2").json == [5, 2]


def test_alias_that_names_itself_is_refused() -> None:
    """It has no end."""

    class Endless:
        __value__: t.Any

    Endless.__name__ = "TypeAliasType"
    endless = Endless()
    endless.__value__ = list[endless]  # type: ignore[valid-type]

    def show() -> t.Any:
        return []

    show.__annotations__["return"] = endless
    app = Costrel(__name__)
    app.get("/")(show)
    with pytest.raises(TypeError, match="names itself"):
        check_views(app)


def test_problem_has_the_status_that_it_says() -> None:
    """In its member, if nothing else says one; so it never looks like a success."""
    refusal = Problem(title="No", status=403)

    def show() -> Problem:
        return refusal

    def of_dict() -> Problem:
        return t.cast("t.Any", {"title": "No", "status": 403})

    def of_status() -> Book:
        return t.cast("t.Any", refusal)

    def with_fields() -> Book:
        return t.cast("t.Any", (refusal, {"X-Name": "value"}))

    for view in (show, of_dict, of_status, with_fields):
        response = client_of(view, responses={403: Problem}).get("/")
        assert (response.status_code, response.json) == (403, {"title": "No", "status": 403})
        assert response.content_type == "application/problem+json"
    assert client_of(show, status=201).get("/").status_code == 403

    def said() -> Problem:
        return t.cast("t.Any", (refusal, 409))

    assert client_of(said).get("/").status_code == 409


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_tuple_of_rows_is_a_list(count: int) -> None:
    """Two or three of them are no value with status and header fields."""

    def show() -> list[Book]:
        return t.cast("t.Any", (Book(1),) * count)

    response = client_of(show).get("/")
    assert (response.status_code, response.json) == (200, [{"id": 1}] * count)


def test_none_instead_of_an_iterator_is_null() -> None:
    """As it is instead of an object."""

    def show() -> Iterator[Book] | None:
        return None

    assert client_of(show).get("/").text == "null"


def test_none_instead_of_a_status_is_null(caplog: pytest.LogCaptureFixture) -> None:
    """And lets no other value out."""

    def show() -> tuple[Book, t.Literal[201]] | None:
        return None

    def other() -> tuple[Book, t.Literal[201]] | None:
        return t.cast("t.Any", (ONE, 500))

    assert client_of(show).get("/").text == "null"
    response = client_of(other).get("/")
    assert (response.status_code, "SECRET" in response.text) == (500, False)
    assert "does not fit its return annotation" in caplog.text


@pytest.mark.parametrize("is_async_view", [False, True])
def test_stream_with_context_may_be_of_objects(is_async_view: bool) -> None:
    """Of an async generator, which is filtered, closed, and has its request."""
    closed: list[str] = []

    async def books() -> AsyncIterator[t.Any]:
        try:
            yield ONE
            yield {"id": len(request.path), "secret": "SECRET"}
        finally:
            closed.append(request.path)

    def show() -> AsyncIterator[Book]:
        return t.cast("t.Any", stream_with_context(books()))

    async def show_later() -> AsyncIterator[Book]:
        return t.cast("t.Any", stream_with_context(books()))

    client = client_of(show_later if is_async_view else show)
    response = client.get("/")
    assert (response.status_code, response.text) == (200, '{"id":1}\n{"id":1}\n')
    assert response.content_type == "application/jsonl"
    assert closed == ["/"]


def test_page_of_an_error_shows_only_the_text_of_a_problem() -> None:
    """Not what Python prints of it, with members that are for programs."""
    refusal = Problem(title="No", status=403, detail="<Stay> out", instance="urn:internal")
    app = Costrel(__name__)

    @app.get("/page")
    def page() -> str:
        abort(403, refusal)

    @app.get("/api")
    def api() -> Book:
        abort(403, refusal)

    client = app.test_client()
    for _ in range(2):
        response = client.get("/page")
        assert (response.status_code, response.mimetype) == (403, "text/html")
        assert "<p>&lt;Stay&gt; out</p>" in response.text
        assert "Problem(" not in response.text
        assert client.get("/api").json["instance"] == "urn:internal"


def test_documentation_sees_through_aliases() -> None:
    """In the return annotation, and in what is said of a status."""

    def show() -> t.Any:
        return []

    show.__annotations__["return"] = Books
    app = Costrel(__name__)
    app.get("/", responses={203: Named})(show)
    operation = typed_view(app, next(app.url_map.iter_rules("show"))).operations[0]
    assert operation.responses == {200: list[Book], 203: t.Annotated[list[Book], "of a name"]}


@pytest.mark.parametrize("annotation", [tuple, t.Tuple])  # noqa: UP006  the old spelling too
def test_tuple_that_says_nothing_is_sent_as_flask_sends_it(annotation: t.Any) -> None:
    """As existing views are annotated that return text with its status."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return "gone", 410

    show.__annotations__["return"] = annotation
    app.get("/")(show)
    response = app.test_client().get("/")

    assert (response.status_code, response.text) == (410, "gone")
