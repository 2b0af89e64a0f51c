"""What typed views send: by status, and nothing that is not declared."""

from __future__ import annotations

import datetime as dt
import math
import re
import typing as t
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest
from msgspec import Meta, Struct

from costrel import Costrel, Response, request
from costrel.api import CursorPage, Page, status
from costrel.api.problems import PROBLEM_TYPE, Problem
from costrel.sse import Event, EventStream
from costrel.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


class SecretItem(Item):
    """A model with more than its base declares."""

    secret: str = "hash"


class Fault(Struct):
    """A model of an error."""

    reason: str


class SecretFault(Fault):
    """One with more in it."""

    secret: str = "hash"


def client_of(view: t.Any, returns: t.Any = None, **options: t.Any) -> FlaskClient:
    """Return a client of an application with one view."""
    app = Costrel(__name__)
    if returns is not None:
        view.__annotations__["return"] = returns
    app.get("/", **options)(view)
    return app.test_client()


def error_of(caplog: pytest.LogCaptureFixture, client: FlaskClient) -> str:
    """Return what is logged of a view whose value can't be sent, and see that nothing was."""
    response = client.get("/")
    assert response.status_code == 500
    assert "hash" not in response.text
    return caplog.text


@pytest.mark.parametrize(
    ("returns", "responses"),
    [
        (Item, {404: Fault}),
        (Item | tuple[Fault, t.Literal[404]], {}),
        (Item | tuple[Fault, t.Literal[404, 409], dict[str, str]], {}),
        (t.Any, {200: Item, status.NOT_FOUND: Fault}),
    ],
    ids=str,
)
def test_value_is_filtered_by_the_type_of_its_status(returns: t.Any, responses: t.Any) -> None:
    """What `responses=` or a literal status says; a status of nobody has the usual type."""
    values: dict[str, t.Any] = {
        "usual": SecretItem(1),
        "404": (SecretFault("gone"), 404),
        "line": (SecretFault("gone"), "404 NOT FOUND"),
        "headers": (SecretFault("gone"), 404, {"X-Name": "value"}),
    }
    app = Costrel(__name__)

    def show(name: str) -> t.Any:
        return values[name]

    show.__annotations__["return"] = returns
    app.get("/<name>", responses=responses)(show)
    client = app.test_client()
    assert client.get("/usual").json == {"id": 1}
    for name in ("404", "line", "headers"):
        response = client.get(f"/{name}")
        assert (response.status_code, response.json) == (404, {"reason": "gone"})
    assert client.get("/headers").headers["X-Name"] == "value"


def test_status_without_a_type_has_that_of_the_return_annotation() -> None:
    """So that nothing leaves unfiltered."""

    def show() -> Item:
        return t.cast("Item", (SecretItem(1), 202))

    response = client_of(show, responses={404: Fault}).get("/")
    assert (response.status_code, response.json) == (202, {"id": 1})


def test_success_may_be_declared_beside_a_view_without_annotations() -> None:
    """`responses=` says then what is sent."""

    def show():  # type: ignore[no-untyped-def]
        return {"id": 1, "secret": "hash"}

    assert client_of(show, responses={200: Item}).get("/").json == {"id": 1}


@pytest.mark.parametrize(
    ("responses", "said"),
    [
        ({404: "Not found"}, "write the type of its data"),
        ({404: {"model": Item}}, "write the type of its data"),
        ({"default": Item}, "no status code from 100 to 599"),
    ],
)
def test_responses_that_are_no_types_name_the_view(responses: t.Any, said: str) -> None:
    """The error says what to write, and where."""

    def show() -> Item:
        return Item(1)

    client = client_of(show, responses=responses)
    client.application.testing = True
    with pytest.raises(TypeError, match=said) as caught:
        client.get("/")
    assert "test_typed_answers.py:" in str(caught.value)


@pytest.mark.parametrize("value", [{"id": 1}, ["x"], "text", b"bytes", ("text", None)], ids=repr)
def test_status_of_the_rule_is_that_of_flasks_values_too(value: t.Any) -> None:
    """A dictionary or text is sent as Flask sends it, with that status."""

    def show() -> t.Any:
        return value

    assert client_of(show, status=202).get("/").status_code == 202


