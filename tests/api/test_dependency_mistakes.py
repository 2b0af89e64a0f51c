"""Mistakes in dependencies: errors that name the place, and what to write.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import typing as t

import pytest
from msgspec import Struct
from werkzeug.routing import Rule

from costrel import Blueprint, Costrel, Flask, abort
from costrel.api import Body, Depends, Query

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


def add(n: int, to: int = 1) -> int:
    """Add a number from the query."""
    return to + n


def refuse() -> None:
    """Let no request pass."""
    abort(403)


def circle_a(value: t.Any) -> int:
    """Depend on the one below."""
    return value


def circle_b(value: t.Annotated[int, Depends(circle_a)]) -> int:
    """Depend on the other."""
    return value


circle_a.__annotations__["value"] = t.Annotated[int, Depends(circle_b)]


def old_style(db: t.Any = Depends(add)) -> list[int]:  # noqa: B008  what is refused
    """Have a marker as a default."""
    return [db]


def takes_unknown(db) -> None:
    """Have a parameter that nothing fills."""


def takes_item(item: Item) -> None:
    """Take the body."""


MISTAKES: dict[str, tuple[t.Any, str]] = {
    "circle": (
        t.Annotated[int, Depends(circle_a)],
        "Dependencies need each other: circle_a -> circle_b -> circle_a.",
    ),
    "nothing": (t.Annotated[int, Depends], r"write Depends\(function\), not Depends"),
    "two places": (t.Annotated[int, Depends(add), Query()], "can't be filled by .* and by"),
    "unknown": (t.Annotated[int, Depends(takes_unknown)], "Nothing fills 'db'.*takes_unknown"),
    "default": (
        t.Annotated[int, Depends(old_style)],
        "Write it into the annotation: db: Annotated",
    ),
    "two bodies": (t.Annotated[None, Depends(takes_item)], "Both .*takes_item.* and the view take"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named_with_its_place(name: str) -> None:
    """An error at the first request names the view, its file and line, and what to write."""
    app = Costrel(__name__)
    app.testing = True
    annotation, message = MISTAKES[name]

    def show(item: Item, value: t.Any) -> list[int]:
        return [value]

    show.__annotations__["value"] = annotation
    app.add_url_rule("/", view_func=show, methods=["POST"])
    client = app.test_client()
    with pytest.raises(TypeError, match=message) as caught:
        client.post("/", json={"id": 1})
    assert "test_dependency_mistakes.py:" in str(caught.value)
    assert "for the rule '/'" in str(caught.value)


def test_marker_as_default_is_refused() -> None:
    """With or without an annotation; the error says what to write."""
    app = Costrel(__name__)
    app.testing = True

    def untyped(db=Depends(add)):  # noqa: B008  what is refused
        return [db]

    app.add_url_rule("/typed", view_func=old_style)
    app.add_url_rule("/untyped", view_func=untyped)
    client = app.test_client()
    for url in ("/typed", "/untyped"):
        with pytest.raises(TypeError, match=r"db: Annotated\[\.\.\., Depends\(add\)\]"):
            client.get(url)


def test_markers_are_checked_where_they_are_written() -> None:
    """What can't be called, and a function instead of a marker."""
    with pytest.raises(TypeError, match=r"takes a function, not 3.*test_dependency_mistakes.py:"):
        Depends(3)  # type: ignore[arg-type]
    app = Costrel(__name__, dependencies=[refuse])
    app.testing = True
    app.get("/", endpoint="show")(lambda: "")
    with pytest.raises(TypeError, match=r"Write Depends\(refuse\)"):
        app.test_client().get("/")


def test_dependency_of_a_variable_can_t_be_filled_twice() -> None:
    """The rule fills it already."""
    app = Costrel(__name__)
    app.testing = True

    @app.get("/<int:n>")
    def show(n: t.Annotated[int, Depends(add)]) -> list[int]:
        return [n]

    with pytest.raises(TypeError, match="'n' is filled by the rule already"):
        app.test_client().get("/1")


def test_body_marker_in_a_dependency_of_get_is_refused() -> None:
    """As in a view: such requests have no body."""
    app = Costrel(__name__)
    app.testing = True

    def take(values: t.Annotated[dict[str, int], Body()]) -> None: ...

    @app.get("/")
    def show(value: t.Annotated[None, Depends(take)]) -> list[int]:
        return []

    with pytest.raises(TypeError, match=r"have none.*take"):
        app.test_client().get("/")


def test_dependencies_of_untyped_views_are_refused() -> None:
    """They may check who sends the request, so they are never ignored."""
    app = Flask(__name__)
    blueprint = Blueprint("admin", __name__, dependencies=[Depends(refuse)])
    blueprint.get("/", endpoint="show")(lambda: "")
    with pytest.raises(TypeError, match=r"dependencies=.* is for typed views, which are off"):
        app.register_blueprint(blueprint)

    async def converse() -> None: ...

    with pytest.raises(TypeError, match=r"WebSockets are not\. .*before_websocket"):
        Costrel(__name__).websocket("/", dependencies=[Depends(refuse)])(converse)


def guarded_apps() -> t.Iterator[tuple[str, Costrel]]:
    """Make applications where the application, a blueprint and a rule have a dependency."""
    guards = [Depends(refuse)]
    for where in ("application", "blueprint", "outer blueprint", "rule"):
        app = Costrel(__name__, dependencies=guards if where == "application" else ())
        inner = Blueprint("inner", __name__, dependencies=guards if where == "blueprint" else ())
        outer = Blueprint(
            "outer", __name__, dependencies=guards if where == "outer blueprint" else ()
        )
        own: dict[str, t.Any] = {"dependencies": guards} if where == "rule" else {}
        inner.get("/", endpoint="show", **own)(lambda: "shown")
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        app.testing = True
        yield where, app


@pytest.mark.parametrize("requested", [False, True])
def test_typed_views_can_t_be_turned_off_below_dependencies(requested: bool) -> None:
    """Whether the rule was requested before or not: they would be ignored."""
    for where, app in guarded_apps():
        client = app.test_client()
        if requested:
            assert client.get("/").status_code == 403
        app.config["TYPED_VIEWS"] = False
        with pytest.raises(TypeError, match=r"dependencies=.*(would not run before|are off)"):
            pytest.fail(f"{where}: {client.get('/').text}")
        app.config["TYPED_VIEWS"] = True
        assert client.get("/").status_code == 403


def test_rule_in_the_map_has_the_dependencies_of_its_blueprint() -> None:
    """On an application without typed views it is an error, since they would be ignored."""
    for cls, status in ((Costrel, 403), (Flask, 500)):
        app = cls(__name__)
        app.register_blueprint(Blueprint("admin", __name__, dependencies=[Depends(refuse)]))
        app.url_map.add(Rule("/", endpoint="admin.show"))
        app.view_functions["admin.show"] = lambda: "shown"
        assert app.test_client().get("/").status_code == status


def test_documentation_stays_without_typed_views() -> None:
    """The application's dependencies do not guard it, so that nothing is ignored."""
    app = Costrel(__name__, dependencies=[Depends(refuse)])
    client = app.test_client()
    assert client.get("/openapi.json").status_code == 200
    app.config["TYPED_VIEWS"] = False
    assert client.get("/openapi.json").status_code == 200
