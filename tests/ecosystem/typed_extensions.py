"""Tests of extensions on typed views, under the alias; `test_typed_extensions.py` runs them.

Each view is there twice, as a function and as a coroutine function.
"""

from __future__ import annotations

import typing as t
from functools import wraps

import msgspec
import pytest
from flask_caching import Cache
from flask_injector import FlaskInjector
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_limiter import Limiter
from flask_login import LoginManager, UserMixin, login_required
from flask_marshmallow import Marshmallow
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from flask_sqlalchemy import SQLAlchemy
from injector import Injector, inject, singleton
from marshmallow import Schema, fields
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from webargs.flaskparser import use_args, use_kwargs
from werkzeug.exceptions import HTTPException

from costrel import Blueprint, Costrel, jsonify
from costrel.api import Page, paginate
from costrel.views import MethodView

SECRET_KEY = "0123456789" * 4
PROBLEM = "application/problem+json"

Limit = t.Annotated[int, Meta(ge=1, le=100)]


class Item(Struct):
    """What clients get."""

    id: int
    limit: int = 0


class StoredItem(Item):
    """What views return: it has more."""

    secret: str = "hash"


class Service:
    """What is injected."""

    name = "service"


class Query(Schema):
    """A schema of marshmallow."""

    count = fields.Integer(load_default=3)


class Pet(Schema):
    """Another."""

    id = fields.Integer(dump_only=True)
    name = fields.String(required=True)


@pytest.fixture
def app():
    """Make an application with typed views."""
    app = Costrel(__name__)
    app.config.update(SECRET_KEY=SECRET_KEY, JWT_SECRET_KEY=SECRET_KEY, CACHE_TYPE="SimpleCache")
    return app


@pytest.fixture(params=["function", "coroutine"])
def add_view(app, request):
    """Return a function that registers a decorated view."""

    def add(decorate, called=None):
        calls = [] if called is None else called

        def show(item_id: int, limit: Limit = 10) -> Item:
            calls.append(item_id)
            return StoredItem(item_id, limit)

        async def show_later(item_id: int, limit: Limit = 10) -> Item:
            return show(item_id, limit)

        view = show if request.param == "function" else show_later
        app.add_url_rule("/items/<int:item_id>", view_func=decorate(view), endpoint="show")

    return add


def is_item(response, limit):
    """Tell whether a response is the item with nothing but what is declared."""
    return response.status_code == 200 and response.json == {"id": 1, "limit": limit}


def test_flask_login_guards_a_typed_view(app, add_view):
    """Who is not logged in gets the extension's 401, as a problem."""
    login = LoginManager(app)

    @login.request_loader
    def load(request):
        user = UserMixin()
        user.id = 1
        return user if request.headers.get("X-User") else None

    add_view(login_required)
    client = app.test_client()
    response = client.get("/items/1")
    assert (response.status_code, response.content_type) == (401, PROBLEM)
    headers = {"X-User": "ada"}
    assert is_item(client.get("/items/1?limit=5", headers=headers), 5)
    assert client.get("/items/1?limit=x", headers=headers).status_code == 422


def test_flask_jwt_extended_guards_a_typed_view(app, add_view):
    """Its error handlers answer as they do elsewhere; the identity is there in the view."""
    JWTManager(app)
    seen = []

    def remember(view):
        @wraps(view)
        def call(**values):
            seen.append(get_jwt_identity())
            return view(**values)

        return call

    add_view(lambda view: jwt_required()(remember(view)))
    client = app.test_client()
    response = client.get("/items/1")
    assert (response.status_code, list(response.json)) == (401, ["msg"])
    with app.app_context():
        headers = {"Authorization": f"Bearer {create_access_token('ada')}"}
    assert is_item(client.get("/items/1?limit=5", headers=headers), 5)
    assert seen == ["ada"]


def test_flask_limiter_limits_a_typed_view(app, add_view):
    """The refusal is a problem, and says when to come again."""
    limiter = Limiter(lambda: "everyone", app=app, storage_uri="memory://", headers_enabled=True)
    add_view(limiter.limit("1/hour"))
    client = app.test_client()
    assert is_item(client.get("/items/1?limit=5"), 5)
    response = client.get("/items/1")
    assert (response.status_code, response.content_type) == (429, PROBLEM)
    assert response.json["status"] == 429
    assert int(response.headers["Retry-After"]) > 0


