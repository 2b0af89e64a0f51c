"""What a client gets of an error of the server: nothing but an id that the log has too."""

from __future__ import annotations

import json
import typing as t

import pytest
from werkzeug.exceptions import ServiceUnavailable

from costrel import Flask, abort
from costrel.logging import request_id

Make = t.Callable[..., Flask]


def failing(app: Flask) -> Flask:
    """Add views that fail."""
    app.config["TYPED_VIEWS"] = True
    shared = ServiceUnavailable()

    @app.get("/page")
    def page() -> t.Any:
        raise LookupError("secret")

    @app.get("/page/loop")
    async def page_on_loop() -> t.Any:
        raise LookupError("secret")

    @app.get("/api")
    def api() -> dict[str, int]:
        raise LookupError("secret")

    @app.get("/unavailable")
    def unavailable() -> t.Any:
        raise shared

    @app.get("/described")
    def described() -> t.Any:
        abort(503, "Back at noon.")

    return app


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("url", ["/page", "/page/loop"])
def test_page_of_an_error_has_nothing_but_the_id(make_app: Make, written: t.Any, url: str) -> None:
    """The log has it with the traceback."""
    app = failing(make_app())
    response = app.test_client().get(url)
    assert response.status_code == 500
    id_ = response.headers["X-Request-ID"]
    assert f"quote this id: {id_}" in response.text
    assert "secret" not in response.text
    assert "LookupError" not in response.text
    assert f"[{id_}] Exception on {url} [GET] (urn:uuid:{id_})" in written.text
    assert "LookupError: secret" in written.text


@pytest.mark.usefixtures("path")
def test_problem_of_an_error_has_the_same_id(make_app: Make, written: t.Any) -> None:
    """As its ``instance``."""
    app = failing(make_app())
    response = app.test_client().get("/api")
    id_ = response.headers["X-Request-ID"]
    assert json.loads(response.data) == {
        "title": "Internal Server Error",
        "status": 500,
        "instance": f"urn:uuid:{id_}",
    }
    assert f"(urn:uuid:{id_})" in written.text


def test_error_that_is_raised_again_has_the_id_of_each_request(make_app: Make) -> None:
    """The object that was raised is not changed."""
    client = failing(make_app()).test_client()
    for _ in range(2):
        response = client.get("/unavailable")
        assert response.status_code == 503
        assert response.text.count("quote this id") == 1
        assert response.headers["X-Request-ID"] in response.text


def test_text_of_your_own_stays(make_app: Make) -> None:
    """It was meant for the client."""
    response = failing(make_app()).test_client().get("/described")
    assert "Back at noon." in response.text
    assert "quote this id" not in response.text
    assert "X-Request-ID" in response.headers


def test_handler_gets_the_error_as_it_was(make_app: Make) -> None:
    """And may show the id on a page of its own."""
    app = failing(make_app())
    app.register_error_handler(500, lambda error: (f"{error.description} {request_id()}", 500))
    response = app.test_client().get("/page")
    assert "quote this id" not in response.text
    assert response.text.endswith(response.headers["X-Request-ID"])


def test_page_of_flask_stays(make_app: Make, written: t.Any) -> None:
    """Without the setting, pages and lines are Flask's."""
    app = failing(make_app(REQUEST_ID_HEADER=None, LOG_FORMAT=None))
    response = app.test_client().get("/page")
    assert "quote this id" not in response.text
    assert "Exception on /page [GET]\n" in written.text
    problem = json.loads(app.test_client().get("/api").data)
    assert problem["instance"].startswith("urn:uuid:")
