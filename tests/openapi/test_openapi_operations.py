"""Operation objects: parameters, bodies, responses, security, words."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from msgspec import Meta, Struct
from openapi_library import make_app
from openapi_spec_validator import validate

from costrel import Blueprint, Costrel, EventStream, Flask, Response
from costrel.api import (
    APIKey,
    BearerAuth,
    Body,
    Depends,
    Form,
    Header,
    Path,
    Problem,
    Query,
    check_preconditions,
)
from costrel.openapi import document_of
from costrel.security import csrf_exempt, limit_blueprint


class Item(Struct):
    """A model."""

    id: int


class OutOfStockError(Exception):
    """An error of the application."""


KEY = APIKey("X-Key")


def paging(page: int) -> int:
    """Read the page."""
    return page


def reference(name: str, kind: str = "schemas") -> dict[str, str]:
    """Return what refers to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def operation(app: Flask, path: str, method: str = "get") -> t.Any:
    """Return an operation of an application's document, which is valid."""
    document = document_of(app)
    validate(document)
    return document["paths"][path][method]


def parameters(described: t.Any) -> dict[str, t.Any]:
    """Return parameters by name."""
    return {one.pop("name"): one for one in described["parameters"]}


def test_document_of_everything_is_valid() -> None:
    """By the schema of OpenAPI 3.1."""
    document = document_of(make_app())
    validate(document)
    assert document["openapi"] == "3.1.1"


def test_parameters_are_described() -> None:
    """With place, name for clients, type, constraints, default and style."""
    found = parameters(operation(make_app(), "/v1/books/"))
    assert found == {
        "since": {"in": "query", "required": False, "schema": {"type": "string", "format": "date"}},
        "limit": {
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        },
        "tag": {
            "in": "query",
            "required": False,
            "schema": {"type": "array", "items": {"type": "string"}, "default": []},
            "style": "form",
            "explode": True,
        },
        "X-Trace": {"in": "header", "required": False, "schema": {"type": "string"}},
        "session-id": {
            "in": "cookie",
            "required": False,
            "deprecated": True,
            "schema": {"type": "string"},
        },
        "page": {
            "in": "query",
            "required": False,
            "description": "The page, from 1.",
            "schema": {"type": "integer", "default": 1},
        },
    }


def test_variable_of_the_rule_has_the_constraints_of_its_annotation() -> None:
    """Besides those of its converter."""
    app = Costrel(__name__)

    @app.get("/items/<int:item_id>/<name>")
    def show(
        item_id: t.Annotated[int, Path(description="Its number."), Meta(le=9)],
        name: str,
    ) -> Item:
        return Item(item_id)

    described = operation(app, "/items/{item_id}/{name}")
    assert described["parameters"] == [
        {
            "name": "item_id",
            "in": "path",
            "required": True,
            "description": "Its number.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 9},
        },
        {
            "name": "name",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        },
    ]
    assert "422" in described["responses"]


def test_examples_are_shown() -> None:
    """Those with names are the parameter's, others the schema's."""
    app = Costrel(__name__)

    @app.get("/")
    def show(
        one: t.Annotated[int, Query(examples=[1, 2])],
        two: t.Annotated[int, Header(examples={"small": 1})] = 0,
    ) -> Item:
        return Item(one)

    found = parameters(operation(app, "/"))
    assert found["one"]["schema"]["examples"] == [1, 2]
    assert found["one"]["required"] is True
    assert found["Two"]["examples"] == {"small": {"value": 1}}


def test_list_in_a_header_has_commas() -> None:
    """SPEC(RFC 9110 §5.6.1): its items are one field."""
    app = Costrel(__name__)

    @app.get("/")
    def show(accept_language: t.Annotated[list[str], Header()]) -> list[str]:
        return accept_language

    assert operation(app, "/")["parameters"] == [
        {
            "name": "Accept-Language",
            "in": "header",
            "required": True,
            "schema": {"type": "array", "items": {"type": "string"}},
            "style": "simple",
            "explode": False,
        }
    ]


def test_parameter_that_two_functions_take_is_there_once() -> None:
    """It is required if one of them requires it."""
    app = Costrel(__name__)

    @app.get("/")
    def show(paged: t.Annotated[int, Depends(paging)], page: int = 1) -> Item:
        return Item(page)

    (parameter,) = operation(app, "/")["parameters"]
    assert (parameter["name"], parameter["required"]) == ("page", True)


