"""SECURITY: what is not in the return annotation never leaves, whatever the annotation is.

The views return data with a secret. Either the annotation is refused before any request, or the
secret is filtered, or the answer is a 500.
"""

import collections as c
import logging
import types
import typing as t
from collections import abc
from dataclasses import dataclass

import pytest
from msgspec import Struct
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from costrel import Costrel, Response, jsonify
from costrel.api import Problem
from costrel.dispatch.typed import check_views
from costrel.sse import EventStream
from costrel.views import MethodView, View

SECRET = "hunter2"
T = t.TypeVar("T")
Html = t.NewType("Html", str)
Row = t.NewType("Row", dict)  # type: ignore[type-arg]


class Item(Struct):
    """What is public."""

    id: int = 0


class Titled(t.TypedDict):
    """The same as a dictionary."""

    id: int


class Named(t.NamedTuple):
    """The same as a tuple."""

    id: int = 0


@dataclass
class Public:
    """The same as a dataclass."""

    id: int = 0


class Stored(Item):
    """What is stored."""

    secret: str = SECRET


@dataclass
class StoredPublic(Public):
    """The same as a dataclass."""

    secret: str = SECRET


class TextOf(t.Protocol):
    """Something with a method."""

    def __html__(self) -> str: ...


HAS_SECRET = {"id": 1, "secret": SECRET}
VALUES: list[t.Any] = [
    HAS_SECRET, [HAS_SECRET], {"a": HAS_SECRET}, {"a": [HAS_SECRET]}, [[HAS_SECRET]],
    c.OrderedDict(HAS_SECRET), c.Counter(t.cast("t.Any", HAS_SECRET)),
    c.defaultdict(str, HAS_SECRET),
    c.ChainMap(HAS_SECRET), c.deque([HAS_SECRET]), types.MappingProxyType(HAS_SECRET),
    {"a": Stored()},
    Stored(), StoredPublic(), [Stored()], {"a": StoredPublic()}, (HAS_SECRET, 200),
    ([HAS_SECRET], 201),
    (HAS_SECRET, {"X-A": "b"}), ([HAS_SECRET], 200, {"X-A": "b"}), (HAS_SECRET,), SECRET.encode,
    c.UserDict(HAS_SECRET), types.SimpleNamespace(**HAS_SECRET), {1: HAS_SECRET}, Row(HAS_SECRET),
]  # fmt: skip

ANNOTATIONS: list[t.Any] = [
    str, bytes, bytearray, Response, BaseResponse, HTTPException, Html, t.LiteralString, t.AnyStr,
    str | bytes, str | Response, str | None, Response | None, tuple[str, int], tuple[Response, int],
    tuple[str, t.Literal[201]], tuple[str, int, dict[str, str]], tuple[str, dict[str, str]],
    t.Annotated[str, "text"], t.Annotated[str | Response, "text"], t.NoReturn, t.Never, t.Self,
    None,
    EventStream, EventStream[Item], EventStream[str], TextOf,
    Item, Public, Titled, Named, Item | None, Item | str, Item | Response, tuple[Item, int],
    tuple[Item, t.Literal[201]], tuple[Item, t.Literal[404]] | str, list[Item], list[Public],
    dict[str, Item], dict[str, list[Item]], set[int], frozenset[int], tuple[Item, ...],
    tuple[int, ...],
    int, float, bool, dict[str, int], dict[str, str], dict[int, str], list[int], list[str],
    list[list[int]], list[dict[str, int]], dict[str, dict[str, int]], dict[str, list[str]],
    dict[str, int] | dict[str, str], list[int] | set[str], dict[str, int] | list[str],
    t.Literal["a"],
    dict[str, int] | HTTPException, int | Response,
    c.Counter[str], c.defaultdict[str, int], c.defaultdict[str, Item], c.OrderedDict[str, int],
    c.OrderedDict[str, Item], c.ChainMap[str, int], c.ChainMap[str, Item], c.deque[int],
    c.deque[Item],
    c.UserDict[str, int], types.MappingProxyType[str, int], types.MappingProxyType[str, Item],
    list[c.Counter[str]], dict[str, c.deque[int]], c.Counter[str] | None, dict[str, c.Counter[str]],
    t.Annotated[c.Counter[str], "text"], c.Counter[str] | str,
    abc.Mapping[str, int], abc.Mapping[str, Item], abc.MutableMapping[str, int], abc.Sequence[int],
    abc.Sequence[Item], abc.MutableSequence[int], abc.Collection[int], abc.Set[int], abc.Set[str],
    abc.Iterable[str], abc.Iterable[bytes], abc.Iterable[int], abc.Iterable[Item],
    abc.Iterator[str],
    abc.Iterator[int], abc.Iterator[Item], abc.Generator[str], abc.Generator[Item],
    abc.AsyncIterator[str],
    abc.AsyncIterator[Item], abc.AsyncIterable[str], abc.AsyncIterable[Item], abc.Reversible[int],
    abc.Container[int], abc.KeysView[str], abc.ValuesView[int], abc.ItemsView[str, int],
    abc.Awaitable[str], abc.Awaitable[Item], abc.Coroutine[t.Any, t.Any, Item],
    abc.Callable[[], str],
    type[Item], t.SupportsInt, abc.Hashable, abc.Sized, object, list[object], dict[str, object],
]  # fmt: skip


