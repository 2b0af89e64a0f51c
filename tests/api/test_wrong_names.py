"""Annotations that can't be evaluated: the error names the view, and all of them are told."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

import pydantic
import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import Depends
from costrel.dispatch.typed import check_views
from costrel.openapi import document_of

if t.TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class Loan(Struct):
    """A model with a wrong name."""

    end: dt.datetme  # type: ignore[name-defined]


@dataclass
class Broken:
    """A model with a division by zero."""

    end: [1 / 0]  # type: ignore[valid-type]


class Undefined(pydantic.BaseModel):
    """A model of Pydantic's with a name that is not there."""

    end: Missing


class Holder(pydantic.BaseModel):
    """One that has the other in it."""

    inner: Undefined | None = None


def depend(end: dt.datetme) -> int:  # type: ignore[name-defined]
    """Have a wrong name."""
    return 1


def in_view(end: dt.datetme) -> str:  # type: ignore[name-defined]
    """Have a wrong name in a parameter."""
    return ""


def in_returned() -> dt.datetme:  # type: ignore[name-defined]
    """Have a wrong name in what it returns."""


def in_model(loan: Loan) -> str:
    """Take a model with a wrong name."""
    return ""


def in_sent() -> list[Loan]:
    """Send models with a wrong name."""
    return []


def in_broken(broken: Broken) -> str:
    """Take a model that raises another error."""
    return ""


def in_dependency(end: t.Annotated[int, Depends(depend)]) -> str:
    """Depend on a function with a wrong name."""
    return ""


def in_pydantic(model: Undefined) -> str:
    """Take a model of Pydantic's."""
    return ""


def in_pydantic_sent() -> list[Undefined]:
    """Send models of Pydantic's."""
    return []


def in_pydantic_held(model: Holder) -> str:
    """Take a model of Pydantic's that has another in it."""
    return ""


ATTRIBUTE = "AttributeError: module 'datetime' has no attribute 'datetme'"
MISSING = "name 'Missing' is not defined. Import or define it"
VIEWS: list[tuple[t.Any, str]] = [
    (in_view, ATTRIBUTE),
    (in_returned, ATTRIBUTE),
    (in_model, ATTRIBUTE),
    (in_sent, ATTRIBUTE),
    (in_dependency, ATTRIBUTE),
    (in_broken, "ZeroDivisionError: division by zero"),
    (in_pydantic, MISSING),
    (in_pydantic_sent, MISSING),
    (in_pydantic_held, MISSING),
]


@pytest.mark.parametrize(("view", "said"), VIEWS)
def test_annotation_that_raises_is_told_with_its_view(view: t.Any, said: str) -> None:
    """Whatever it raises, wherever it is: it would be a 500 of each request."""
    app = Costrel(__name__)
    app.post("/")(view)
    with pytest.raises(TypeError) as caught:
        check_views(app)
    message = str(caught.value)
    assert said in message
    assert f"(The view {view.__name__} (" in message
    assert "test_wrong_names.py:" in message


def test_all_annotations_that_raise_are_told_together() -> None:
    """One does not hide the others."""
    app = Costrel(__name__)
    for view, _said in VIEWS:
        app.post(f"/{view.__name__}")(view)
    with pytest.raises(TypeError) as caught:
        check_views(app)
    assert all(f"The view {view.__name__} (" in str(caught.value) for view, _said in VIEWS)


def test_annotation_of_a_webhook_that_raises_is_told_with_its_function() -> None:
    """The document is made of it."""
    app = Costrel(__name__)

    @app.webhook("loan")
    def loan(loan: Loan) -> None: ...

    with pytest.raises(TypeError, match=r"AttributeError.*The function .*test_wrong_names.py:"):
        document_of(app)