def test_body_is_json() -> None:
    """It is required if the view has no default for it."""
    app = make_app()
    assert operation(app, "/v1/books/", "post")["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": reference("NewBook")}},
    }
    optional = Costrel(__name__)

    @optional.post("/")
    def add(
        item: t.Annotated[Item | None, Body(description="An item.", examples=[{"id": 1}])] = None,
    ) -> None: ...

    body = operation(optional, "/", "post")["requestBody"]
    assert (body["required"], body["description"]) == (False, "An item.")
    schema = body["content"]["application/json"]["schema"]
    assert schema == {"anyOf": [reference("Item"), {"type": "null"}], "examples": [{"id": 1}]}


def test_form_has_fields_files_and_json_parts() -> None:
    """A form with files is multipart; parts that are not text say their content type."""
    body = operation(make_app(), "/v1/books/{book_id}/cover", "post")["requestBody"]
    assert list(body["content"]) == ["multipart/form-data"]
    form = body["content"]["multipart/form-data"]
    assert form["schema"] == {
        "type": "object",
        "properties": {
            "cover": {
                "type": "string",
                "format": "binary",
                "contentMediaType": "application/octet-stream",
            },
            "about": reference("About"),
            "title": {"type": "string", "description": "Its title.", "default": ""},
        },
        "required": ["cover", "about"],
    }
    assert form["encoding"] == {
        "cover": {"contentType": "image/png, image/*"},
        "about": {"contentType": "application/json"},
    }


def test_form_without_files_is_urlencoded() -> None:
    """A model can be the whole form."""
    app = Costrel(__name__)

    @app.post("/")
    def add(item: t.Annotated[Item, Form()]) -> None: ...

    content = operation(app, "/", "post")["requestBody"]["content"]
    assert list(content) == ["application/x-www-form-urlencoded"]
    schema = content["application/x-www-form-urlencoded"]["schema"]
    assert schema["properties"] == {"id": {"type": "integer"}}
    assert schema["required"] == ["id"]


def test_form_says_what_browsers_send_of_inputs_that_were_left_alone() -> None:
    """Empty text for what may be missing or None, and the value of a checkbox that has none."""
    app = Costrel(__name__)

    @app.post("/")
    def add(
        count: t.Annotated[int, Form()],
        title: t.Annotated[str, Form()] = "",
        born: t.Annotated[dt.date | None, Form(description="The day.")] = None,
        agreed: t.Annotated[bool, Form()] = False,
        answers: t.Annotated[list[bool], Form()] = [],  # noqa: B006
    ) -> None: ...

    body = operation(app, "/", "post")["requestBody"]
    schema = body["content"]["application/x-www-form-urlencoded"]["schema"]
    empty, on = {"type": "string", "maxLength": 0}, {"type": "string", "const": "on"}
    assert schema["properties"] == {
        "count": {"type": "integer"},
        "title": {"type": "string", "default": ""},
        "born": {"description": "The day.", "anyOf": [{"type": "string", "format": "date"}, empty]},
        "agreed": {"anyOf": [{"type": "boolean"}, on, empty], "default": False},
        "answers": {
            "type": "array",
            "items": {"anyOf": [{"type": "boolean"}, on]},
            "default": [],
        },
    }


def test_list_of_a_form_that_has_to_be_there_is_not_empty() -> None:
    """An empty list is no field at all."""
    app = Costrel(__name__)

    @app.post("/")
    def add(numbers: t.Annotated[list[int], Form()]) -> None: ...

    body = operation(app, "/", "post")["requestBody"]
    schema = body["content"]["application/x-www-form-urlencoded"]["schema"]
    assert schema["properties"]["numbers"]["minItems"] == 1


def test_responses_are_what_is_declared_and_the_problems_that_can_happen() -> None:
    """Problems are components, one for each status."""
    app = make_app()
    described = operation(app, "/v1/books/", "post")
    assert list(described["responses"]) == [
        "201", "400", "401", "403", "406", "413", "414", "415", "422", "500",
    ]  # fmt: skip
    assert described["responses"]["201"] == {
        "description": "Created",
        "content": {"application/json": {"schema": reference("Book")}},
    }
    assert described["responses"]["422"] == reference("UnprocessableEntity", "responses")
    components = document_of(app)["components"]["responses"]
    assert components["UnprocessableEntity"]["content"] == {
        "application/problem+json": {"schema": reference("Problem")}
    }
    assert "WWW-Authenticate" in components["Unauthorized"]["headers"]


