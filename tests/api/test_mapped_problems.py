"""Exceptions of an application that it maps to problems: ``app.problem``."""

from __future__ import annotations

import asyncio
import typing as t

import pytest
from msgspec import Struct
from werkzeug.exceptions import Conflict, HTTPException, InternalServerError, NotFound
from werkzeug.routing import Rule

from costrel import Blueprint, Costrel, Flask
from costrel.api import Problem, problem_for
from costrel.api.problems import problems_of
from costrel.dispatch.plan import FORCE_LOOP

PROBLEM = "application/problem+json"
PAGE = "text/html; charset=utf-8"

Ask = t.Callable[..., t.Any]


class ShopError(Exception):
    """An exception of the application."""


class OutOfStock(ShopError):  # noqa: N818  as users name them
    """A more special one."""


class Item(Struct):
    """A model."""

    id: int


class Sold(Problem):
    """A problem with a member of its own."""

    left: int


@pytest.fixture(params=["wsgi", "asgi", "loop"])
def ask(request: pytest.FixtureRequest, path: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return what sends a request: over each interface, and on each path."""
    if request.param == "loop":
        monkeypatch.setenv(FORCE_LOOP, "1")

    def send(app: Flask, url: str = "/api") -> t.Any:
        if request.param == "wsgi":
            return app.test_client().get(url, buffered=True)
        return asyncio.run(app.async_test_client().get(url))

    return send


def make_app(error: Exception | type[Exception] = OutOfStock) -> Costrel:
    """Make an application whose views raise this: sync and async ones of an API, and a page."""
    app = Costrel(__name__)

    @app.get("/api")
    def api() -> Item:
        raise error

    @app.get("/loop")
    async def on_loop() -> Item:
        raise error

    @app.get("/page")
    def page() -> str:
        raise error

    return app


def problem_in(response: t.Any) -> dict[str, t.Any]:
    """Return the document of a problem."""
    assert response.content_type == PROBLEM, response.text
    assert response.json["status"] == response.status_code
    return t.cast("dict[str, t.Any]", response.json)


def test_mapped_exception_tells_nothing_but_its_problem(ask: Ask) -> None:
    """Its message may be a secret."""
    app = make_app(OutOfStock("secret"))
    app.problem(OutOfStock, status=409, title="Out of stock", type="urn:stock")
    for url in ("/api", "/loop"):
        assert problem_in(ask(app, url)) == {
            "title": "Out of stock",
            "status": 409,
            "type": "urn:stock",
        }
    page = ask(app, "/page")
    assert (page.status_code, page.content_type) == (409, PAGE)
    assert "secret" not in page.text


DESCRIBED: dict[str, tuple[t.Any, dict[str, t.Any]]] = {
    "text": ("Three left.", {"title": "Conflict", "status": 409, "detail": "Three left."}),
    "members": (
        {"detail": "Few left.", "left": 3, "status": 200},
        {"title": "Conflict", "status": 409, "detail": "Few left.", "left": 3},
    ),
    "problem": (
        Sold(left=3, title="Sold", status=410),
        {"title": "Sold", "status": 410, "left": 3},
    ),
    "nothing": (None, {"title": "Conflict", "status": 409}),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_function_says_more_of_the_exception(ask: Ask, name: str) -> None:
    """It gets the exception and returns text, members, a problem, or nothing."""
    returned, document = DESCRIBED[name]
    error = OutOfStock("book")
    app = make_app(error)
    seen = []

    @app.problem(OutOfStock, 409)
    def describe(error: OutOfStock) -> t.Any:
        seen.append(error)
        return returned

    for url in ("/api", "/loop"):
        assert problem_in(ask(app, url)) == document
    page = ask(app, "/page")
    assert (page.status_code, page.content_type) == (document["status"], PAGE)
    assert document.get("detail", "") in page.text
    assert seen == [error] * 3


def test_str_shows_the_message_of_the_exception(ask: Ask) -> None:
    """Who wants that says so."""
    app = make_app(OutOfStock("Only 3 left."))
    assert app.problem(OutOfStock, 409)(str) is str
    assert problem_in(ask(app))["detail"] == "Only 3 left."


def test_most_specific_class_counts(ask: Ask) -> None:
    """A class takes its subclasses that have no problem of their own."""
    app = make_app()
    app.problem(ShopError, 400)
    assert problem_in(ask(app))["status"] == 400
    app = make_app()
    app.problem(ShopError, 400)
    app.problem(OutOfStock, 409)
    assert problem_in(ask(app))["status"] == 409


def test_one_function_may_describe_several_classes(ask: Ask) -> None:
    """As the decorator returns it."""
    for error, status in ((OutOfStock("x"), 409), (KeyError("x"), 404)):
        app = make_app(error)

        @app.problem(OutOfStock, 409)
        @app.problem(KeyError, 404)
        def describe(error: Exception) -> str:
            return f"about {error.args[0]}"

        problem = problem_in(ask(app))
        assert (problem["status"], problem["detail"]) == (status, "about x")


def test_problems_of_blueprints_come_first(ask: Ask) -> None:
    """The innermost blueprint's, for its own views only."""
    app = make_app()
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)

    def view() -> Item:
        raise OutOfStock

    outer.add_url_rule("/outer", view_func=view)
    inner.add_url_rule("/inner", view_func=view)
    app.problem(OutOfStock, 409)
    outer.problem(OutOfStock, 410)
    inner.problem(ShopError, 403)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    found = {url: problem_in(ask(app, url))["status"] for url in ("/api", "/outer", "/inner")}
    assert found == {"/api": 409, "/outer": 410, "/inner": 403}


