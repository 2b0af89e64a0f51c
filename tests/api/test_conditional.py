"""Conditional requests: entity tags, 304, 412 and 428."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from msgspec import Struct

from costrel import Costrel, request
from costrel.api import check_preconditions, etag_of
from costrel.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("path")

MSGPACK = "application/msgpack"
CHANGED = dt.datetime(2020, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)
DATE = "Thu, 02 Jan 2020 03:04:05 GMT"
EARLIER = "Thu, 02 Jan 2020 03:04:04 GMT"


class Book(Struct):
    """A model."""

    title: str


class StoredBook(Book):
    """A model with more than its base declares."""

    secret: str = "hash"


def make_client(**options: t.Any) -> FlaskClient:
    """Return a client of a book that can be read and replaced, and of one that is not there."""
    app = Costrel(__name__)
    books = {"emma": StoredBook("Emma")}
    modified = options.pop("modified", None)
    required = options.pop("required", False)

    def check(name: str) -> None:
        tag = etag_of(books[name], Book) if name in books else None
        check_preconditions(tag, modified, required=required)

    @app.get("/<name>")
    def read(name: str) -> Book:
        check(name)
        return books[name]

    @app.put("/<name>")
    def replace(name: str, book: Book) -> Book:
        check(name)
        books[name] = StoredBook(book.title)
        return books[name]

    return app.test_client()


TAG = etag_of(Book("Emma"))


def test_tag_is_that_of_what_is_sent() -> None:
    """Whatever the value is an instance of, if the type is said; without, that of all of it."""
    assert etag_of(StoredBook("Emma"), Book) == TAG
    assert etag_of({"title": "Emma", "secret": "x"}, Book) == TAG
    assert etag_of([StoredBook("Emma")], list[Book]) == etag_of([Book("Emma")])
    assert etag_of(StoredBook("Emma")) != TAG
    assert etag_of(Book("Emma!")) != TAG
    assert etag_of("text") == etag_of(b"text")
    assert TAG[0] == TAG[-1] == '"'
    with pytest.raises(TypeError):
        etag_of(object())


# Conditions of a request -> the status of GET, and of PUT.
CONDITIONS: list[tuple[dict[str, str], int, int]] = [
    ({}, 200, 200),
    ({"If-None-Match": TAG}, 304, 412),
    ({"If-None-Match": f"W/{TAG}"}, 304, 412),
    ({"If-None-Match": f'"x", {TAG}'}, 304, 412),
    ({"If-None-Match": "*"}, 304, 412),
    ({"If-None-Match": '"x"'}, 200, 200),
    ({"If-None-Match": ""}, 200, 200),
    ({"If-Match": TAG}, 200, 200),
    ({"If-Match": "*"}, 200, 200),
    ({"If-Match": f'"x", {TAG}'}, 200, 200),
    ({"If-Match": f"W/{TAG}"}, 412, 412),
    ({"If-Match": '"x"'}, 412, 412),
    ({"If-Match": ""}, 412, 412),
    ({"If-Match": "nonsense, ,"}, 412, 412),
    ({"If-Modified-Since": DATE}, 304, 200),
    ({"If-Modified-Since": EARLIER}, 200, 200),
    ({"If-Modified-Since": "nonsense"}, 200, 200),
    ({"If-Modified-Since": DATE, "If-None-Match": '"x"'}, 200, 200),
    ({"If-Unmodified-Since": DATE}, 200, 200),
    ({"If-Unmodified-Since": EARLIER}, 412, 412),
    ({"If-Unmodified-Since": "nonsense"}, 200, 200),
    ({"If-Unmodified-Since": EARLIER, "If-Match": TAG}, 200, 200),
    ({"If-Match": TAG, "If-None-Match": TAG}, 304, 412),
]


@pytest.mark.parametrize(("headers", "of_get", "of_put"), CONDITIONS, ids=str)
def test_conditions_are_compared_as_rfc_9110_says(
    headers: dict[str, str], of_get: int, of_put: int
) -> None:
    """Tags strongly for If-Match and weakly for If-None-Match, dates if there is no tag."""
    client = make_client(modified=CHANGED)
    response = client.get("/emma", headers=headers)
    assert response.status_code == of_get
    if of_get == 412:
        assert response.json["status"] == 412
        assert "ETag" not in response.headers
    else:
        assert response.headers["ETag"] == TAG
        # Of 304, Werkzeug leaves it out.
        assert response.headers.get("Last-Modified") == (None if of_get == 304 else DATE)
        assert response.headers["Vary"] == "Accept"
        assert (response.data == b"") == (of_get == 304)
    assert client.head("/emma", headers=headers).status_code == of_get
    response = client.put("/emma", json={"title": "Persuasion"}, headers=headers)
    assert response.status_code == of_put
    assert "ETag" not in response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"If-None-Match": "*"}, 200), ({"If-Match": "*"}, 412), ({"If-Match": TAG}, 412)],
    ids=str,
)
def test_what_is_not_there_matches_nothing(headers: dict[str, str], status: int) -> None:
    """`If-None-Match: *` creates it, if nobody else has."""
    client = make_client()
    response = client.put("/new", json={"title": "New"}, headers=headers)
    assert response.status_code == status
    if "If-None-Match" in headers:
        again = client.put("/new", json={"title": "New"}, headers=headers)
        assert again.status_code == 412


def test_condition_may_be_required() -> None:
    """428 for a change that does not say what it changes; reading needs none."""
    client = make_client(required=True, modified=CHANGED)
    response = client.put("/emma", json={"title": "x"})
    assert (response.status_code, response.json["status"]) == (428, 428)
    assert (
        client.put("/emma", json={"title": "x"}, headers={"If-None-Match": "*"}).status_code == 428
    )
    assert client.get("/emma").status_code == 200
    assert client.put("/emma", json={"title": "x"}, headers={"If-Match": TAG}).status_code == 200
    assert client.put("/emma", json={"title": "y"}, headers={"If-Match": TAG}).status_code == 412


def test_formats_have_different_tags() -> None:
    """304 is for the format that the client has; a change may name either."""
    client = make_client()
    packed = client.get("/emma", headers={"Accept": MSGPACK})
    tag = packed.headers["ETag"]
    assert packed.mimetype == MSGPACK
    assert tag != TAG
    assert client.get("/emma", headers={"If-None-Match": tag}).status_code == 200
    headers = {"If-None-Match": tag, "Accept": MSGPACK}
    assert client.get("/emma", headers=headers).status_code == 304
    assert (
        client.put("/emma", json={"title": "x"}, headers={"If-None-Match": tag}).status_code == 412
    )
    assert client.put("/emma", json={"title": "x"}, headers={"If-Match": tag}).status_code == 200


def test_any_text_can_be_a_tag() -> None:
    """Such as the number of a version; what can't be one is the view's error."""
    app = Costrel(__name__)
    app.testing = True

    @app.get("/<tag>")
    def show(tag: str) -> Book:
        check_preconditions(request.args.get("tag", tag))
        return Book("x")

    client = app.test_client()
    assert client.get("/17").headers["ETag"] == '"17"'
    assert client.get("/17", headers={"If-None-Match": '"17"'}).status_code == 304
    assert client.get('/"17"').headers["ETag"] == '"17"'
    for wrong in ('W/"17"', "a b", "é", 'a"b', "a\n", ""):
        with pytest.raises(ValueError, match="can't be an entity tag"):
            client.get("/x", query_string={"tag": wrong})


def test_date_without_a_zone_is_utc() -> None:
    """As databases have it."""
    client = make_client(modified=CHANGED.replace(tzinfo=None))
    assert client.get("/emma").headers["Last-Modified"] == DATE
    assert client.get("/emma", headers={"If-Modified-Since": DATE}).status_code == 304


def test_error_has_no_tag() -> None:
    """The tag is that of what the view did not send."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> Book:
        check_preconditions("1")
        return t.cast("Book", {"title": 1})

    response = app.test_client().get("/")
    assert response.status_code == 500
    assert "ETag" not in response.headers