def test_status_in_the_value_wins_over_that_of_the_rule() -> None:
    """So does the status of a response."""

    def show() -> Item:
        return t.cast("Item", (Item(1), 203))

    def respond() -> t.Any:
        return Response("x")

    assert client_of(show, status=201).get("/").status_code == 203
    assert client_of(respond, status=201).get("/").status_code == 200


@pytest.mark.parametrize(("value", "code"), [(None, 204), ((None, 202), 202), (("", 205), 205)])
def test_none_is_sent_without_a_body(value: t.Any, code: int) -> None:
    """With 204, unless the view or its rule says another status."""

    def show() -> None:
        return t.cast("None", value)

    response = client_of(show).get("/")
    assert (response.status_code, response.data) == (code, b"")
    if value is None:
        assert client_of(show, status=202).get("/").status_code == 202


def test_value_of_a_view_that_declares_none_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """It declares that nothing leaves."""

    def show() -> None:
        return t.cast("None", {"secret": "hash"})

    assert "returned dict, but its return annotation says None" in error_of(caplog, client_of(show))


def test_status_without_a_body_is_declared_by_none() -> None:
    """Beside a view that has values otherwise."""

    def show() -> Item:
        return t.cast("Item", (None, 204))

    response = client_of(show, responses={204: None}).get("/")
    assert (response.status_code, response.data) == (204, b"")


def test_optional_value_stays_null() -> None:
    """None is data where the annotation has it beside a type."""

    def show() -> Item | None:
        return None

    response = client_of(show).get("/")
    assert (response.status_code, response.text) == (200, "null")


def test_problem_has_its_media_type_in_any_format() -> None:
    """A problem that a view returns is sent like that of an error."""

    def show() -> Item:
        return t.cast("Item", (Problem(title="Gone", status=410), 410))

    client = client_of(show, responses={410: Problem})
    response = client.get("/", headers={"Accept": "application/msgpack"})
    assert (response.status_code, response.content_type) == (410, PROBLEM_TYPE)
    assert response.json["title"] == "Gone"
    assert "Vary" not in response.headers


class Numbers(Struct):
    """A model with constraints."""

    count: t.Annotated[int, Meta(ge=1)] = 1
    ratio: float = 0.5
    share: t.Annotated[float, Meta(ge=0)] = 0.5
    names: t.Annotated[list[t.Annotated[str, Meta(pattern="^[a-z]+$")]], Meta(max_length=2)] = []