def test_url_that_may_be_too_long_is_documented() -> None:
    """Where clients write into it, and an application limits it."""
    app = Costrel(__name__)

    @app.get("/query")
    def query(q: str = "") -> Item:
        return Item(len(q))

    @app.get("/path/<name>")
    def path(name: str) -> Item:
        return Item(len(name))

    @app.get("/header")
    def header(token: t.Annotated[str, Header()] = "") -> Item:
        return Item(len(token))

    def documented() -> list[bool]:
        rules = ("/query", "/path/{name}", "/header")
        return ["414" in operation(app, rule)["responses"] for rule in rules]

    assert documented() == [True, True, False]
    assert app.test_client().get("/query", query_string={"q": "a" * 20_000}).status_code == 414
    app.config["MAX_URL_LENGTH"] = None
    assert documented() == [False, False, False]


def test_none_is_an_answer_without_a_body() -> None:
    """It has the status 204."""
    answers = operation(make_app(), "/shelves/{number}", "delete")["responses"]
    assert answers["204"] == {"description": "No Content"}
    assert answers["404"] == reference("NotFound", "responses")


def test_page_of_a_list_has_links() -> None:
    """In a header."""
    answer = operation(make_app(), "/v1/books/")["responses"]["200"]
    assert list(answer["headers"]) == ["Link"]
    assert answer["content"] == {"application/json": {"schema": reference("PageBook")}}


def test_other_responses_are_described() -> None:
    """Each by its type; a problem of its own kind has its own schema."""
    app = Costrel(__name__)

    class Late(Problem, kw_only=True):
        minutes: int = 0

    @app.get("/", status=202, responses={404: Problem, 409: Late, 200: Item | None})
    def show() -> list[Item]:
        return []

    answers = operation(app, "/")["responses"]
    json = "application/json"
    assert answers["202"]["content"][json]["schema"]["items"] == reference("Item")
    assert answers["200"]["content"][json]["schema"]["anyOf"] == [
        reference("Item"),
        {"type": "null"},
    ]
    assert answers["404"] == reference("NotFound", "responses")
    assert answers["409"]["content"] == {"application/problem+json": {"schema": reference("Late")}}


def test_text_responses_and_events_are_not_json() -> None:
    """A response of any type says nothing of its content."""
    app = Costrel(__name__)

    @app.get("/text")
    def text(n: int) -> str:
        return ""

    @app.get("/response")
    def response() -> Response:
        return Response()

    @app.get("/either")
    def either() -> tuple[Item, int] | Response:
        return Item(1), 200

    @app.get("/events")
    def events() -> EventStream:
        return EventStream(())

    assert operation(app, "/text")["responses"] == {
        "200": {"description": "OK", "content": {"text/html": {"schema": {"type": "string"}}}},
        "400": {"description": "Bad Request"},
        "414": {"description": "Request URI Too Long"},
        "422": {"description": "Unprocessable Entity"},
    }
    assert operation(app, "/response")["responses"] == {"200": {"description": "OK"}}
    either_ = operation(app, "/either")["responses"]["200"]["content"]
    assert either_ == {"application/json": {"schema": reference("Item")}}
    assert list(operation(app, "/events")["responses"]["200"]["content"]) == ["text/event-stream"]


def test_mapped_exceptions_are_documented() -> None:
    """With their title, if they have one."""
    app = Costrel(__name__)
    app.problem(OutOfStockError, status=409, title="Out of stock")
    app.problem(LookupError, status=404)

    @app.post("/orders")
    def order(item: Item) -> Item:
        return item

    answers = operation(app, "/orders", "post")["responses"]
    assert answers["409"]["description"] == "Out of stock"
    assert answers["409"]["content"] == {
        "application/problem+json": {"schema": reference("Problem")}
    }
    assert answers["404"] == reference("NotFound", "responses")


