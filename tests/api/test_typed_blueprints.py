"""Blueprints whose views are typed, and others whose views are not, on any application."""

import typing as t
from pathlib import Path

import pytest
from msgspec import Struct

from costrel import Blueprint, Costrel, Flask
from costrel.api import Depends

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


def add(n: int) -> int:
    """Add a number from the query."""
    return 1 + n


@pytest.mark.parametrize("is_nested", [False, True])
def test_typed_blueprint_of_an_untyped_application(is_nested: bool) -> None:
    """Its views are typed, with dependencies and options; the others are left alone."""
    app = Flask(__name__)
    api = Blueprint("api", __name__, url_prefix="/api", typed_views=True)
    pages = Blueprint("pages", __name__, url_prefix="/pages", typed_views=False)

    def show(limit: int = 10) -> Item:
        return t.cast("Item", {"id": limit, "more": 1})

    @api.get("/added", status=202)
    def show_added(added: t.Annotated[int, Depends(add)]) -> list[int]:
        return [added]

    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for owner in (app, api, inner, pages):
        owner.add_url_rule("/items", view_func=show)
    api.register_blueprint(inner)
    api.register_blueprint(pages)
    if is_nested:
        outer = Blueprint("outer", __name__)
        outer.register_blueprint(api)
        app.register_blueprint(outer)
    else:
        app.register_blueprint(api)
    client = app.test_client()
    untyped = {"id": 10, "more": 1}
    assert client.get("/items?limit=3").json == untyped
    assert client.get("/api/items?limit=3").json == {"id": 3}
    assert client.get("/api/inner/items?limit=3").json == {"id": 3}
    assert client.get("/api/pages/items?limit=3").json == untyped
    response = client.get("/api/added?n=1")
    assert (response.status_code, response.json) == (202, [2])
    assert client.get("/api/added?n=x").content_type == "application/problem+json"
    assert client.get("/api/pages/none").status_code == 404


def test_untyped_blueprint_of_a_typed_application() -> None:
    """Turned off there only."""
    app = Costrel(__name__)
    pages = Blueprint("pages", __name__, typed_views=False)

    def show(limit: int = 10) -> Item:
        return t.cast("Item", {"id": limit, "more": 1})

    pages.add_url_rule("/pages", view_func=show)
    app.add_url_rule("/items", view_func=show)
    app.register_blueprint(pages)
    client = app.test_client()
    assert client.get("/pages?limit=3").json == {"id": 10, "more": 1}
    assert client.get("/items?limit=3").json == {"id": 3}


@pytest.mark.parametrize(
    ("name", "setting"),
    [("title", "OPENAPI_TITLE"), ("version", "OPENAPI_INFO_VERSION"), ("docs_url", "DOCS_PATH")],
)
def test_application_names_the_setting_for_what_is_no_argument(name: str, setting: str) -> None:
    """Those who come from other frameworks write an argument."""
    options: dict[str, t.Any] = {name: "1"}
    with pytest.raises(TypeError, match=rf"no argument '{name}'\. .*{setting}"):
        Costrel(__name__, **options)


def test_typed_blueprint_serves_its_static_files(tmp_path: Path) -> None:
    """They are no API: each file is sent as it is, and what is missing is an ordinary 404."""
    (tmp_path / "note.txt").write_text("read me")
    app = Costrel(__name__)
    files = Blueprint("files", __name__, static_folder=tmp_path, static_url_path="/kept")
    app.register_blueprint(files)
    client = app.test_client()
    response = client.get("/kept/note.txt", buffered=True)
    assert (response.status_code, response.text) == (200, "read me")
    missing = client.get("/kept/other.txt")
    assert (missing.status_code, missing.mimetype) == (404, "text/html")
    assert "/kept" not in str(client.get("/openapi.json").json["paths"])