def app_of(annotation: t.Any, *values: t.Any, later: bool = False) -> Costrel:
    """Return an application with a view that says what it returns, and returns one by one."""
    app = Costrel(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    left = list(values)

    def show() -> t.Any:
        return left.pop(0)

    async def show_later() -> t.Any:
        return left.pop(0)

    view = show_later if later else show
    view.__annotations__["return"] = annotation
    app.add_url_rule("/", "show", view)
    return app


def secrets_of(app: Costrel) -> list[t.Any]:
    """Return the values of which a secret has left an application."""
    client = app.test_client()
    app.logger.disabled = True  # for speed
    try:
        answers = [(value, client.get("/")) for value in VALUES]
    finally:
        app.logger.disabled = False
    assert {answer.status_code for _value, answer in answers} <= {200, 201, 204, 500}
    return [value for value, answer in answers if SECRET in answer.text]


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=repr)
def test_secret_never_leaves(annotation: t.Any) -> None:
    """It is refused before any request, filtered, or a 500."""
    assert secrets_of(app_of(annotation, *VALUES)) == []


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("later", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("annotation", [str, Response, Item, t.Annotated[str, ""], dict[str, int]])
def test_secret_never_leaves_by_another_path(annotation: t.Any, later: bool) -> None:
    """The same of async views, and without plans."""
    assert secrets_of(app_of(annotation, *VALUES, later=later)) == []


def test_secret_leaves_a_view_that_may_return_anything() -> None:
    """So that the tests above would find it."""
    assert len(secrets_of(app_of(t.Any, *VALUES))) > 10


@pytest.mark.parametrize(
    ("annotation", "values"),
    [
        (dict, [[HAS_SECRET], ([HAS_SECRET], 200)]),
        (dict[str, t.Any], [[HAS_SECRET]]),
        (list, [HAS_SECRET]),
        (list[t.Any] | None, [HAS_SECRET]),
        (abc.Sequence[t.Any], [HAS_SECRET]),
        (c.Counter, [HAS_SECRET, [HAS_SECRET]]),
        (dict | str, [[HAS_SECRET]]),
        (tuple[dict[str, t.Any], int], [([HAS_SECRET], 200), [HAS_SECRET]]),
        (Row, [[HAS_SECRET]]),
    ],
    ids=repr,
)
def test_data_of_another_class_never_leaves(annotation: t.Any, values: list[t.Any]) -> None:
    """If the annotation names a class of any content, it is of that class."""
    for value in values:
        assert app_of(annotation, value).test_client().get("/").status_code == 500


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (str, "text", "text"), (str, b"text", "text"), (str, ("text", 200), "text"),
        (Response, Response("text"), "text"), (Response, BaseResponse("text"), "text"),
        (Response, "text", "text"), (str, iter(["te", "xt"]), "text"), (Html, Html("text"), "text"),
        (bytes, ("text", 200, {"X-A": "b"}), "text"), (t.LiteralString, "text", "text"),
        (abc.Iterable[str], iter(["te", "xt"]), "text"), (t.NoReturn, "text", "text"),
        (str, Response('["any"]'), '["any"]'),
        (dict, {"a": [1]}, '{"a":[1]}'), (dict[str, t.Any], c.OrderedDict(a=1), '{"a":1}'),
        (list, [1], "[1]"), (list[t.Any] | dict[str, t.Any], {"a": 1}, '{"a":1}'),
        (t.Any, [1], "[1]"), (t.Any | None, {"a": 1}, '{"a":1}'),
        (c.Counter, c.Counter("a"), '{"a":1}'),
        (abc.Mapping[str, t.Any], {"a": 1}, '{"a":1}'), (abc.Sequence[t.Any], [1], "[1]"),
        (tuple[dict[str, t.Any], int], ({"a": 1}, 200), '{"a":1}'), (T, [1], "[1]"),
        (Row, Row({"a": 1}), '{"a":1}'),
        (abc.Iterable, [1], "[1]"), (abc.Iterable[t.Any], [1], "[1]"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)  # fmt: skip
@pytest.mark.usefixtures("path")
def test_what_is_declared_is_sent(annotation: t.Any, value: t.Any, text: str) -> None:
    """As Flask sends it; text and responses are no data, whatever is declared."""
    for later in (False, True):
        value = iter(["te", "xt"]) if isinstance(value, abc.Iterator) else value
        answer = app_of(annotation, value, later=later).test_client().get("/")
        assert answer.text.strip() == text
        assert answer.status_code == 200


def test_view_without_a_return_annotation_says_nothing() -> None:
    """It answers as in Flask."""
    app = Costrel(__name__)

    @app.get("/<int:number>")
    def show(number: int):  # type: ignore[no-untyped-def]
        return {"number": number}

    assert app.test_client().get("/7").json == {"number": 7}


def test_errors_are_no_data() -> None:
    """Whether they are returned or raised."""
    app = app_of(str, NotFound())
    assert app.test_client().get("/").status_code == 404


def test_error_says_what_was_returned(caplog: pytest.LogCaptureFixture) -> None:
    """Where the view is, and what to write; nothing of the value is in the log."""
    with caplog.at_level(logging.ERROR):
        answer = app_of(Response, HAS_SECRET).test_client().get("/")
    assert answer.status_code == 500
    assert "returned dict, which its return annotation Response does not say" in caplog.text
    assert "test_unsaid.py:" in caplog.text
    assert SECRET not in caplog.text


def test_path_of_what_does_not_fit_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of data that is declared, down to the item; keys are data."""
    with caplog.at_level(logging.ERROR):
        app_of(dict[str, list[int]], {"a": [1, SECRET]}).test_client().get("/")
    assert "does not fit its return annotation dict[str, list[int]] at /.../1" in caplog.text
    assert SECRET not in caplog.text


REFUSED = [
    c.Counter[str], c.defaultdict[str, int], c.OrderedDict[str, int], c.ChainMap[str, int],
    c.deque[int], types.MappingProxyType[str, int], dict[str, c.Counter[str]], abc.KeysView[str],
    dict[str, int] | dict[str, str], list[int] | set[str], c.Counter[str] | str,
    c.Counter[str] | None,
]  # fmt: skip


@pytest.mark.parametrize("annotation", REFUSED, ids=repr)
def test_what_can_not_be_a_schema_is_refused(annotation: t.Any) -> None:
    """Before any request, with the view's place."""
    with pytest.raises(TypeError, match=r"can't be filtered by what it returns.*test_unsaid\.py"):
        check_views(app_of(annotation, None))


class Base(MethodView):
    """A class that says what it returns."""

    def get(self) -> Item:
        """Answer with what is public."""
        return Stored()

    def post(self) -> t.Any:
        """Answer with anything."""
        return {}


class BaseOne(View):
    """The same with one method."""

    def dispatch_request(self) -> list[Item]:
        """Answer with what is public."""
        return [Stored()]


class Called:
    """An object that is called."""

    def __call__(self) -> Item:
        """Answer with what is public."""
        return Stored()

    def answer(self) -> Item:
        """Do the same."""
        return Stored()


class Overrides(Base):
    """Says nothing."""

    def get(self):  # type: ignore[no-untyped-def]
        return HAS_SECRET


class OverridesOne(BaseOne):
    """Says nothing."""

    def dispatch_request(self):  # type: ignore[no-untyped-def]
        return HAS_SECRET


class OverridesCall(Called):
    """Says nothing."""

    __name__ = "called"

    def __call__(self):  # type: ignore[no-untyped-def]
        return HAS_SECRET

    def answer(self):  # type: ignore[no-untyped-def]
        return HAS_SECRET


@pytest.mark.parametrize(
    "view",
    [
        Overrides.as_view("view"), OverridesOne.as_view("view"), OverridesCall(),
        OverridesCall().answer,
    ],
)  # fmt: skip
def test_override_that_says_nothing_is_refused(view: t.Any) -> None:
    """It would send what the method that it overrides filters."""
    app = Costrel(__name__)
    app.add_url_rule("/", "view", view)
    with pytest.raises(
        TypeError, match=r"does not say what it returns.*Write `-> .*Item"
    ) as caught:
        check_views(app)
    assert "test_unsaid.py:" in str(caught.value)


class Inherits(Base):
    """Overrides what says nothing, and what it says itself."""

    def post(self):  # type: ignore[no-untyped-def]
        return {"id": 1}


class InheritsOne(BaseOne):
    """Overrides nothing."""


class SaysAny(Base):
    """Says that it sends everything."""

    def get(self) -> t.Any:
        return {"id": 1, "more": 2}


def test_inherited_methods_are_filtered() -> None:
    """By the annotations of the base."""
    app = Costrel(__name__)
    app.add_url_rule("/methods", view_func=Inherits.as_view("methods"))
    app.add_url_rule("/one", view_func=InheritsOne.as_view("one"))
    app.add_url_rule("/any", view_func=SaysAny.as_view("any"))
    client = app.test_client()
    assert client.get("/methods").json == {"id": 0}
    assert client.post("/methods").json == {"id": 1}
    assert client.get("/one").json == [{"id": 0}]
    assert client.get("/any").json == {"id": 1, "more": 2}


def test_problem_and_json_response_pass() -> None:
    """A view that makes its response itself has decided what leaves."""
    assert app_of(Response, None).test_client().get("/").status_code == 500
    app = Costrel(__name__)

    @app.get("/json")
    def show() -> Response:
        return jsonify(id=1)

    @app.get("/problem", responses={409: Problem})
    def refuse() -> str:
        return t.cast("str", Problem(status=409, title="No"))

    client = app.test_client()
    assert client.get("/json").json == {"id": 1}
    assert client.get("/problem").status_code == 409
