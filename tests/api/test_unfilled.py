"""Variables of a rule that a view does not take, and parameters that nothing fills.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import functools
import typing as t

import pytest

from costrel import Blueprint, Costrel
from costrel.api import Depends, Query
from costrel.dispatch.typed import check_views
from costrel.views import MethodView


def takes_other(id: int) -> dict[str, int]:  # noqa: A002  the mistake
    """Have another name than the variable."""
    return {"id": id}


def takes_nothing() -> dict[str, int]:
    """Take no variable."""
    return {}


def takes_unfilled(book_id: int, q) -> dict[str, int]:
    """Have a parameter that nothing fills."""
    return {"id": book_id}


class Methods(MethodView):
    """A class whose method has another name than the variable."""

    def get(self, id: int) -> dict[str, int]:  # noqa: A002  the mistake
        """Have another name than the variable."""
        return {"id": id}


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (takes_other, "variable <book_id> is not taken by the view, which takes 'id'"),
        (takes_nothing, "variable <book_id> is not taken by the view, which takes nothing"),
        (takes_unfilled, "Nothing fills 'q': the rule has no variable <q>"),
        (Methods.as_view("methods"), "variable <book_id> is not taken by the view"),
    ],
)
def test_rule_and_view_that_do_not_fit_are_refused(view: t.Any, said: str) -> None:
    """The error names both, and where the view is."""
    app = Costrel(__name__)
    app.add_url_rule("/<int:book_id>", view_func=view)
    with pytest.raises(TypeError, match=said) as caught:
        check_views(app)
    assert "test_unfilled.py:" in str(caught.value)


def of_rule(book_id: int) -> int:
    """Take the variable."""
    return book_id


def takes_all(**variables: t.Any) -> dict[str, int]:
    """Take whatever there is."""
    return variables


def takes_value(value: t.Annotated[int, Depends(of_rule)]) -> dict[str, int]:
    """Let a dependency take the variable."""
    return {"book_id": value}


def filled(view: t.Any) -> t.Any:
    """Fill the parameter from the variable."""

    @functools.wraps(view)
    def call(book_id: int) -> t.Any:
        return view(id=str(book_id))

    return call


def takes_text(id) -> dict[str, str]:  # noqa: A002
    """Be called by a decorator."""
    return {"book_id": id}


class Decorated(MethodView):
    """A class that is called by a decorator."""

    decorators: t.ClassVar = [filled]

    def get(self, id) -> dict[str, str]:  # noqa: A002
        """Be called by a decorator."""
        return {"book_id": id}


@pytest.mark.parametrize(
    "view", [takes_all, takes_value, filled(takes_text), Decorated.as_view("decorated")]
)
def test_variables_that_something_takes_are_no_mistake(path: str, view: t.Any) -> None:
    """Any parameter, a dependency or a decorator may take them."""
    app = Costrel(__name__)
    app.add_url_rule("/<int:book_id>", view_func=view)
    assert str(app.test_client().get("/7").json["book_id"]) == "7"


def test_variables_may_be_taken_away_before_the_view(path: str) -> None:
    """As a preprocessor does with the language in the prefix of a blueprint; it may add some."""
    app, blueprint = Costrel(__name__), Blueprint("books", __name__, url_prefix="/<language>")

    @blueprint.url_value_preprocessor
    def take(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
        assert values is not None
        values["q"] = values.pop("language")

    @blueprint.get("/")
    def show(q) -> dict[str, str]:
        return {"q": q}

    app.register_blueprint(blueprint)
    assert app.test_client().get("/de/").json == {"q": "de"}


def first(a: int, /) -> dict[str, int]:
    """Require a parameter that has no name for callers."""
    return {"a": a}


def first_of_two(a: int = 3, /) -> dict[str, int]:
    """Have one with a default."""
    return {"a": a}


def first_without(a, /) -> dict[str, int]:
    """Have one without an annotation."""
    return {"a": a}


def one() -> int:
    """Fill a parameter."""
    return 1


def first_depends(a: t.Annotated[int, Depends(one)] = 0, /) -> dict[str, int]:
    """Have one that a dependency is to fill."""
    return {"a": a}


def many(*a: t.Annotated[int, Depends(one)]) -> dict[str, int]:
    """Have any number."""
    return {"a": len(a)}


def named(**a: t.Annotated[str, Query]) -> dict[str, int]:
    """Have any number with names."""
    return {"a": len(a)}


def on_first(a: t.Annotated[int, Depends(first_of_two)]) -> dict[str, int]:
    """Depend on a function with such a parameter."""
    return {"a": a}


def on_many(a: t.Annotated[int, Depends(many)]) -> dict[str, int]:
    """Depend on a function with any number."""
    return {"a": a}


def passed(view: t.Any) -> t.Any:
    """Pass a parameter by position."""

    @functools.wraps(view)
    def call(*args: t.Any, **named: t.Any) -> t.Any:
        return view(1, *args, **named)

    return call


@passed
def first_passed(a: int, /, b: int = 2) -> dict[str, int]:
    """Have one that a decorator passes."""
    return {"a": a, "b": b}


@passed
def first_marked(a: t.Annotated[int, Depends(one)], /) -> dict[str, int]:
    """Have one that a decorator could pass, but a dependency is to fill."""
    return {"a": a}


class Positional(MethodView):
    """A class whose instance has no name for callers."""

    def get(self, /, a: int = 3) -> dict[str, int]:
        """Have an instance that is passed by position, as always."""
        return {"a": a}

    def post(self, a: int = 3, /) -> dict[str, int]:
        """Have a parameter that is, too."""
        return {"a": a}


class PositionalGet(MethodView):
    """The same without the mistake."""

    get = Positional.get


@pytest.mark.parametrize("rule", ["/", "/<int:a>"])
@pytest.mark.parametrize(
    "view", [first, first_of_two, first_without, first_marked, Positional.as_view("positional")]
)
def test_parameters_that_can_not_be_passed_by_name_are_refused(view: t.Any, rule: str) -> None:
    """A request would be a 500, or what the client has sent be ignored."""
    app = Costrel(__name__)
    app.add_url_rule(rule, view_func=view)
    with pytest.raises(TypeError, match=r"'a' is positional-only.*Remove '/'") as caught:
        check_views(app)
    assert "test_unfilled.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (first_depends, r"'a' is positional-only.*Remove '/'"),
        (on_first, r"'a' is positional-only.*The dependency first_of_two"),
        (many, r"Nothing fills '\*a'"),
        (on_many, r"Nothing fills '\*a'.*The dependency many"),
        (named, r"Nothing fills '\*\*a'"),
    ],
)
def test_markers_where_nothing_can_be_passed_are_refused(view: t.Any, said: str) -> None:
    """A dependency on such a parameter may be what guards the view."""
    app = Costrel(__name__)
    app.add_url_rule("/", view_func=view)
    with pytest.raises(TypeError, match=said):
        check_views(app)


def test_parameters_that_something_passes_by_position_are_no_mistake(path: str) -> None:
    """As an instance is, and what a decorator passes."""
    app = Costrel(__name__)
    app.add_url_rule("/passed", view_func=first_passed)
    app.add_url_rule("/class", view_func=PositionalGet.as_view("class"))
    client = app.test_client()
    assert client.get("/passed?b=5").json == {"a": 1, "b": 5}
    assert client.get("/class?a=5").json == {"a": 5}
