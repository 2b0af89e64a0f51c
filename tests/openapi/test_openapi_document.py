"""Documents: which operations are in them, under which ids, and when they change."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from functools import partial

import pytest
from msgspec import Struct
from openapi_library import make_app
from openapi_spec_validator import validate

from costrel import Blueprint, Costrel, Flask
from costrel.openapi import document_of, versions_of
from costrel.views import MethodView, View


class Item(Struct):
    """A model."""

    id: int


def ids(app: Flask, version: str | None = None) -> dict[str, str]:
    """Return operations by id, of a document that is valid."""
    document = document_of(app, version)
    validate(document)
    return {
        operation["operationId"]: f"{method} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_ids_are_endpoints() -> None:
    """With the method, where an endpoint has several."""
    assert ids(make_app()) == {
        "books.read_book": "get /v1/books/{book_id}",
        "books.list_books": "get /v1/books/",
        "books.add_book": "post /v1/books/",
        "books.add_cover": "post /v1/books/{book_id}/cover",
        "add_shape": "post /shapes",
        "page": "get /page",
        "plain": "get /plain/{name}",
        "shelf_get": "get /shelves/{number}",
        "shelf_delete": "delete /shelves/{number}",
    }


def test_rules_of_one_endpoint_are_numbered() -> None:
    """In the order in which they were registered."""
    app = Costrel(__name__)

    @app.get("/pages")
    @app.get("/pages/<int:page>")
    def pages(page: int = 1) -> list[int]:
        return [page]

    assert ids(app) == {"pages": "get /pages/{page}", "pages_2": "get /pages"}


def test_two_operations_with_one_id_are_an_error_that_names_both() -> None:
    """A generated client could not have both."""
    app = Costrel(__name__)

    @app.get("/a", operation_id="same")
    def one() -> Item:
        return Item(1)

    @app.get("/b", operation_id="same")
    def two() -> Item:
        return Item(2)

    with pytest.raises(TypeError, match=r"GET /a.*one.*py:\d+.*GET /b.*two.*py:\d+.*'same'"):
        document_of(app)


def test_information_is_in_the_settings() -> None:
    """The title is by default the application's name."""
    assert document_of(make_app())["info"] == {
        "title": "Library",
        "version": "1.0.0",
        "description": "Books.",
    }
    assert document_of(Costrel("shop"))["info"]["title"] == "shop"


def test_operations_stand_under_their_blueprint() -> None:
    """Its name is a tag of the document."""
    document = document_of(make_app())
    assert document["paths"]["/v1/books/"]["get"]["tags"] == ["books"]
    assert document["tags"] == [{"name": "books"}]
    assert "tags" not in document["paths"]["/shapes"]["post"]


def test_version_has_a_document_of_its_own() -> None:
    """With the operations of its blueprints, and the models that these have."""
    app = Costrel(__name__)
    for version in ("v1", "v2"):
        blueprint = Blueprint(version, __name__, url_prefix=f"/{version}", version=version)

        @blueprint.get("/items")
        def items() -> list[Item]:
            return []

        app.register_blueprint(blueprint)

    @app.get("/shapes")
    def shapes() -> dict[str, int]:
        return {}

    assert versions_of(app) == ["v1", "v2"]
    assert ids(app, "v2") == {"v2.items": "get /v2/items"}
    assert document_of(app, "v2")["info"]["version"] == "v2"
    assert sorted(ids(app)) == ["shapes", "v1.items", "v2.items"]
    with pytest.raises(LookupError, match=r"'v3'.*'v1', 'v2'"):
        document_of(app, "v3")


def test_what_is_no_part_of_the_api_is_left_out() -> None:
    """Static files, the document, WebSockets, redirects, and what says so."""
    app = Costrel(__name__, static_folder=".")
    hidden = Blueprint("hidden", __name__, static_folder=".", include_in_schema=False)

    @hidden.get("/hidden")
    def hide() -> complex:
        return 1j

    @app.get("/private", include_in_schema=False)
    def private() -> Item:
        return Item(1)

    @app.websocket("/socket")
    async def socket(): ...

    app.add_url_rule("/old", "old", redirect_to="/new")
    app.add_url_rule("/without-a-view", "without")
    app.register_blueprint(hidden)
    app.test_client().get("/")  # so that the document has a rule
    assert "openapi_document" in app.view_functions
    assert ids(app) == {}


@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_views_that_are_not_typed_are_left_out_by_view_and_by_blueprint(cls: type[Flask]) -> None:
    """A nested blueprint's too; the innermost that says something counts."""
    app = cls(__name__)
    pages = Blueprint("pages", __name__, typed_views=False, include_in_schema=False)
    nested = Blueprint("nested", __name__, url_prefix="/nested")
    others = Blueprint("others", __name__, typed_views=False)
    pages.get("/", endpoint="index")(str)
    pages.get("/shown", endpoint="shown", include_in_schema=True)(str)
    nested.get("/", endpoint="index")(str)
    others.get("/others", endpoint="index")(str)
    others.get("/hidden", endpoint="hidden", include_in_schema=False)(str)
    pages.register_blueprint(nested)
    app.register_blueprint(pages)
    app.register_blueprint(others)
    assert list(document_of(app)["paths"]) == ["/shown", "/others"]


