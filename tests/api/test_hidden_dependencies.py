"""SECURITY: a `Depends` where it would say nothing is refused; else clients could fill its place.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import dataclasses
import typing as t

import attrs
import pydantic
import pytest
from msgspec import Struct
from typing_extensions import TypeAliasType

from costrel import Costrel, abort, request
from costrel.api import Depends, Header, Query
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


def find_user() -> str:
    """Find who sends the request."""
    if "token" not in request.headers:
        abort(401)
    return "admin"


User = t.Annotated[str, Depends(find_user)]


class Filled(Struct):
    """A struct with a field that clients may not fill."""

    user: User = "nobody"


class FilledByDefault(Struct):
    """One with the marker as its default."""

    user: str = Depends(find_user)  # type: ignore[assignment]


class Outer(Struct):
    """One that has it further inside."""

    inner: list[Filled]


@dataclasses.dataclass
class FilledDataclass:
    """A dataclass with such a field."""

    user: User = "nobody"


@attrs.define
class FilledAttrs:
    """A class of attrs with such a field."""

    user: User = "nobody"


class FilledDict(t.TypedDict):
    """A dictionary with such a key."""

    user: t.NotRequired[User]


class FilledTuple(t.NamedTuple):
    """A tuple with such an item."""

    user: User = "nobody"


class FilledModel(pydantic.BaseModel):
    """A model of Pydantic's with such a field."""

    user: User = "nobody"


class FilledOptionalModel(pydantic.BaseModel):
    """One where the field may be None."""

    user: User | None = None


HIDDEN: dict[str, t.Any] = {
    "union": User | None,
    "list": list[User],
    "dictionary": dict[str, User],
    "tuple": tuple[int, User],
    "class": t.Annotated[str, Depends] | None,
    "alias": TypeAliasType("Alias", User) | None,
    "alias of a union": TypeAliasType("Alias", User | None),
    "new type": t.NewType("New", User),
    "query": t.Annotated[User | None, Query()],
    "another dependency": t.Annotated[User | None, Depends(find_user)],
    "struct": Filled,
    "struct or None": Filled | None,
    "struct of the query": t.Annotated[Filled, Query()],
    "default": FilledByDefault,
    "nested": Outer,
    "dataclass": FilledDataclass,
    "attrs": FilledAttrs,
    "typed dict": FilledDict,
    "named tuple": list[FilledTuple],
    "Pydantic": FilledModel,
    "Pydantic in the query": t.Annotated[FilledModel, Query()],
    "Pydantic, a part of a field": FilledOptionalModel,
}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_marker_is_refused(name: str, nested: bool) -> None:
    """In views and dependencies: the error says what to write, and no client fills the place."""
    app = Costrel(__name__)
    app.testing = True

    def take(user: t.Any = None) -> list[t.Any]:
        return [user]

    take.__annotations__["user"] = HIDDEN[name]

    @app.post("/nested")
    def show(taken: t.Annotated[list[t.Any], Depends(take)]) -> list[t.Any]:
        return taken

    app.add_url_rule("/", view_func=take, methods=["POST"])
    url = "/nested?user=admin" if nested else "/?user=admin"
    with pytest.raises(
        TypeError, match=r"says nothing. Put it around all of it. .*hidden_dep.*py:"
    ):
        app.test_client().post(url, json={"user": "admin"})


def test_hidden_marker_of_a_class_based_view_is_refused() -> None:
    """As in a function."""
    app = Costrel(__name__)
    app.testing = True

    class Show(MethodView):
        def get(self, user: User | None = None) -> list[t.Any]:
            return [user]

    app.add_url_rule("/", view_func=Show.as_view("show"))
    with pytest.raises(TypeError, match=r"Put it around all of it"):
        app.test_client().get("/?user=admin")


def test_marker_in_an_alias_is_around_all_of_it() -> None:
    """The alias stands for its whole annotation, so the dependency fills the parameter."""
    app = Costrel(__name__)
    alias = TypeAliasType("alias", User)

    def show(user: t.Any = None) -> list[str]:
        return [user]

    show.__annotations__["user"] = alias
    app.add_url_rule("/", view_func=show)
    client = app.test_client()
    assert client.get("/?user=root").status_code == 401
    assert client.get("/?user=root", headers={"Token": "1"}).json == ["admin"]


def test_places_in_an_alias_count() -> None:
    """A header is not read from the query because its annotation has a name."""
    app = Costrel(__name__)
    alias = TypeAliasType("alias", t.Annotated[str, Header()])

    def show(token: t.Any = "") -> list[str]:
        return [token]

    show.__annotations__["token"] = alias
    app.add_url_rule("/", view_func=show)
    shown = app.test_client().get("/?token=query", headers={"Token": "header"})
    assert shown.json == ["header"]


@pytest.mark.parametrize("marker", [Header, Header()])
def test_place_inside_of_an_annotation_is_refused(marker: t.Any) -> None:
    """Also below an alias, or written as a class."""
    for hidden in (
        t.Annotated[str, marker] | None,
        TypeAliasType("alias", t.Annotated[str, marker]) | None,
        t.Annotated[TypeAliasType("alias", t.Annotated[str, marker]), Query()],
    ):
        app = Costrel(__name__)
        app.testing = True

        def show(token: t.Any = "") -> list[str]:
            return [token]

        show.__annotations__["token"] = hidden
        app.add_url_rule("/", view_func=show)
        with pytest.raises(TypeError, match=r"Annotated\[str \| None, Header\(\)\]"):
            app.test_client().get("/")


def test_class_that_is_a_dependency_may_have_markers_on_its_fields() -> None:
    """It is made with what fills them."""
    app = Costrel(__name__)

    @app.get("/")
    def show(filled: t.Annotated[FilledDataclass, Depends(FilledDataclass)]) -> list[str]:
        return [filled.user]

    client = app.test_client()
    assert client.get("/?user=root").status_code == 401
    assert client.get("/?user=root", headers={"Token": "1"}).json == ["admin"]