@pytest.mark.parametrize(
    "value",
    [
        Numbers(count=0),
        Numbers(count=t.cast("int", "1")),
        Numbers(ratio=math.nan),
        Numbers(ratio=-math.inf),
        Numbers(share=math.nan),
        Numbers(share=math.inf),
        Numbers(names=["a", "b", "c"]),
        Numbers(names=["hash1"]),
        {"count": True},
    ],
)
def test_value_beyond_the_constraints_is_an_error(
    value: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an instance of the very class too, which msgspec does not check when it is made."""

    def show() -> Numbers:
        return t.cast("Numbers", value)

    error = error_of(caplog, client_of(show))
    assert "which does not fit its return annotation Numbers" in error
    assert "hash1" not in error


@pytest.mark.parametrize(
    ("returns", "value", "said"),
    [
        (Item, None, "returned None, .* annotation Item: .*write Item | None, or abort(404)."),
        (list[Item], [{"id": 1}, {"id": "x"}], "returned list, .* at /1/id: Expected `int`"),
        (Page[Item], [], "returned list, .*Page[.*Item].*Return paginate(...)"),
        (CursorPage[Item], [], "Return paginate_by_cursor(...)"),
    ],
)
def test_error_of_a_misfit_says_what_came_and_what_to_write(
    returns: t.Any, value: t.Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The declared type and the class of the value, the place in it, and the usual remedy."""

    def show() -> t.Any:
        return value

    show.__annotations__["return"] = returns
    pattern = re.escape(said).replace(re.escape(".*"), ".*")
    assert re.search(pattern, error_of(caplog, client_of(show)))


class Named(Struct, rename="camel", omit_defaults=True):
    """A model whose JSON has other names, and leaves out what is as always."""

    first_name: str
    is_new: bool = False


class Tagged(Struct, tag="tagged"):
    """A model that says what it is."""

    first_name: str


class Node(Struct):
    """A recursive model."""

    name: str
    children: list[Node] = []


class Checked(Struct):
    """A model with code of its own."""

    number: int

    def __post_init__(self) -> None:
        if self.number == 13:
            raise ValueError("13 is not sent")


class Row(t.TypedDict):
    """A row of a database; its order is not that of the alphabet."""

    name: str
    id: int
    more: t.NotRequired[str]


@dataclass
class Point:
    """A dataclass."""

    x: float
    y: float


class Record:
    """An object like that of an ORM."""

    def __init__(self, **values: t.Any) -> None:
        self.__dict__.update(values, secret="hash")


@pytest.mark.parametrize(
    ("returns", "value", "text"),
    [
        (Named, Named("Ada"), '{"firstName":"Ada"}'),
        (Named, Record(first_name="Ada", is_new=True), '{"firstName":"Ada","isNew":true}'),
        (Named, {"firstName": "Ada", "secret": "hash"}, '{"firstName":"Ada"}'),
        (Tagged, Tagged("Ada"), '{"type":"tagged","first_name":"Ada"}'),
        (Tagged, Record(first_name="Ada"), '{"type":"tagged","first_name":"Ada"}'),
        (list[Tagged | Item], [Tagged("A")], None),
        (Item | None, SecretItem(1), '{"id":1}'),
        (list[Item], [SecretItem(1), Record(id=2)], '[{"id":1},{"id":2}]'),
        (list[Item], {1: Record(id=2)}.values(), '[{"id":2}]'),
        (dict[str, Item], {"a": SecretItem(1)}, '{"a":{"id":1}}'),
        (dict[int, Item], {1: SecretItem(1)}, '{"1":{"id":1}}'),
        (tuple[Item, ...], [SecretItem(1)], '[{"id":1}]'),
        (set[int], {1}, "[1]"),
        (Node, Node("a", [Node("b")]), '{"name":"a","children":[{"name":"b","children":[]}]}'),
        (Node, Record(name="a", children=[Record(name="b", children=[])]),
         '{"name":"a","children":[{"name":"b","children":[]}]}'),
        (Checked, Checked(1), '{"number":1}'),
        (Row, {"id": 1, "secret": "hash", "name": "a"}, None),
        (Row, Record(id=1, name="a", more="b"), '{"name":"a","id":1,"more":"b"}'),
        (Point, Point(1, 2.5), '{"x":1.0,"y":2.5}'),
        (Point, Record(x=Decimal("1.5"), y=2), '{"x":1.5,"y":2.0}'),
        (dt.date, dt.date(2020, 1, 2), '"2020-01-02"'),
        (dt.date | None, None, "null"),
    ],
)  # fmt: skip
def test_json_is_that_of_the_declared_type(returns: t.Any, value: t.Any, text: str | None) -> None:
    """Whatever the value is an instance of."""
    if returns == list[Tagged | Item]:
        with pytest.raises(TypeError, match="can't be filtered by what it returns"):
            _get(value, returns)
        return
    response = _get(value, returns)
    assert response.status_code == 200
    assert "hash" not in response.text
    if text is None:
        assert response.json == {"name": "a", "id": 1}
    else:
        assert response.text == text


def _get(value: t.Any, returns: t.Any) -> t.Any:
    def show() -> t.Any:
        return value

    client = client_of(show, returns)
    client.application.testing = True
    return client.get("/")


def test_code_of_a_model_is_run() -> None:
    """Of a dictionary it is what decides whether it fits."""
    with pytest.raises(TypeError, match="13 is not sent"):
        _get({"number": 13}, Checked)


class Detached:
    """An object whose attribute can't be read any more."""

    first_name = "Ada"

    @property
    def tags(self) -> list[str]:
        """Raise what an ORM raises."""
        raise LookupError("The session is closed.")


class Person(Struct):
    """A model with a default."""

    first_name: str
    tags: list[str] = []


def test_attribute_that_raises_is_not_replaced_by_the_default() -> None:
    """The error is the view's, and the client does not get half of the object."""
    with pytest.raises(LookupError, match="The session is closed"):
        _get(Detached(), Person)
    assert _get(Record(first_name="Ada"), Person).json == {"first_name": "Ada", "tags": []}


@pytest.mark.parametrize("is_async", [False, True])
def test_data_of_events_is_filtered(is_async: bool) -> None:
    """`EventStream[T]` sends nothing else than `T`, in events and as values."""
    events = [SecretItem(1), Event(SecretItem(2), id=7), Event(comment="x"), {"id": 3, "secret": 1}]

    def show() -> EventStream[Item]:
        async def later() -> AsyncIterator[t.Any]:
            for event in events:
                yield event

        return EventStream(later() if is_async else iter(events))

    text = client_of(show).get("/").text
    assert text.partition("\n\n")[2] == (
        'data: {"id":1}\n\nid: 7\ndata: {"id":2}\n\n: x\n\ndata: {"id":3}\n\n'
    )


@pytest.mark.parametrize(
    "data", ["hash", {"id": "hash"}, Event("hash")], ids=["text", "misfit", "event"]
)
def test_event_that_does_not_fit_ends_the_stream(data: t.Any) -> None:
    """The error is the generator's, for the server to log; text fits only where it is declared."""

    def show() -> EventStream[Item]:
        return EventStream(iter([data]))

    with pytest.raises(TypeError, match="does not fit its return annotation"):
        client_of(show).get("/", buffered=True)


def test_events_may_declare_text() -> None:
    """Text is sent as it is, also beside objects."""

    def show() -> EventStream[Item | str]:
        return EventStream(iter(["text", SecretItem(1)]))

    text = client_of(show).get("/").text
    assert text.endswith('data: text\n\ndata: {"id":1}\n\n')


def test_events_without_a_type_are_sent_as_they_are() -> None:
    """As before there were types."""

    def show() -> EventStream:
        return EventStream(iter([{"a": 1}]))

    assert client_of(show).get("/").text.endswith('data: {"a": 1}\n\n')


def test_iterator_is_sent_as_json_lines() -> None:
    """Each item is filtered; the generator is closed when the response is."""
    closed: list[str] = []
    app = Costrel(__name__)

    @app.get("/now")
    def now() -> Iterator[Item]:
        try:
            yield SecretItem(1)
            yield SecretItem(2)
        finally:
            closed.append("now")

    @app.get("/later", status=203)
    def later() -> AsyncIterator[Item]:
        async def items() -> AsyncIterator[Item]:
            try:
                yield SecretItem(1)
                yield SecretItem(2)
            finally:
                closed.append("later")

        return items()

    client = app.test_client()
    for path, code in (("/now", 200), ("/later", 203)):
        response = client.get(path)
        assert (response.status_code, response.text) == (code, '{"id":1}\n{"id":2}\n')
        assert response.content_type == "application/jsonl"
    assert closed == ["now", "later"]


def test_iterator_may_have_headers_and_another_answer() -> None:
    """Of its own, as any value."""
    app = Costrel(__name__)

    @app.get("/<int:count>")
    def show(count: int) -> Iterator[Item] | tuple[Fault, t.Literal[404]]:
        if count > 3:
            return SecretFault("too many"), 404
        items = iter([Item(1)] * count)
        return t.cast("t.Any", (items, {"X-Name": "value", "Content-Type": "text/plain"}))

    client = app.test_client()
    response = client.get("/2")
    assert (response.text, response.headers["X-Name"]) == ('{"id":1}\n{"id":1}\n', "value")
    assert response.content_type == "text/plain"
    response = client.get("/9")
    assert (response.status_code, response.json) == (404, {"reason": "too many"})


def test_list_is_no_iterator(caplog: pytest.LogCaptureFixture) -> None:
    """What an annotation does not say is not sent."""

    def show() -> Iterator[Item]:
        return t.cast("t.Any", [{"id": 1, "secret": "hash"}])

    assert "its return annotation says an iterator" in error_of(caplog, client_of(show))


def test_iterator_of_text_is_streamed_as_in_flask() -> None:
    """It declares no data."""

    def show() -> Iterator[str]:
        yield "a"
        yield "b"

    response = client_of(show).get("/")
    assert (response.text, response.mimetype) == ("ab", "text/html")


def test_operation_knows_what_it_sends() -> None:
    """The documentation is made of it."""
    from costrel.dispatch.typed import typed_view

    app = Costrel(__name__)
    shown: dict[str, t.Any] = {}

    def add(name: str, returns: t.Any, **options: t.Any) -> None:
        def view() -> t.Any:
            return None

        view.__annotations__["return"] = returns
        app.get(f"/{name}", endpoint=name, **options)(view)
        rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == name)
        operation = typed_view(app, rule).operations[0]
        shown[name] = operation.status_of(), operation.responses

    add("item", Item | tuple[Fault, t.Literal[404]], responses={409: Fault}, status=201)
    add("nothing", None, responses={404: Fault})
    add("page", str)
    add("optional", Item | str | None)
    add("said", t.Any, responses={200: Item})
    assert shown == {
        "item": (201, {201: Item, 404: Fault, 409: Fault}),
        "nothing": (204, {204: None, 404: Fault}),
        "page": (200, {200: str}),
        "optional": (200, {200: Item | None}),
        "said": (200, {200: Item}),
    }


