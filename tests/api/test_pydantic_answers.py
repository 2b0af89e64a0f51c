"""Typed views that return models of Pydantic."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec
import pydantic
import pytest

from costrel import Costrel
from costrel.api import Page, etag_of, paginate
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