def test_flask_caching_keeps_what_a_typed_view_returned(app, add_view):
    """The value is kept as the view returned it, and filtered each time that it is sent."""
    called = []
    add_view(Cache(app).cached(60, query_string=True), called)
    client = app.test_client()
    assert is_item(client.get("/items/1?limit=5"), 5)
    assert is_item(client.get("/items/1?limit=5"), 5)
    assert called == [1]
    assert is_item(client.get("/items/1?limit=6"), 6)
    assert client.get("/items/1?limit=x").status_code == 422


def test_decorators_of_a_class_guard_its_typed_methods(app):
    """A class-based view with ``decorators`` is guarded for each method."""
    login = LoginManager(app)
    login.request_loader(lambda request: None)

    class Items(MethodView):
        decorators: t.ClassVar = [login_required]

        def get(self, limit: Limit = 10) -> Item:
            return StoredItem(1, limit)

        async def post(self, item: Item) -> Item:
            return item

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    client = app.test_client()
    assert client.get("/items").status_code == 401
    assert client.post("/items", json={"id": 1}).status_code == 401


def test_webargs_passes_arguments_of_its_own(app):
    """What it fills is not annotated; the others are filled from their annotations."""

    @app.get("/kwargs/<int:item_id>")
    @use_kwargs({"count": fields.Integer(load_default=3)}, location="query")
    def by_keywords(item_id: int, count, limit: Limit = 10) -> Item:
        return StoredItem(item_id, limit + count)

    @app.post("/args/<int:item_id>")
    @use_args(Query)
    def by_position(args, item_id: int, limit: Limit = 10) -> Item:
        return StoredItem(item_id, limit + args["count"])

    client = app.test_client()
    assert is_item(client.get("/kwargs/1?count=5&limit=1"), 6)
    assert is_item(client.get("/kwargs/1"), 13)
    assert client.get("/kwargs/1?count=x").status_code == 422
    assert client.get("/kwargs/1?limit=x").status_code == 422
    assert is_item(client.post("/args/1", json={"count": 5}), 15)
    assert client.post("/args/1", json={"count": "x"}).status_code == 422


def test_webargs_keeps_its_views_and_errors_in_a_blueprint_without_typed_views(app):
    """Annotations there mean nothing, as in Flask, and its messages reach its handler."""
    old = Blueprint("old", __name__, url_prefix="/old", typed_views=False)

    @old.get("/")
    @use_kwargs({"count": fields.Integer(required=True)}, location="query")
    def show(count: int) -> Item:
        return jsonify(count=count, secret="shown")

    @old.errorhandler(422)
    def explain(error):
        return {"messages": error.data["messages"]}, 422

    app.register_blueprint(old)
    client = app.test_client()
    assert client.get("/old/?count=5").json == {"count": 5, "secret": "shown"}
    assert client.get("/old/?count=x").json == {
        "messages": {"query": {"count": ["Not a valid integer."]}}
    }


