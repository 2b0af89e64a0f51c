"""Answers that can't be sent as the view or the client wants them, over both interfaces."""

from __future__ import annotations

import asyncio
import enum
import typing as t

import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Problem, etag_of
from costrel.dispatch.plan import FORCE_LOOP
from costrel.dispatch.typed import check_views
from costrel.openapi import document_of

Ask = t.Callable[..., t.Any]

JSON, PROBLEM, MSGPACK = "application/json", "application/problem+json", "application/msgpack"
BIG = 10**30


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"


class Book(Struct):
    """A model."""

    title: str


class Painted(Struct):
    """A model with a value of several."""

    color: Color = Color.RED
    kind: t.Literal["book"] = "book"


def send(app: Costrel, way: str, url: str, method: str, options: dict[str, t.Any]) -> t.Any:
    """Send a request over an interface, and return the response."""
    if way == "wsgi":
        return app.test_client().open(url, method=method, **options)
    return asyncio.run(app.async_test_client().open(url, method=method, **options))


@pytest.fixture(params=["wsgi", "asgi", "loop"])
def ask(request: pytest.FixtureRequest, path: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return what sends a request: over each interface, and on each path."""
    if request.param == "loop":
        monkeypatch.setenv(FORCE_LOOP, "1")
    return lambda app, url, method="GET", **options: send(app, request.param, url, method, options)


def tagged() -> Book:
    """Return a book."""
    return Book("Emma")


def tagged_or_not() -> Book | tuple[Problem, t.Literal[404]]:
    """Return a book, and declare a problem."""
    return Book("Emma")


def tagged_itself() -> Book:
    """Return a book with a weak tag."""
    return t.cast("Book", (Book("Emma"), {"ETag": 'W/"own"'}))


@pytest.mark.parametrize("view", [tagged, tagged_or_not, tagged_itself])
@pytest.mark.parametrize("accept", [JSON, MSGPACK])
def test_other_version_than_a_client_demands_is_not_sent(
    ask: Ask, view: t.Any, accept: str
) -> None:
    """It would be the body of an error, which the client must not take for the version."""
    app = Costrel(__name__)
    app.get("/", etag=True)(view)
    headers = {"If-Match": '"other"', "Accept": accept}
    answer = ask(app, "/", headers=headers)
    assert (answer.status_code, answer.content_type) == (412, PROBLEM)
    assert answer.json["detail"] == "There is another version now than If-Match names."
    assert b"Emma" not in answer.data
    assert ask(app, "/", "HEAD", headers=headers).status_code == 412
    assert "412" in document_of(app)["paths"]["/"]["get"]["responses"]


def test_version_that_a_client_demands_is_sent(ask: Ask) -> None:
    """As is any if it demands none."""
    app = Costrel(__name__)
    app.get("/", etag=True)(tagged)
    answer = ask(app, "/", headers={"If-Match": etag_of(Book("Emma"))})
    assert (answer.status_code, answer.json) == (200, {"title": "Emma"})
    assert ask(app, "/").status_code == 200


def test_other_version_of_the_documentation_is_not_sent(ask: Ask) -> None:
    """It has tags too."""
    app = Costrel(__name__)
    answer = ask(app, "/openapi.json", headers={"If-Match": '"other"'})
    assert answer.status_code == 412
    assert b"openapi" not in answer.data


def test_number_that_messagepack_can_not_hold_is_sent_as_json_after_a_change(ask: Ask) -> None:
    """The change is done: an error would tell the client that it is not."""
    app = Costrel(__name__)
    done = []

    @app.route("/", methods=["GET", "POST", "PUT", "DELETE"])
    def count() -> dict[str, int]:
        done.append(1)
        return {"n": BIG}

    headers = {"Accept": MSGPACK}
    assert ask(app, "/", headers=headers).status_code == 406
    for method in ("POST", "PUT", "DELETE"):
        done.clear()
        answer = ask(app, "/", method, headers=headers)
        assert (answer.status_code, answer.content_type) == (200, JSON)
        assert (answer.json, done) == ({"n": BIG}, [1])
        assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize("status", ["0200", " 200", "200OK", "", "x", 600, 999, 99, b"0200", "٢٠٠"])
@pytest.mark.parametrize("options", [{"responses": {200: Book}}, {}])
def test_data_with_a_status_that_is_none_is_not_sent(
    ask: Ask, status: t.Any, options: t.Any
) -> None:
    """No type would be looked up for it, though Werkzeug may read it as 200."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return {"title": "Emma", "secret": "hash"}, status

    if not options:
        show.__annotations__ = {"return": Book}
    app.get("/", **options)(show)
    answer = ask(app, "/")
    assert answer.status_code == 500
    assert b"hash" not in answer.data


@pytest.mark.parametrize("status", ["200", "200 OK", 200])
def test_data_with_a_status_in_any_spelling_is_filtered(ask: Ask, status: t.Any) -> None:
    """A number, or a line that begins with it."""
    app = Costrel(__name__)

    @app.get("/", responses={200: Book})
    def show() -> t.Any:
        return {"title": "Emma", "secret": "hash"}, status

    answer = ask(app, "/")
    assert (answer.status_code, answer.json) == (200, {"title": "Emma"})


@pytest.mark.parametrize("status", [999, 99, 0, "201", 200.0])
@pytest.mark.parametrize("annotation", [Book, None, t.Any])
def test_status_of_a_rule_that_is_none_is_refused(status: t.Any, annotation: t.Any) -> None:
    """The document would be invalid, and so would be the answers."""
    app = Costrel(__name__)

    def show() -> t.Any: ...

    show.__annotations__ = {"return": annotation}
    app.get("/", status=status)(show)
    with pytest.raises(TypeError, match=r"status=.* is no status code from 100 to 599.*The view"):
        check_views(app)


@pytest.mark.parametrize("value", [{"color": "SECRET"}, {"kind": "SECRET"}])
def test_value_that_is_none_of_several_is_not_logged(
    ask: Ask, value: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the place, and what it had to be."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> Painted:
        return t.cast("Painted", value)

    assert ask(app, "/").status_code == 500
    assert f"at /{next(iter(value))}: Invalid enum value" in caplog.text
    assert "SECRET" not in caplog.text


class Converted:
    """An iterator with a method of a name that Costrel knows of its own streams."""

    def __init__(self) -> None:
        self._items = iter([{"title": "Emma", "secret": "hash"}])

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> t.Any:
        return next(self._items)

    def convert(self, make: t.Any) -> None:
        """Do anything else."""


def test_lines_of_an_iterator_with_a_method_of_that_name_are_filtered(ask: Ask) -> None:
    """The method is the application's."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> t.Iterator[Book]:
        return t.cast("t.Iterator[Book]", Converted())

    assert ask(app, "/").data == b'{"title":"Emma"}\n'
