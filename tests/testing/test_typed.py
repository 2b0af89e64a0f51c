"""Test clients return typed answers, and send structs."""

from __future__ import annotations

import asyncio
import datetime as dt
import typing as t

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from costrel import Costrel, Response, abort, request
from costrel.testing import FlaskClient, UnexpectedResponse


class NewBook(Struct):
    """What clients send."""

    title: t.Annotated[str, Meta(min_length=1)]
    published: dt.date | None = None
    note: str | UnsetType = UNSET


class Book(NewBook, kw_only=True):
    """What clients get."""

    id: int


EMMA = Book(id=1, title="Emma", published=dt.date(1815, 12, 23))


def library():
    """Make an application with a view for each method."""
    app = Costrel(__name__)
    app.testing = True

    @app.get("/books/<int:book_id>")
    def read_book(book_id: int) -> Book:
        return EMMA if book_id == 1 else abort(404, "There is no such book.")

    @app.get("/books")
    def list_books(limit: t.Annotated[int, Meta(ge=1)] = 10) -> list[Book]:
        return [EMMA][:limit]

    @app.post("/books", status=201)
    @app.put("/books")
    @app.patch("/books")
    @app.delete("/books")
    def write_book(book: NewBook) -> Book:
        return Book(id=2, title=book.title, published=book.published, note=book.note)

    @app.post("/raw")
    def raw():
        return Response(request.get_data(), mimetype="application/json")

    @app.get("/page")
    def page():
        return "<h1>Books</h1>"

    @app.get("/slash/")
    def slash() -> Book:
        return EMMA

    @app.get("/packed")
    def packed():
        return Response(msgspec.msgpack.encode(EMMA), mimetype="application/msgpack")

    return app


class _Awaited:
    """An async client, with its methods awaited."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *args, **kwargs: asyncio.run(method(*args, **kwargs))


@pytest.fixture(params=["sync", "async"])
def client(request):
    """Return one of the two clients."""
    app = library()
    return app.test_client() if request.param == "sync" else _Awaited(app.async_test_client())


def test_answer_is_decoded_as_the_type(client):
    """The call returns the value instead of the response."""
    assert client.get("/books/1", type=Book) == EMMA
    assert client.get("/books", type=list[Book]) == [EMMA]
    assert client.get("/books/1", type=dict)["title"] == "Emma"
    assert client.get("/packed", type=Book) == EMMA


def test_answer_without_a_type_is_the_response(client):
    """Nothing changes for tests that do not ask for a type."""
    response = client.get("/books/1")
    assert (response.status_code, response.json["title"]) == (200, "Emma")
    assert client.get("/books/1", type=None).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_struct_is_sent_as_json(client, method):
    """``json=`` takes what a typed view takes, with dates as it reads them."""
    sent = NewBook(title="Emma", published=dt.date(1815, 12, 23))
    answer = getattr(client, method)("/books", json=sent, type=Book)
    assert answer == Book(id=2, title="Emma", published=sent.published)
    assert answer.note is UNSET


def test_structs_inside_other_values_are_sent_as_json(client):
    """A field that is unset is not sent."""
    sent = {"books": [NewBook(title="Emma")]}
    assert client.post("/raw", json=sent, type=dict) == {
        "books": [{"title": "Emma", "published": None}]
    }


def test_other_values_are_sent_as_flask_sends_them(client):
    """The application's JSON provider comes first."""
    sent = {"at": dt.date(1815, 12, 23)}
    assert client.post("/raw", json=sent, type=dict) == {"at": "Sat, 23 Dec 1815 00:00:00 GMT"}


def test_object_that_nothing_serializes_is_refused_by_the_provider(client):
    """The error is the one that Flask's client raises."""
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        client.post("/raw", json={"a": object()})


def test_other_status_fails_the_test_with_what_the_problem_says(client):
    """The failure can be understood without sending the request again."""
    with pytest.raises(UnexpectedResponse) as caught:
        client.get("/books/9", type=Book)
    assert str(caught.value) == (
        "GET /books/9: 404 NOT FOUND instead of Book: There is no such book."
    )
    assert caught.value.response.status_code == 404
    assert isinstance(caught.value, AssertionError)


