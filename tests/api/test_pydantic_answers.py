"""Typed views that return models of Pydantic."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec
import pydantic
import pytest

from costrel import Costrel
from costrel.api import Page, etag_of, paginate
from costrel.sse import EventStream
from costrel.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("path")


class Author(pydantic.BaseModel):
    """A model in another."""

    model_config = pydantic.ConfigDict(from_attributes=True)

    name: str = pydantic.Field(min_length=1)


class SecretAuthor(Author):
    """One with more in it."""

    secret: str = "hash"


class Book(pydantic.BaseModel):
    """A model whose JSON has another name, a computed field and no field of others."""

    model_config = pydantic.ConfigDict(extra="forbid", from_attributes=True, populate_by_name=True)

    title: str = pydantic.Field(alias="bookTitle")
    author: Author
    added: dt.date | None = None

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def slug(self) -> str:
        """Return the title for URLs."""
        return self.title.lower()


class Row:
    """An object like that of an ORM."""

    title = "Emma"
    secret = "hash"
    added = dt.date(2020, 1, 2)
    author = SecretAuthor(name="Jane")


def client_of(value: t.Any, returns: t.Any) -> FlaskClient:
    """Return a client of an application with one view."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return value

    show.__annotations__["return"] = returns
    app.get("/")(show)
    return app.test_client()


EMMA = {
    "bookTitle": "Emma",
    "author": {"name": "Jane"},
    "added": "2020-01-02",
    "slug": "emma",
}  # fmt: skip
BOOK = Book(title="Emma", author=SecretAuthor(name="Jane"), added=dt.date(2020, 1, 2))


@pytest.mark.parametrize(
    ("returns", "value", "wanted"),
    [
        (Book, BOOK, EMMA),
        (Book, Row(), EMMA),
        (Book | None, BOOK, EMMA),
        (Book | None, None, None),
        (list[Book], [BOOK, Row()], [EMMA, EMMA]),
        (dict[str, Book], {"a": BOOK}, {"a": EMMA}),
        (Author, SecretAuthor(name="Jane"), {"name": "Jane"}),
        (Author, {"name": "Jane", "secret": "hash"}, {"name": "Jane"}),
    ],
)
def test_only_the_fields_of_the_model_are_sent(returns: t.Any, value: t.Any, wanted: t.Any) -> None:
    """In both formats, whatever the value is an instance of."""
    client = client_of(value, returns)
    response = client.get("/")
    assert (response.status_code, response.json) == (200, wanted)
    assert "hash" not in response.text
    packed = client.get("/", headers={"Accept": "application/msgpack"})
    assert msgspec.msgpack.decode(packed.data) == wanted


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        (Author, {"name": ""}),
        (Author, {"secret": "hash"}),
        (Author, 5),
        (Author | None, "hash"),
        (list[Author], {"name": "hash"}),
        (Book, {"bookTitle": "x", "author": {"name": "y"}, "secret": "hash"}),
    ],
)
def test_value_that_does_not_fit_is_an_error(
    returns: t.Any, value: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is sent."""
    response = client_of(value, returns).get("/")
    assert response.status_code == 500
    assert "hash" not in response.text
    assert "does not fit its return annotation" in caplog.text


def test_page_of_models() -> None:
    """A struct may hold them by its parameter."""
    response = client_of(paginate([Row()]), Page[Book]).get("/")
    assert response.json == {"items": [EMMA], "page": 1, "size": 20, "total": 1}
    assert 'rel="last"' in response.headers["Link"]


def test_tag_of_a_model() -> None:
    """It is that of what is sent."""
    assert etag_of(Row(), Book) == etag_of(BOOK, Book)


def test_models_that_cannot_be_told_apart_are_refused() -> None:
    """Otherwise everything that the value has would be sent."""
    client = client_of({"name": "x", "secret": "hash"}, Author | Book)
    client.application.testing = True
    with pytest.raises(TypeError, match="can't be filtered by what it returns"):
        client.get("/")


class Shelf(pydantic.BaseModel):
    """A model with fields that code may put anything into."""

    owner: Author
    note: str = ""
    added: dt.date | None = None
    others: list[Author] = []


class ShelfOf(pydantic.BaseModel):
    """One that is not validated either, in another."""

    shelf: Shelf


SHELF = Shelf(owner=Author(name="Jane"))
SECRET = {"name": "Jane", "secret": "hash"}


def assigned(name: str, value: t.Any) -> Shelf:
    """Return a shelf with a value that nobody has validated."""
    shelf = SHELF.model_copy(deep=True)
    setattr(shelf, name, value)
    return shelf


def appended() -> Shelf:
    """Return one with such a value in its list."""
    shelf = SHELF.model_copy(deep=True)
    shelf.others.append(t.cast("t.Any", SECRET))
    return shelf


UNVALIDATED = {
    "copy": lambda: SHELF.model_copy(update={"owner": SECRET}),
    "construct": lambda: Shelf.model_construct(owner=SECRET, note=""),
    "assignment": lambda: assigned("note", SECRET),
    "list of others": lambda: assigned("others", [SECRET]),
    "text for a date": lambda: assigned("added", "hash"),
    "append": appended,
}


@pytest.mark.parametrize("how", UNVALIDATED)
@pytest.mark.parametrize("in_", ["itself", "list", "optional", "page", "model", "lines", "events"])
def test_model_that_was_not_validated_is_not_sent(
    how: str, in_: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Pydantic takes its own models for valid, and would write all that is in them."""
    shelf = UNVALIDATED[how]()
    if in_ in {"lines", "events"}:
        app = Costrel(__name__)

        @app.get("/lines")
        def lines() -> t.Iterator[Shelf]:
            yield shelf

        @app.get("/events")
        def events() -> EventStream[Shelf]:
            return EventStream(iter([shelf]))

        try:
            text = app.test_client().get(f"/{in_}").text
        except TypeError as error:
            text = str(error)
        assert "hash" not in text
        return
    value, returns = {
        "itself": (shelf, Shelf), "list": ([SHELF, shelf], list[Shelf]),
        "optional": (shelf, Shelf | None), "page": (paginate([shelf]), Page[Shelf]),
        "model": (ShelfOf.model_construct(shelf=shelf), ShelfOf),
    }[in_]  # fmt: skip
    response = client_of(value, returns).get("/")
    assert response.status_code == 500
    assert "hash" not in response.text
    assert "hash" not in caplog.text
    assert "was not validated" in caplog.text


def test_misfit_of_a_model_is_logged_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    """With its place."""
    client_of({"name": ["hash"]}, Author).get("/")
    assert "hash" not in caplog.text
    assert "at /name: Input should be a valid string" in caplog.text


def test_unvalidated_model_that_fits_is_sent() -> None:
    """So are objects of a subclass, with the declared fields."""
    update = {"owner": SecretAuthor(name="Ann"), "secret": "hash"}
    shelf = SHELF.model_copy(deep=True, update=update)
    shelf.others.append(SecretAuthor(name="Ann"))
    assert client_of(shelf, Shelf).get("/").json == {
        "owner": {"name": "Ann"}, "note": "", "added": None, "others": [{"name": "Ann"}],
    }  # fmt: skip