def test_declared_any_is_sent_whole() -> None:
    """A field of any type is not looked into."""

    class Loose(Struct):
        extra: t.Any

    response = _get(Loose({"a": [1, None]}), Loose)
    assert response.json == {"extra": {"a": [1, None]}}
    assert msgspec.json.decode(response.data) == {"extra": {"a": [1, None]}}


@dataclass
class WithDefaults:
    """A dataclass whose defaults only the class has."""

    id: int
    open: bool = True
    note: str | None = None


@dataclass
class Recursive:
    """The same of one that is recursive, and one that does something after it was made."""

    id: int
    open: bool = True
    inner: Recursive | None = None

    def __post_init__(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("returns", "value", "sent"),
    [
        (WithDefaults, {"id": 1}, {"id": 1, "open": True, "note": None}),
        (WithDefaults, Item(1), {"id": 1, "open": True, "note": None}),
        (list[WithDefaults], [{"id": 1, "open": False}], [{"id": 1, "open": False, "note": None}]),
        (dict[str, WithDefaults], {"a": {"id": 1}}, {"a": {"id": 1, "open": True, "note": None}}),
        (
            Recursive,
            {"id": 1, "inner": {"id": 2}},
            {"id": 1, "open": True, "inner": {"id": 2, "open": True, "inner": None}},
        ),
    ],
)
def test_default_of_a_dataclass_is_sent(
    returns: t.Any, value: t.Any, sent: t.Any, packed: bool
) -> None:
    """If the value lacks it, as the document says: it requires the field."""

    def show() -> t.Any:
        return value

    show.__annotations__ = {"return": returns}
    accept = {"Accept": "application/msgpack" if packed else "application/json"}
    data = client_of(show).get("/", headers=accept).get_data()
    assert (msgspec.msgpack.decode(data) if packed else msgspec.json.decode(data)) == sent