def test_flask_smorest_keeps_its_routes_beside_typed_ones(app):
    """Its blueprint validates, dumps and explains as it does; a typed one has its problems."""
    app.config.update(API_TITLE="Pets", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    app.config["OPENAPI_URL_PREFIX"] = "/pets-api"
    api = Api(app)
    pets = SmorestBlueprint("pets", __name__, url_prefix="/pets")

    @pets.post("/")
    @pets.arguments(Pet)
    @pets.response(201, Pet)
    def add_pet(pet):
        return {"id": 1, **pet, "secret": "hash"}

    @pets.get("/<int:pet_id>")
    @pets.response(200, Pet)
    def read_pet(pet_id: int) -> dict:
        return {"id": pet_id, "name": "Rex"}

    api.register_blueprint(pets)
    typed = Blueprint("typed", __name__, url_prefix="/typed")

    @typed.get("/<int:item_id>")
    def show(item_id: int, limit: Limit = 10) -> Item:
        return StoredItem(item_id, limit)

    @typed.errorhandler(HTTPException)
    def explain(error):
        return error  # flask-smorest would answer the errors of all routes in its format.

    app.register_blueprint(typed)
    client = app.test_client()
    assert client.post("/pets/", json={"name": "Rex"}).json == {"id": 1, "name": "Rex"}
    assert client.get("/pets/7").json == {"id": 7, "name": "Rex"}
    refused = client.post("/pets/", json={})
    assert refused.status_code == 422
    assert refused.json["errors"] == {"json": {"name": ["Missing data for required field."]}}
    assert list(client.get("/pets-api/openapi.json").json["paths"]) == ["/pets/", "/pets/{pet_id}"]

    assert is_item(client.get("/typed/1?limit=5"), 5)
    refused = client.get("/typed/1?limit=x")
    assert (refused.status_code, refused.content_type) == (422, PROBLEM)
    assert refused.json["errors"][0]["pointer"] == "/limit"


def test_flask_marshmallow_dumps_what_a_typed_view_returns(app):
    """A dictionary that a schema made is sent as Flask does, or filtered by what is declared."""
    marshmallow = Marshmallow(app)

    class ItemSchema(marshmallow.Schema):
        id = marshmallow.Integer()
        secret = marshmallow.String()
        url = marshmallow.URLFor("declared", values={"item_id": "<id>"})

    schema = ItemSchema()

    @app.get("/dumped/<int:item_id>")
    def dumped(item_id: int) -> dict:
        return schema.dump(StoredItem(item_id))

    @app.get("/declared/<int:item_id>")
    def declared(item_id: int) -> Item:
        return schema.dump(StoredItem(item_id))

    client = app.test_client()
    assert client.get("/dumped/1").json == {"id": 1, "secret": "hash", "url": "/declared/1"}
    assert client.get("/declared/1").json == {"id": 1, "limit": 0}


class Base(DeclarativeBase):
    """The base of the models."""


def test_flask_sqlalchemy_models_are_returned(app, tmp_path):
    """One, several, and a page of them, each with what is declared and nothing else."""
    db = SQLAlchemy(model_class=Base)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'items.sqlite'}"

    class Row(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        limit: Mapped[int]
        secret: Mapped[str] = mapped_column(default="hash")

    db.init_app(app)

    @app.get("/items/<int:item_id>")
    def show(item_id: int) -> Item:
        return db.get_or_404(Row, item_id)

    @app.get("/items")
    def show_all() -> list[Item]:
        return db.session.scalars(select(Row).order_by(Row.id)).all()

    @app.get("/pages")
    def show_page(page: int = 1) -> Page[Item]:
        return paginate(select(Row).order_by(Row.id), page, 2)

    with app.app_context():
        db.create_all()
        db.session.add_all([Row(limit=number) for number in (5, 6, 7)])
        db.session.commit()
    client = app.test_client()
    assert is_item(client.get("/items/1"), 5)
    assert client.get("/items/9").content_type == PROBLEM
    assert client.get("/items").json == [
        {"id": 1, "limit": 5}, {"id": 2, "limit": 6}, {"id": 3, "limit": 7},
    ]  # fmt: skip
    page = client.get("/pages?page=2").json
    assert (page["items"], page["total"]) == ([{"id": 3, "limit": 7}], 3)
    with app.app_context():
        db.engine.dispose()


def test_flask_injector_fills_what_no_request_can(app):
    """It wraps views after they were registered, and passes its own arguments."""

    @app.get("/items/<int:item_id>")
    @inject
    def show(service: Service, item_id: int, limit: Limit = 10) -> dict[str, str]:
        return {"name": service.name, "id": str(item_id), "limit": str(limit)}

    injector = Injector([lambda binder: binder.bind(Service, to=Service(), scope=singleton)])
    FlaskInjector(app=app, injector=injector)
    client = app.test_client()
    assert client.get("/items/1?limit=5").json == {"name": "service", "id": "1", "limit": "5"}
    assert client.get("/items/1?limit=x").status_code == 422


def test_msgspec_values_in_the_cache_are_plain(app):
    """What the extension pickles is the struct itself, so it may be read without a request."""
    cache = Cache(app)

    @cache.memoize(60)
    def make(item_id: int) -> StoredItem:
        return StoredItem(item_id)

    @app.get("/items/<int:item_id>")
    def show(item_id: int) -> Item:
        return make(item_id)

    client = app.test_client()
    assert client.get("/items/1").json == client.get("/items/1").json == {"id": 1, "limit": 0}
    assert msgspec.structs.asdict(make(1))["secret"] == "hash"
