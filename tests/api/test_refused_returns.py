"""Return annotations that filter nothing, or whose values could not be sent."""

import typing as t
from dataclasses import dataclass

import pytest
from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.exceptions import HTTPException

from costrel import Costrel, Response
from costrel.api import CursorPage, Page
from costrel.dispatch.typed import check_views
from costrel.sse import EventStream

T = t.TypeVar("T")


class Item(Struct):
    """A model."""

    id: int


class Shelf(Struct):
    """A model whose field leaves open what it holds."""

    page: Page


@dataclass
class Box(t.Generic[T]):
    """A generic dataclass."""

    content: T


class Model(BaseModel, t.Generic[T]):
    """A generic model of Pydantic's."""

    content: T


class Items(Page[Item]):
    """A page that says what it holds."""


def app_of(annotation: t.Any, **options: t.Any) -> Costrel:
    """Return an application with a view that says that it returns something."""
    app = Costrel(__name__)
    app.testing = True

    def show() -> t.Any:
        items = [{"id": 1, "secret": "hash"}]
        return {"items": items, "page": 1, "size": 1, "total": 1, "next": None, "previous": None}

    show.__annotations__["return"] = annotation
    app.add_url_rule("/", view_func=show, **options)
    return app


OPEN = [
    Page, CursorPage, Box, Model, Shelf, list[Page], Page | None, dict[str, Box], Page[T],
    list[Model], t.Iterator[Page],
]  # fmt: skip


@pytest.mark.parametrize("annotation", OPEN, ids=repr)
def test_generic_class_that_does_not_say_of_what_is_refused(annotation: t.Any) -> None:
    """SECURITY: its items would be sent with everything that they hold."""
    with pytest.raises(TypeError, match=r"Write \w+\[\.\.\.\], as in .*test_refused_returns.py:"):
        app_of(annotation).test_client().get("/")


def test_generic_class_is_refused_in_responses() -> None:
    """As it is in the annotation."""
    with pytest.raises(TypeError, match=r"Write Page\[\.\.\.\]"):
        check_views(app_of(t.Any, responses={200: Page}))


@pytest.mark.parametrize("annotation", [Page[Item], Items, Page[Item] | None], ids=repr)
def test_generic_class_of_a_model_is_filtered(annotation: t.Any) -> None:
    """A class that is derived from one of a model, too."""
    assert app_of(annotation).test_client().get("/").json["items"] == [{"id": 1}]


class Plain:
    """A class without fields."""


class Base(DeclarativeBase):
    """The base of the rows."""


class Row(Base):
    """A row of a database."""

    __tablename__ = "rows"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize(
    "annotation", [Plain, object, Row, list[Row], dict[str, Plain], Row | None], ids=repr
)
def test_class_that_says_nothing_of_what_is_sent_is_refused(annotation: t.Any) -> None:
    """Otherwise the first value would be a 500."""
    with pytest.raises(TypeError, match="does not say what to send, since it is no struct"):
        check_views(app_of(annotation))


@pytest.mark.parametrize(
    "annotation",
    [
        t.Any, list[t.Any], dict, Response, HTTPException, t.NoReturn, t.Iterator[str], dict | str,
        tuple[str, int], t.Mapping[str, t.Any],
    ],
    ids=repr,
)  # fmt: skip
def test_what_flask_sends_is_not_refused(annotation: t.Any) -> None:
    """It is sent by Flask's rules."""
    check_views(app_of(annotation))


def test_generator_function_that_returns_a_response_is_refused() -> None:
    """Its response would never be made."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> EventStream[Item]:
        yield Item(1)

    @app.get("/async")
    async def show_later() -> EventStream[Item]:
        yield Item(1)

    with pytest.raises(TypeError, match=r"write `return EventStream\(events\(\)\)`") as caught:
        check_views(app)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("status", [204, 205, 304])
def test_data_with_a_status_without_body_is_refused(status: int) -> None:
    """It would be lost."""
    for options in ({"status": status}, {"responses": {status: Item}}):
        with pytest.raises(TypeError, match=f"data for the status {status}, whose answers"):
            check_views(app_of(Item, **options))
    check_views(app_of(None, status=status, responses={status: None}))