def test_generator_has_the_request() -> None:
    """Sync or async, it runs while the answer is sent; the request ends after it."""
    app = Costrel(__name__)
    ended: list[t.Any] = []

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        ended.append(list(steps))

    steps: list[str] = []

    @app.get("/now/<int:number>")
    def now(number: int) -> Iterator[Item]:
        yield Item(int(request.args["id"]))
        steps.append(request.path)
        yield Item(number)

    @app.get("/later/<int:number>")
    async def later(number: int) -> AsyncIterator[Item]:
        yield Item(int(request.args["id"]))
        steps.append(request.path)
        yield Item(number)

    client = app.test_client()
    for way in ("now", "later"):
        steps.clear()
        assert client.get(f"/{way}/2?id=1").text == '{"id":1}\n{"id":2}\n'
        assert ended.pop() == [f"/{way}/2"]
        assert not ended


@pytest.mark.parametrize("responses", [{200: Item}, {201: Item}, {200: Item, 404: Fault}])
def test_events_are_not_sent_instead_of_what_a_decorator_declares(
    responses: dict[int, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would filter them, as with a return annotation."""
    app = Costrel(__name__)

    @app.get("/", responses=responses)
    def show():  # type: ignore[no-untyped-def]
        return EventStream(iter([{"id": 1, "secret": "hash"}]))

    response = app.test_client().get("/")
    assert response.status_code == 500
    assert "hash" not in response.text
    assert "its events would not be filtered" in caplog.text


def test_events_beside_the_problems_of_a_decorator_are_sent() -> None:
    """It declares no data, so events are as those of a view that declares nothing."""
    app = Costrel(__name__)

    @app.get("/", responses={404: Fault})
    def show():  # type: ignore[no-untyped-def]
        return EventStream(iter([{"id": 1}]))

    assert 'data: {"id": 1}' in app.test_client().get("/").text