def test_methods_that_every_view_has_are_left_out() -> None:
    """HEAD and OPTIONS are documented where the view itself answers them."""
    app = Costrel(__name__)

    @app.get("/usual")
    def usual() -> Item:
        return Item(1)

    @app.route("/head", methods=["HEAD"])
    def head() -> str:
        return ""

    @app.route("/options", methods=["GET", "OPTIONS"])
    def options() -> Item:
        return Item(1)

    @app.route("/webdav", methods=["PROPFIND", "POST"])
    def webdav() -> Item:
        return Item(1)

    assert sorted(ids(app).values()) == [
        "get /options",
        "get /usual",
        "head /head",
        "options /options",
        "post /webdav",
    ]


def test_views_of_flask_are_documented_as_far_as_they_are_known() -> None:
    """Variables, methods and docstrings, of functions and of classes."""
    app = Flask("shop")

    @app.get("/items/<int:number>")
    def item(number):
        """Show an item."""
        return str(number)

    class Basket(MethodView):
        def get(self):
            """Show the basket."""

        def post(self):
            """Add to the basket."""

    class Page(View):
        def dispatch_request(self):
            return ""

    app.add_url_rule("/basket", view_func=Basket.as_view("basket"))
    app.add_url_rule("/page", view_func=Page.as_view("page"))
    document = document_of(app)
    validate(document)
    assert document["paths"]["/items/{number}"]["get"] == {
        "summary": "Show an item.",
        "operationId": "item",
        "parameters": [
            {
                "name": "number",
                "in": "path",
                "required": True,
                "schema": {"type": "integer", "minimum": 0},
            }
        ],
        "responses": {"200": {"description": "OK"}, "404": {"description": "Not Found"}},
    }
    assert document["paths"]["/basket"]["post"]["summary"] == "Add to the basket."
    assert sorted(ids(app)) == ["basket_get", "basket_post", "item", "page"]
    assert "components" not in document


def test_view_that_is_no_function_has_no_words() -> None:
    """Its docstring is that of its class, or of nothing."""
    app = Flask("shop")
    app.add_url_rule("/", "home", partial(str, "home"))
    described = document_of(app)["paths"]["/"]["get"]
    assert described == {"operationId": "home", "responses": {"200": {"description": "OK"}}}


def test_first_of_two_rules_with_one_path_is_documented() -> None:
    """Such as the same path on two hosts."""
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/", "one", lambda: "", subdomain="a")
    app.add_url_rule("/", "two", lambda: "", subdomain="b")
    assert ids(app) == {"one": "get /"}


def test_webhook_is_described_by_a_function() -> None:
    """It has the model that clients get, and is no path."""
    webhook = document_of(make_app())["webhooks"]["bookAdded"]["post"]
    assert webhook["summary"] == "Tell that a book was added."
    schema = webhook["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Book"}
    app = Costrel(__name__)

    @app.webhook("x")
    def broken(item: t.Any) -> None: ...

    with pytest.raises(TypeError, match=r"broken.*test_openapi_document\.py:\d+"):
        document_of(app)


def test_document_is_made_anew_when_the_application_changes() -> None:
    """Otherwise it is kept, and each caller has a dict of its own."""
    app = Costrel(__name__)

    @app.get("/a")
    def one() -> Item:
        return Item(1)

    first = document_of(app)
    first["paths"].clear()
    assert list(document_of(app)["paths"]) == ["/a"]
    app.add_url_rule("/b", "b", one)
    assert list(document_of(app)["paths"]) == ["/a", "/b"]
    app.config["OPENAPI_TITLE"] = "New"
    assert document_of(app)["info"]["title"] == "New"


def test_view_that_can_not_be_compiled_is_an_error_that_names_it() -> None:
    """As at its first request."""
    app = Costrel(__name__)

    @app.get("/")
    def show(item: Item) -> Item:
        return item

    with pytest.raises(TypeError, match=r"takes the body.*show.*test_openapi_document\.py:\d+"):
        document_of(app)


def test_nothing_is_loaded_until_a_document_is_asked_for() -> None:
    """Neither by the import nor by a request to a plain view."""
    script = """
import sys, costrel
app = costrel.Costrel("shop")
app.add_url_rule("/", "home", lambda: "")
assert app.test_client().get("/").status_code == 200
loaded = {name for name in sys.modules if name.startswith("costrel.openapi")}
assert loaded == {f"costrel.openapi{name}" for name in ("", ".rules", ".serving")}, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
