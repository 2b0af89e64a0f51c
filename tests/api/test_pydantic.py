"""Pydantic's models in typed views, for applications that have them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import typing as t

import pydantic
import pytest

from costrel import Costrel
from costrel.api import Form, Query
from costrel.api.models import adapter_of
from costrel.dispatch.typed import check_views


class Author(pydantic.BaseModel):
    """A model in another."""

    name: str = pydantic.Field(min_length=1)
    born: dt.date | None = None


class NewBook(pydantic.BaseModel):
    """A document."""

    title: str
    year: int | None = None
    authors: list[Author] = []


class Stored(NewBook):
    """A model with more than its base declares."""

    secret: str = "hash"


class Filters(pydantic.BaseModel):
    """A whole query."""

    model_config = pydantic.ConfigDict(extra="forbid")

    limit: int = pydantic.Field(10, le=100)
    since: dt.date | None = None
    tag: list[str] = []


@pytest.mark.usefixtures("path")
def test_model_is_filled_from_the_body() -> None:
    """Each error has its pointer, and values are held to JSON's types."""
    app = Costrel(__name__)

    @app.post("/")
    def add(book: NewBook) -> list[str]:
        return [book.title, *(author.name for author in book.authors)]

    client = app.test_client()
    data: dict[str, t.Any] = {"title": "x", "authors": [{"name": "Ada", "born": "1815-12-10"}]}
    assert client.post("/", json=data).json == ["x", "Ada"]
    data = {"year": "1815", "authors": [{"name": ""}, {"born": 1}]}
    response = client.post("/", json=data)
    assert response.status_code == 422
    assert [(one["in"], one["pointer"]) for one in response.json["errors"]] == [
        ("body", "/title"),
        ("body", "/year"),
        ("body", "/authors/0/name"),
        ("body", "/authors/1/name"),
        ("body", "/authors/1/born"),
    ]
    assert client.post("/").status_code == 422


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{", 400),
        ('{"title": NaN}', 400),
        ('{"title": "\\ud800"}', 400),
        ("[" * 100_000, 400),
        (f'{{"title": "x", "year": {"9" * 5_000}}}', 400),
        ('{"title": "x", "year": 1e400}', 422),
        ("null", 422),
        ("[]", 422),
    ],
)
def test_hostile_document_is_refused(text: str, status: int) -> None:
    """Also what Pydantic's own parser takes."""
    app = Costrel(__name__)

    @app.post("/")
    async def add(book: NewBook) -> list[str]:
        return [book.title]

    response = app.test_client().post("/", data=text, content_type="application/json")
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


@pytest.mark.usefixtures("path")
def test_model_is_filled_from_the_whole_query() -> None:
    """By the grammar of queries; unknown names are refused if the model forbids them."""
    app = Costrel(__name__)

    @app.get("/")
    def show(filters: t.Annotated[Filters, Query()]) -> list[str]:
        return [str(filters.limit), str(filters.since), *filters.tag]

    client = app.test_client()
    assert client.get("/").json == ["10", "None"]
    response = client.get("/?limit=3&since=2020-01-02&tag=a&tag=b")
    assert response.json == ["3", "2020-01-02", "a", "b"]
    response = client.get("/?limit=1_0&since=x&more=1")
    assert [(one["in"], one["pointer"]) for one in response.json["errors"]] == [
        ("query", "/more"),
        ("query", "/limit"),
        ("query", "/since"),
    ]


def test_model_as_a_form_is_refused() -> None:
    """The error says what to write."""
    app = Costrel(__name__)

    def add(book: t.Annotated[NewBook, Form()]) -> None: ...

    app.add_url_rule("/", view_func=add, methods=["POST"])
    with pytest.raises(TypeError, match="models of Pydantic can't be filled from"):
        check_views(app)


def test_adapter_writes_what_the_type_declares() -> None:
    """SECURITY: a subclass's fields stay inside."""
    adapter = adapter_of(list[NewBook])
    assert adapter is not None
    text = adapter.write([Stored(title="x", authors=[Author(name="Ada")])])
    assert b"secret" not in text
    assert text.startswith(b'[{"title":"x"')


@pytest.mark.parametrize(
    ("annotation", "is_model"),
    [
        (NewBook, True),
        (NewBook | None, True),
        (list[NewBook], True),
        (dict[str, list[NewBook]], True),
        (t.Annotated[NewBook, "text"], True),
        (int, False),
        (list[int], False),
        (t.Literal["NewBook"], False),
    ],
)
def test_annotation_with_a_model_is_recognised(annotation: t.Any, is_model: bool) -> None:
    """Wherever in it the model is."""
    assert (adapter_of(annotation) is not None) is is_model


def test_pydantic_is_not_loaded_for_others() -> None:
    """An application without its models does not pay for it."""
    code = (
        "import sys, costrel, costrel.api\n"
        "app = costrel.Costrel('x')\n"
        "@app.get('/')\n"
        "def show(n: int = 1) -> list[int]: return [n]\n"
        "assert app.test_client().get('/?n=2').json == [2]\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_list_of_models_as_a_query_is_refused() -> None:
    """A query has no objects."""
    app = Costrel(__name__)

    def show(filters: t.Annotated[list[Filters], Query()]) -> None: ...

    app.add_url_rule("/", view_func=show)
    with pytest.raises(TypeError, match="'filters' can't be filled from the query"):
        check_views(app)