def test_what_a_view_depends_on_is_required_besides_one_of_its_schemes() -> None:
    """``security=`` lists alternatives."""
    app = Costrel(__name__, security=[BearerAuth()])

    @app.get("/both")
    def both(key: t.Annotated[str, Depends(KEY)]) -> Item:
        return Item(1)

    @app.get("/either", security=[BearerAuth("admin", scopes=["write"]), KEY])
    def either() -> Item:
        return Item(1)

    @app.get("/open", security=[])
    def public() -> Item:
        return Item(1)

    assert operation(app, "/both")["security"] == [{"bearerAuth": [], "X-Key": []}]
    assert operation(app, "/either")["security"] == [{"admin": ["write"]}, {"X-Key": []}]
    assert operation(app, "/open")["security"] == []
    assert "401" not in operation(app, "/open")["responses"]
    assert document_of(app)["components"]["securitySchemes"] == {
        "X-Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "admin": {"type": "http", "scheme": "bearer"},
        "bearerAuth": {"type": "http", "scheme": "bearer"},
    }


def test_two_schemes_of_one_name_are_an_error() -> None:
    """They could not be told apart."""
    app = Costrel(__name__, security=[APIKey("token"), BearerAuth("token")])

    @app.get("/")
    def show() -> Item:
        return Item(1)

    with pytest.raises(TypeError, match=r"'token'.*show"):
        document_of(app)


def test_docstring_is_summary_and_description() -> None:
    """Unless the decorator says something else."""
    app = make_app()
    described = operation(app, "/v1/books/{book_id}")
    assert described["summary"] == "Read a book."
    assert described["description"] == "It is there until it is deleted."
    other = Costrel(__name__)

    @other.get("/", summary="S", description="D", operation_id="id", tags=["t"], deprecated=True)
    def show() -> Item:
        """Show it."""
        return Item(1)

    described = operation(other, "/")
    names = ("summary", "description", "operationId", "tags", "deprecated")
    assert [described[name] for name in names] == ["S", "D", "id", ["t"], True]


def test_callback_is_described_by_a_function() -> None:
    """What it takes is sent, so it has the model that clients get."""
    callbacks = operation(make_app(), "/v1/books/", "post")["callbacks"]
    sent = callbacks["done"]["{$request.query.url}"]["post"]
    assert sent["operationId"] == "books.add_book_done"
    assert sent["summary"] == "Tell that it is done."
    assert sent["requestBody"]["content"]["application/json"]["schema"] == reference("Book")
    assert list(sent["responses"]) == ["204"]


def test_type_that_json_can_not_describe_is_an_error_that_names_the_view() -> None:
    """With file and line."""
    app = Costrel(__name__)

    @app.get("/", responses={202: complex})
    def show() -> Item:
        return Item(1)

    with pytest.raises(
        TypeError, match=r"complex does not say.*show.*test_openapi_operations\.py:\d+"
    ):
        document_of(app)


def test_answers_of_protections_are_documented_where_they_occur() -> None:
    """Each with the method, blueprint or view that it concerns, and not where it is off."""
    app = Costrel(__name__)
    shop = Blueprint("shop", __name__)
    limit_blueprint(shop, "10/minute")

    @app.route("/both", methods=["GET", "POST"])
    def both(q: str = "") -> Item:
        return Item(len(q))

    @csrf_exempt
    @app.post("/exempt")
    def exempt() -> Item:
        return Item(1)

    @app.put("/changed")
    def changed() -> Item:
        check_preconditions("1")
        return Item(1)

    @shop.get("/shop")
    def limited() -> Item:
        return Item(1)

    app.register_blueprint(shop)

    def answers(path: str, method: str = "get") -> set[str]:
        return {"400", "403", "412", "429"} & set(operation(app, path, method)["responses"])

    assert answers("/both") == {"400"}
    assert answers("/both", "post") == {"400", "403"}
    assert answers("/exempt", "post") == set()
    assert answers("/changed", "put") == {"403", "412"}
    assert answers("/shop") == {"429"}
    shared = document_of(app)["components"]["responses"]
    assert {"BadRequest", "RequestHeaderFieldsTooLarge"} <= shared.keys()
    app.config.update(
        CSRF_PROTECTION=False, RATE_LIMIT_DEFAULT="9/day", MAX_QUERY_FIELDS=None, MAX_HEADERS=None
    )
    assert answers("/both", "post") == {"429"}
    assert "RequestHeaderFieldsTooLarge" not in document_of(app)["components"]["responses"]