def test_error_handler_for_the_exception_comes_first(ask: Ask) -> None:
    """Also one for all exceptions."""
    for handled in (OutOfStock, Exception):
        app = make_app()
        app.problem(OutOfStock, 409)
        app.register_error_handler(handled, lambda error: (type(error).__name__, 418))
        response = ask(app)
        assert (response.status_code, response.text) == (418, "OutOfStock")


def test_error_handler_for_the_status_gets_the_http_error(ask: Ask) -> None:
    """With the exception as its cause."""
    error = OutOfStock("book")
    for kind in (409, Conflict, HTTPException):
        app = make_app(error)
        app.problem(OutOfStock, 409)
        seen: list[HTTPException] = []

        @app.errorhandler(kind)
        def handle(raised: HTTPException) -> t.Any:
            seen.append(raised)  # noqa: B023  called at once
            return problem_for(raised, more=1)

        assert problem_in(ask(app))["more"] == 1
        assert [type(one) for one in seen] == [Conflict]
        assert seen[0].__cause__ is error


def test_exception_that_is_the_servers_fault_is_logged(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """With the id that the client is told; others are not logged."""
    error = OutOfStock("secret")
    app = make_app(error)
    app.problem(OutOfStock, 503, title="Closed")
    for url in ("/api", "/loop"):
        caplog.clear()
        problem = problem_in(ask(app, url))
        (record,) = [one for one in caplog.records if one.name == app.logger.name]
        assert record.getMessage() == f"Exception on {url} [GET] ({problem['instance']})"
        assert record.exc_info
        assert record.exc_info[1] is error
    caplog.clear()
    app = make_app(error)
    app.problem(OutOfStock, 409)
    ask(app)
    assert [one for one in caplog.records if one.name == app.logger.name] == []


def test_handler_for_500_gets_the_original_exception(ask: Ask) -> None:
    """As for an unhandled error."""
    error = OutOfStock("secret")
    app = make_app(error)
    app.problem(OutOfStock, 500)
    seen: list[t.Any] = []
    app.register_error_handler(500, lambda raised: seen.append(raised) or problem_for(raised))
    assert problem_in(ask(app))["status"] == 500
    assert isinstance(seen[0], InternalServerError)
    assert seen[0].original_exception is error


def test_status_without_a_class_of_werkzeug_is_fine(ask: Ask) -> None:
    """It is said in words all the same, if it is known."""
    app = make_app()
    app.problem(OutOfStock, 402)
    assert problem_in(ask(app)) == {"title": "Payment Required", "status": 402}


def test_mapped_exception_is_answered_in_tests_too(ask: Ask) -> None:
    """As one with a handler is; nothing is propagated."""
    app = make_app()
    app.testing = True
    app.problem(OutOfStock, 409)
    assert problem_in(ask(app))["status"] == 409


def test_exception_of_a_hook_is_mapped(ask: Ask) -> None:
    """A problem for all exceptions does not take HTTP errors."""
    for error, status in ((OutOfStock, 409), (NotFound, 404)):
        app = Costrel(__name__)
        app.add_url_rule("/api", "api", lambda: None)
        app.view_functions["api"].__annotations__["return"] = Item
        app.problem(Exception, 409)

        @app.before_request
        def check() -> t.NoReturn:
            raise error  # noqa: B023  called at once

        assert problem_in(ask(app))["status"] == status


@pytest.mark.parametrize("returned", [3, ("text", 409), NotFound()], ids=repr)
def test_description_of_another_type_is_an_error(ask: Ask, returned: t.Any) -> None:
    """It names the function; the client gets a 500."""
    app = make_app()
    app.problem(OutOfStock, 409)(lambda _error: returned)
    assert problem_in(ask(app))["status"] == 500
    app.testing = True
    with pytest.raises(TypeError, match=r"lambda> \(.*test_mapped_problems.py:\d+\) describes"):
        ask(app)


async def describe_later(error: Exception) -> str:
    """Be a coroutine function."""
    return str(error)


def test_what_can_not_be_mapped_is_refused_with_its_place() -> None:
    """At set-up, with file and line."""
    app = Costrel(__name__)
    here = r".*test_mapped_problems.py:\d+\)"
    for wrong in (404, "KeyError", BaseException, OutOfStock()):
        with pytest.raises(TypeError, match=rf"(?s)needs an Exception class{here}"):
            app.problem(t.cast("type[Exception]", wrong), 409)
    with pytest.raises(TypeError, match=rf"NotFound is an HTTP error{here}"):
        app.problem(NotFound, 404)
    for status in (200, 399, 600, "409"):
        with pytest.raises(ValueError, match=rf"is no error's status{here}"):
            app.problem(OutOfStock, t.cast("int", status))
    with pytest.raises(TypeError, match=rf"describe_later \(.*but is a coroutine function{here}"):
        app.problem(OutOfStock, 409)(describe_later)


def test_setup_that_comes_too_late_is_refused() -> None:
    """As for all registrations."""
    app = make_app()
    app.problem(OutOfStock, 409)
    app.test_client().get("/api")
    with pytest.raises(AssertionError, match="'problem' was called on the application after"):
        app.problem(ShopError, 409)


def test_untyped_application_answers_with_pages(ask: Ask) -> None:
    """Which show the detail, if there is one."""
    app = Flask(__name__)
    app.add_url_rule("/api", view_func=make_app().view_functions["api"])
    app.problem(OutOfStock, 409)(lambda _error: "Only <3> left.")
    response = ask(app)
    assert (response.status_code, response.content_type) == (409, PAGE)
    assert "Only &lt;3&gt; left." in response.text


class Operation(t.NamedTuple):
    """What is asked for its problems."""

    rule: Rule


def test_problems_of_an_operation_are_known_by_their_status() -> None:
    """Those of its blueprints, and the application's."""
    app = Costrel(__name__)
    api = Blueprint("api", __name__)
    app.problem(KeyError, 404)
    app.problem(ShopError, 409, title="Refused")
    api.problem(OutOfStock, 409, title="Out of stock")
    api.add_url_rule("/items", "items", lambda: None)
    app.register_blueprint(api)
    assert problems_of(app, Operation(Rule("/", endpoint="api.items"))) == {
        409: "Out of stock or Refused",
        404: "Not Found",
    }
    assert problems_of(app, Operation(Rule("/", endpoint="other"))) == {
        404: "Not Found",
        409: "Refused",
    }
