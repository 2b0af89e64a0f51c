"""The document over HTTP."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct

from costrel import Blueprint, Costrel, Flask, url_for
from costrel.api import BearerAuth, Depends
from costrel.openapi import document_of

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


def shop(**options) -> Costrel:
    """Make an application with a version."""
    app = Costrel(__name__, **options)
    v1 = Blueprint("v1", __name__, url_prefix="/v1", version="v1")

    @v1.get("/items")
    def items() -> list[Item]:
        return []

    @app.get("/where")
    def where() -> str:
        return url_for("openapi_document", version="v1")

    app.register_blueprint(v1)
    return app


def test_document_is_served_with_an_etag() -> None:
    """A client that has it gets a 304."""
    app = shop()
    client = app.test_client()
    response = client.get("/openapi.json")
    assert response.mimetype == "application/json"
    assert response.json == document_of(app)
    etag = response.headers["ETag"]
    assert client.get("/openapi.json", headers={"If-None-Match": etag}).status_code == 304
    assert client.head("/openapi.json").status_code == 200


def test_version_is_in_the_query() -> None:
    """`url_for` builds its URL; there are no others."""
    app = shop()
    client = app.test_client()
    url = client.get("/where").text
    assert url == "/openapi.json?version=v1"
    assert list(client.get(url).json["paths"]) == ["/v1/items"]
    assert client.get("/openapi.json?version=v2").status_code == 404


def test_prefix_of_the_request_is_the_server() -> None:
    """What is mounted below a path says so, and what is not, does not."""
    client = shop().test_client()
    response = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/a shop"})
    assert response.json["servers"] == [{"url": "/a%20shop"}]
    assert "/v1/items" in response.json["paths"]
    plain = client.get("/openapi.json")
    assert "servers" not in plain.json
    assert plain.headers["ETag"] != response.headers["ETag"]


def test_setting_says_where_it_is() -> None:
    """None serves none."""
    app = shop()
    app.config["OPENAPI_PATH"] = "/api/schema.json"
    assert app.test_client().get("/api/schema.json").status_code == 200
    app = shop()
    app.config["OPENAPI_PATH"] = None
    assert app.test_client().get("/openapi.json").status_code == 404


def test_flask_serves_none_unless_it_is_asked_to() -> None:
    """COMPAT: its map of URLs has no rule that the application did not register."""
    app = Flask(__name__, static_folder=None)
    assert app.test_client().get("/openapi.json").status_code == 404
    assert list(app.url_map.iter_rules()) == []
    app = Flask(__name__)
    app.config["OPENAPI_PATH"] = "/openapi.json"
    assert app.test_client().get("/openapi.json").json["paths"] == {}


def test_rule_and_endpoint_of_the_application_come_first() -> None:
    """It can serve a document of its own."""
    app = Costrel(__name__)
    app.add_url_rule("/openapi.json", "own", lambda: "own")
    assert app.test_client().get("/openapi.json").text == "own"
    app = Costrel(__name__)
    app.add_url_rule("/document", "openapi_document", lambda: "own")
    client = app.test_client()
    assert client.get("/openapi.json").status_code == 404
    assert client.get("/document").text == "own"


def test_what_views_depend_on_does_not_guard_the_document() -> None:
    """It says how to log in; hooks can guard it."""
    app = shop(dependencies=[Depends(BearerAuth())])
    client = app.test_client()
    assert client.get("/v1/items").status_code == 401
    assert client.get("/openapi.json").status_code == 200


def test_text_that_is_not_ascii_is_utf_8() -> None:
    """As JSON always is."""
    app = shop()
    app.config["OPENAPI_TITLE"] = "Bücher"
    data = app.test_client().get("/openapi.json").data
    assert json.loads(data.decode())["info"]["title"] == "Bücher"