def test_errors_of_a_problem_are_all_in_the_failure(client):
    """Each is on a line of its own, with its place."""
    with pytest.raises(UnexpectedResponse) as caught:
        client.post("/books", json={"title": "", "published": "soon"}, type=Book)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("POST /books: 422 UNPROCESSABLE ENTITY instead of Book: ")
    assert lines == [
        "  body /title: Expected `str` of length >= 1",
        "  body /published: Invalid RFC3339 encoded date",
    ]


def test_body_that_does_not_fit_fails_the_test(client):
    """The failure says where in the body."""
    with pytest.raises(UnexpectedResponse, match="is no int: Expected `int`, got `object`"):
        client.get("/books/1", type=int)
    with pytest.raises(UnexpectedResponse, match="but its text/html is no Book: JSON is malformed"):
        client.get("/page", type=Book)
    with pytest.raises(UnexpectedResponse, match=r"`array`, got `object`"):
        client.get("/books/1", type=list[Book])


class Model:
    """Stands for a Pydantic model."""

    def __init__(self, title):
        self.title = title

    @classmethod
    def model_validate(cls, value):
        if "title" not in value:
            raise ValueError("title is missing")
        return cls(value["title"])

    def model_dump(self, *, mode):
        assert mode == "json"
        return {"title": self.title}


def test_models_of_pydantic_are_sent_and_returned(client):
    """They are known by their two methods."""
    assert client.post("/raw", json=[Model("Emma")], type=list[Model])[0].title == "Emma"
    with pytest.raises(UnexpectedResponse, match="title is missing"):
        client.post("/raw", json={}, type=Model)


def test_subclass_that_overrides_open_is_called_as_before():
    """COMPAT(Flask): it gets what Flask's client would give it, and no type."""

    class Client(FlaskClient):
        def open(self, *args, **kwargs):
            seen.append((args, kwargs))
            return super().open(*args, **kwargs)

    seen = []
    app = library()
    app.test_client_class = Client
    assert app.test_client().get("/books/1", type=Book) == EMMA
    assert seen == [(("/books/1",), {"method": "GET"})]


def test_redirect_is_an_answer_only_if_it_is_followed(client):
    """A redirect has no value of the type."""
    with pytest.raises(UnexpectedResponse, match="308 PERMANENT REDIRECT instead of Book"):
        client.get("/slash", type=Book)
    assert client.get("/slash", type=Book, follow_redirects=True) == EMMA


def test_answer_without_a_body_is_said_to_be_empty() -> None:
    """What is missing is not the end of some JSON."""
    app = library()
    app.get("/none", endpoint="none")(lambda: ("", 204))
    with pytest.raises(UnexpectedResponse, match=r"204 NO CONTENT without a body, .* no Book"):
        app.test_client().get("/none", type=Book)


def test_models_of_pydantic_are_sent_by_the_names_of_clients():
    """So that the view that takes such a model takes it, also in another and with its own parts."""
    pydantic = pytest.importorskip("pydantic")

    class Author(pydantic.BaseModel):
        first: str = pydantic.Field(validation_alias="firstName")

    class Volume(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")

        title: str = pydantic.Field(alias="bookTitle")
        author: Author = pydantic.Field(serialization_alias="writtenBy")
        others: list[Author] = pydantic.Field(default_factory=list)
        by_name: dict[str, Author] = pydantic.Field(default_factory=dict)
        number: int = pydantic.Field(1, validation_alias=pydantic.AliasChoices("no", "nr"))

        @pydantic.computed_field
        @property
        def slug(self) -> str:
            return self.title.lower()

    app = Costrel(__name__)

    def take(volume):
        return volume == sent

    take.__annotations__ = {"volume": Volume, "return": bool}
    app.post("/")(take)
    author = Author(firstName="Jane")
    sent = Volume(bookTitle="Emma", author=author, others=[author], by_name={"a": author}, no=2)
    assert app.test_client().post("/", json=sent, type=bool)