@pytest.mark.parametrize("is_async", [False, True])
def test_rule_may_tag_what_is_sent(is_async: bool) -> None:
    """`etag=True` hashes the JSON, with which a view's own check agrees."""
    app = Costrel(__name__)
    if is_async:

        @app.get("/", etag=True)
        async def show_later() -> Book:
            return StoredBook("Emma")

    else:

        @app.get("/", etag=True)
        def show() -> Book:
            return StoredBook("Emma")

    @app.post("/", etag=True)
    def add() -> Book:
        return Book("Emma")

    client = app.test_client()
    response = client.get("/")
    assert (response.headers["ETag"], response.headers["Vary"]) == (TAG, "Accept")
    same = client.get("/", headers={"If-None-Match": TAG})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", TAG)
    assert same.headers["Vary"] == "Accept"
    assert client.head("/", headers={"If-None-Match": TAG}).status_code == 304
    assert client.get("/", headers={"If-None-Match": '"x"'}).json == {"title": "Emma"}
    packed = client.get("/", headers={"Accept": MSGPACK})
    assert packed.headers["ETag"] not in {TAG, None}
    headers = {"Accept": MSGPACK, "If-None-Match": packed.headers["ETag"]}
    assert client.get("/", headers=headers).status_code == 304
    assert "ETag" not in client.post("/").headers


def test_view_with_a_tag_of_its_own_keeps_it() -> None:
    """Also beside `etag=True`; an answer that is no 200 gets none."""
    app = Costrel(__name__)

    @app.get("/own", etag=True)
    def show() -> Book:
        return t.cast("Book", (Book("x"), {"ETag": '"own"'}))

    @app.get("/other", etag=True)
    def show_other() -> Book:
        return t.cast("Book", (Book("x"), 203))

    client = app.test_client()
    assert client.get("/own").headers["ETag"] == '"own"'
    assert client.get("/own", headers={"If-None-Match": '"own"'}).status_code == 304
    assert "ETag" not in client.get("/other").headers
