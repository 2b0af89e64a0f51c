"""Errors of an API are problems, over both interfaces and on both paths; others are pages."""

from __future__ import annotations

import asyncio
import logging
import typing as t

import pytest
from msgspec import Struct
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadGateway,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    HTTPException,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RequestedRangeNotSatisfiable,
    RequestEntityTooLarge,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)

from costrel import Blueprint, Costrel, EventStream, Flask, Response, abort, request
from costrel.api import Header, Problem, problem_for
from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP
from costrel.testing.asgi import WebSocketRejected

PROBLEM = "application/problem+json"
PAGE = "text/html; charset=utf-8"
WAYS = ("wsgi", "asgi", "loop")

Ask = t.Callable[..., t.Any]


class Item(Struct):
    """A model."""

    id: int


class LimitReached(Problem):
    """A problem with a member of its own."""

    limit: int


def send(app: Flask, way: str, url: str, method: str = "GET", **options: t.Any) -> t.Any:
    """Send a request over an interface, and return the response."""
    if way == "wsgi":
        return app.test_client().open(url, method=method, buffered=True, **options)
    return asyncio.run(app.async_test_client().open(url, method=method, **options))


@pytest.fixture(params=WAYS)
def ask(request: pytest.FixtureRequest, path: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return what sends a request: over each interface, and on each path."""
    if request.param == "loop":
        monkeypatch.setenv(FORCE_LOOP, "1")
    return lambda app, *args, **options: send(app, request.param, *args, **options)


def problem_in(response: t.Any) -> dict[str, t.Any]:
    """Return the document of a problem."""
    assert response.content_type == PROBLEM, response.text
    assert response.json["status"] == response.status_code
    return t.cast("dict[str, t.Any]", response.json)


def raising(error: t.Callable[[], t.Any]) -> Costrel:
    """Make an application whose view of an API raises this, and one that is a page too."""
    app = Costrel(__name__)

    @app.route("/api", methods=["GET", "POST"])
    def api() -> Item:
        raise error()

    @app.get("/loop")
    async def on_loop() -> Item:
        raise error()

    @app.get("/page")
    def page() -> str:
        raise error()

    return app


# What is in a problem


def _with(kind: t.Any, description: t.Any) -> HTTPException:
    """Return an error that is described by more than text."""
    return t.cast("HTTPException", kind(description))


ERRORS: dict[str, tuple[t.Callable[[], HTTPException], dict[str, t.Any], dict[str, str]]] = {
    "400": (BadRequest, {"title": "Bad Request", "status": 400}, {}),
    "401": (
        lambda: Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "shop"})),
        {"title": "Unauthorized", "status": 401},
        {"WWW-Authenticate": "Basic realm="},
    ),
    "403": (
        lambda: Forbidden("Not yours."),
        {"title": "Forbidden", "status": 403, "detail": "Not yours."},
        {},
    ),
    "404": (NotFound, {"title": "Not Found", "status": 404}, {}),
    "405": (
        lambda: MethodNotAllowed(["GET", "POST"]),
        {"title": "Method Not Allowed", "status": 405},
        {"Allow": "GET, POST"},
    ),
    "406": (NotAcceptable, {"title": "Not Acceptable", "status": 406}, {}),
    "409": (
        lambda: _with(Conflict, {"detail": "Too late.", "by": "Ada", "status": 200}),
        {"title": "Conflict", "status": 409, "detail": "Too late.", "by": "Ada"},
        {},
    ),
    "410": (
        lambda: _with(Gone, LimitReached(3, title="Gone at last", status=404, type="urn:x")),
        {"title": "Gone at last", "status": 410, "limit": 3, "type": "urn:x"},
        {},
    ),
    "412": (PreconditionFailed, {"title": "Precondition Failed", "status": 412}, {}),
    "413": (RequestEntityTooLarge, {"title": "Request Entity Too Large", "status": 413}, {}),
    "415": (UnsupportedMediaType, {"title": "Unsupported Media Type", "status": 415}, {}),
    "416": (
        lambda: RequestedRangeNotSatisfiable(7),
        {"title": "Requested Range Not Satisfiable", "status": 416},
        {"Content-Range": "bytes */7"},
    ),
    "428": (PreconditionRequired, {"title": "Precondition Required", "status": 428}, {}),
    "429": (
        lambda: TooManyRequests("Ten a day.", retry_after=60),
        {"title": "Too Many Requests", "status": 429, "detail": "Ten a day."},
        {"Retry-After": "60"},
    ),
    "502": (BadGateway, {"title": "Bad Gateway", "status": 502}, {}),
    "503": (
        lambda: ServiceUnavailable(retry_after=5),
        {"title": "Service Unavailable", "status": 503},
        {"Retry-After": "5"},
    ),
}


@pytest.mark.parametrize("code", ERRORS)
def test_error_of_an_api_is_a_problem(ask: Ask, code: str) -> None:
    """It has the status in words, what the view said, and the header fields of the error."""
    error, document, headers = ERRORS[code]
    app = raising(error)
    for url in ("/api", "/loop"):
        response = ask(app, url, headers={"Accept": "text/html, application/msgpack"})
        problem = problem_in(response)
        if int(code) >= 500:
            problem.pop("instance", None)  # the id of the request
        assert problem == document
        for name, value in headers.items():
            assert response.headers[name].startswith(value)
    page = ask(app, "/page")
    assert (page.status_code, page.content_type) == (int(code), PAGE)


def test_answers_are_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, with their header fields."""
    answers = set()
    for general in ("0", "1"):
        monkeypatch.setenv(FORCE_GENERAL, general)
        for way in WAYS:
            monkeypatch.setenv(FORCE_LOOP, "1" if way == "loop" else "0")
            apps = [raising(ERRORS[code][0]) for code in ("401", "405", "409", "503")]
            apps.append(make_site())
            for app in apps:
                app.config["REQUEST_ID_HEADER"] = None  # each request has another
            sent = [
                send(app, way, url, method)
                for app in apps
                for url in ("/api", "/loop", "/api/none", "/none")
                for method in ("GET", "HEAD", "DELETE", "OPTIONS")
            ]
            # Werkzeug's order of the allowed methods is that of a set.
            answers.add(
                tuple(
                    (
                        one.status,
                        *sorted((key.lower(), "".join(sorted(text))) for key, text in one.headers),
                        one.data,
                    )
                    for one in sent
                )
            )
    assert len(answers) == 1


def test_answer_to_head_has_no_body(ask: Ask) -> None:
    """But the header fields of the answer to GET."""
    app = raising(NotFound)
    response = ask(app, "/api", "HEAD")
    assert (response.status_code, response.content_type, response.data) == (404, PROBLEM, b"")
    assert response.headers["Content-Length"] == ask(app, "/api").headers["Content-Length"]


def test_detail_that_can_not_be_encoded_is_sent_as_far_as_it_can(ask: Ask) -> None:
    """A half of a surrogate pair, as JSON of a client may have it."""
    problem = problem_in(ask(raising(lambda: NotFound("no \ud800 here")), "/api"))
    assert problem["detail"] == "no ? here"


def test_response_given_to_abort_is_sent_as_it_is(ask: Ask) -> None:
    """It is no error that is still to be answered."""

    def refuse() -> t.NoReturn:
        abort(Response("mine", 418, mimetype="text/plain"))

    response = ask(raising(refuse), "/api")
    assert (response.status_code, response.text) == (418, "mine")


def test_error_that_makes_its_own_answer_does(ask: Ask) -> None:
    """Its class says how."""

    class Own(HTTPException):
        code = 418

        def get_headers(self, *_args: t.Any, **_kwargs: t.Any) -> list[tuple[str, str]]:
            return [("Content-Type", "text/plain")]

        def get_body(self, *_args: t.Any, **_kwargs: t.Any) -> str:
            return "own"

    response = ask(raising(Own), "/api")
    assert (response.status_code, response.text, response.mimetype) == (418, "own", "text/plain")


def test_error_class_of_the_application_says_its_own_description(ask: Ask) -> None:
    """Although it says the same for each of its errors."""

    class SoldOut(HTTPException):
        code = 409
        description = "All sold."

    assert problem_in(ask(raising(SoldOut), "/api"))["detail"] == "All sold."


# Which errors are problems


def make_site() -> Costrel:
    """Make an application with pages and an API."""
    app = Costrel(__name__)
    api = Blueprint("api", __name__, url_prefix="/api")

    @app.get("/")
    @app.get("/about")
    @app.get("/shop/cart")
    @app.get("/shop/both")
    def page() -> str:
        return "page"

    @app.post("/shop/both")
    @app.post("/shop/orders")
    def add() -> Item:
        return Item(1)

    @api.get("/books/<int:number>")
    @api.get("/books/", endpoint="list")
    def read(number: int = 1) -> Item:
        return Item(number)

    app.register_blueprint(api)
    return app


NOT_MATCHED = {
    "GET /none": (404, PAGE),
    "GET /apis": (404, PAGE),
    "GET /api": (404, PROBLEM),
    "GET /api/boks": (404, PROBLEM),
    "GET /api/books/x": (404, PROBLEM),
    "GET /api/books/1/authors/2": (404, PROBLEM),
    "DELETE /api/books/1": (405, PROBLEM),
    "GET /api/books": (308, PAGE),
    "DELETE /about": (405, PAGE),
    "GET /about/us": (404, PAGE),
    "GET /shop/none": (404, PAGE),
    "GET /shop/orders": (405, PROBLEM),
    "GET /shop/orders/1": (404, PROBLEM),
    "DELETE /shop/both": (405, PAGE),
    "GET /static/none.css": (404, PAGE),
    "POST /static/none.css": (405, PAGE),
}


@pytest.mark.parametrize("target", NOT_MATCHED)
def test_request_without_a_route_is_answered_as_those_near_it_are(ask: Ask, target: str) -> None:
    """By the routes of its path, or those with the most first segments in common."""
    method, url = target.split()
    response = ask(make_site(), url, method)
    assert (response.status_code, response.content_type) == NOT_MATCHED[target]
    if response.status_code == 405:
        assert response.headers["Allow"]


def test_view_that_says_its_problems_is_an_api(ask: Ask) -> None:
    """Though it returns a response, as one that sends files does."""
    app = Costrel(__name__)

    @app.get("/files/<name>")
    def page(name: str) -> Response:
        abort(404)

    @app.get("/api/files/<name>", responses={404: Problem})
    def send_file(name: str) -> Response:
        abort(404)

    assert ask(app, "/files/x").content_type == PAGE
    assert ask(app, "/api/files/x").content_type == PROBLEM
    assert ask(app, "/api/files").content_type == PROBLEM


def test_application_of_nothing_but_an_api_has_no_pages(ask: Ask) -> None:
    """Files and WebSockets do not count, nor does a view whose annotations can't be used."""
    app = Costrel(__name__)

    @app.get("/items")
    def show() -> Item:
        return Item(1)

    @app.get("/broken")
    def broken(item: Item) -> Item:
        return item

    @app.websocket("/socket")
    async def socket() -> None:
        """Do nothing."""

    assert problem_in(ask(app, "/none"))["status"] == 404
    assert problem_in(ask(app, "/items", "PUT"))["status"] == 405
    assert problem_in(ask(app, "/socket"))["status"] == 400
    assert problem_in(ask(app, "/broken"))["status"] == 500
    assert ask(app, "/static/none.css").content_type == PAGE


def test_events_of_a_declared_type_are_an_api(ask: Ask) -> None:
    """One stream beside JSON changes the errors of nothing, and has problems itself."""
    app = Costrel(__name__)

    @app.post("/items")
    def add(item: Item) -> Item:
        return item

    @app.get("/events")
    def events(limit: int) -> EventStream[Item]:
        return EventStream(())

    assert problem_in(ask(app, "/none"))["status"] == 404
    assert problem_in(ask(app, "/events"))["status"] == 422
    assert problem_in(ask(app, "/events", "PUT"))["status"] == 405


@pytest.mark.parametrize("is_api", [True, False])
def test_events_of_no_declared_type_are_what_those_near_them_are(ask: Ask, is_api: bool) -> None:
    """They have no say of their own, and take after a page as well as after an API."""
    app = Costrel(__name__)

    def show() -> t.Any:
        """Do nothing."""

    show.__annotations__ = {"return": Item if is_api else str}
    app.get("/items")(show)

    @app.get("/events")
    def events(limit: int) -> EventStream:
        return EventStream(())

    kind = PROBLEM if is_api else PAGE
    for url, method, status in (
        ("/none", "GET", 404), ("/items", "PUT", 405), ("/events", "GET", 422),
        ("/events", "PUT", 405),
    ):  # fmt: skip
        response = ask(app, url, method)
        assert (response.status_code, response.content_type) == (status, kind), url


def test_typed_blueprint_of_an_untyped_application_has_problems_of_its_own(ask: Ask) -> None:
    """And the rest of that application is as in Flask."""
    app = Flask(__name__)
    api = Blueprint("api", __name__, url_prefix="/api", typed_views=True)

    def show() -> Item:
        abort(410)

    app.add_url_rule("/old", view_func=show)
    api.add_url_rule("/new", view_func=show)
    app.register_blueprint(api)
    kinds = {url: ask(app, url).content_type for url in ("/old", "/none", "/api/new", "/api/none")}
    assert kinds == {"/old": PAGE, "/none": PAGE, "/api/new": PROBLEM, "/api/none": PROBLEM}


def test_untyped_application_has_pages_only(ask: Ask) -> None:
    """Annotations say nothing there."""
    app = raising(NotFound)
    app.config["TYPED_VIEWS"] = False
    assert {ask(app, url).content_type for url in ("/api", "/page", "/none")} == {PAGE}


def test_routes_of_another_host_do_not_count(ask: Ask) -> None:
    """A subdomain may have nothing but an API."""
    app = Costrel(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.test"

    @app.get("/")
    def page() -> str:
        return "page"

    @app.get("/items", subdomain="api")
    def show() -> Item:
        return Item(1)

    assert ask(app, "/none", base_url="http://shop.test").content_type == PAGE
    assert ask(app, "/none", base_url="http://api.shop.test").content_type == PROBLEM


def test_refused_host_is_answered_by_the_path(ask: Ask) -> None:
    """No route gets the request."""
    app = make_site()
    app.config["TRUSTED_HOSTS"] = ["shop.test"]
    for url, kind in (("/api/books/1", PROBLEM), ("/about", PAGE)):
        response = ask(app, url, base_url="http://evil.test")
        assert (response.status_code, response.content_type) == (400, kind)


def test_route_added_later_counts(path: str) -> None:
    """What was decided before is decided anew."""
    app = Costrel(__name__)
    app.add_url_rule("/items", "items", lambda: None)
    show = app.view_functions["items"]
    show.__annotations__["return"] = Item
    client = app.test_client()
    assert client.get("/none").content_type == PROBLEM
    app._got_first_request = False
    app.add_url_rule("/", "page", lambda: "page")
    assert client.get("/none").content_type == PAGE


def test_errors_of_hooks_are_those_of_the_route(ask: Ask) -> None:
    """Before the view, after it, and for OPTIONS, which no view answers."""
    app = make_site()

    @app.before_request
    def check() -> None:
        if "deny" in request.args:
            abort(401, "Who are you?")

    @app.after_request
    def fail(response: Response) -> Response:
        if "fail" in request.args:
            raise LookupError("secret")
        return response

    for method in ("GET", "OPTIONS"):
        problem = problem_in(ask(app, "/api/books/1?deny", method))
        assert problem == {"title": "Unauthorized", "status": 401, "detail": "Who are you?"}
    assert problem_in(ask(app, "/api/none?deny"))["status"] == 401
    assert ask(app, "/about?deny").content_type == PAGE
    assert "secret" not in str(problem_in(ask(app, "/api/books/1?fail")))
    assert ask(app, "/about?fail").content_type == PAGE


def test_rejected_handshake_is_answered_as_before() -> None:
    """A WebSocket is no part of an API."""
    app = Costrel(__name__)

    @app.get("/items")
    def show() -> Item:
        return Item(1)

    async def knock() -> None:
        async with app.async_test_client().websocket("/none"):
            raise AssertionError("There is no such WebSocket.")

    with pytest.raises(WebSocketRejected) as rejected:
        asyncio.run(knock())
    assert rejected.value.status_code == 404
    assert rejected.value.headers["Content-Type"] == PAGE


# Errors of the server


def fail() -> t.NoReturn:
    """Be what goes wrong."""
    raise LookupError("secret")


def test_unhandled_error_tells_an_id_that_the_log_has(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees nothing else of the error."""
    app = raising(fail)
    for url in ("/api", "/loop"):
        caplog.clear()
        problem = problem_in(ask(app, url))
        instance = problem.pop("instance")
        assert problem == {"title": "Internal Server Error", "status": 500}
        (record,) = [one for one in caplog.records if one.name == app.logger.name]
        assert record.getMessage() == f"Exception on {url} [GET] ({instance})"
        assert instance.startswith("urn:uuid:")
        assert record.exc_info
        assert str(record.exc_info[1]) == "secret"


def test_unhandled_error_of_a_page_is_logged_as_in_flask(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """The line has an id only if the page has it."""
    assert ask(raising(fail), "/page").content_type == PAGE
    (message,) = [one for one in caplog.messages if one.startswith("Exception on ")]
    assert message.partition(" (")[0] == "Exception on /page [GET]"


def test_unhandled_error_is_raised_in_tests(ask: Ask) -> None:
    """So that the test sees it."""
    app = raising(fail)
    app.testing = True
    with pytest.raises(LookupError, match="secret"):
        ask(app, "/api")


def test_handler_for_500_may_tell_the_id(ask: Ask) -> None:
    """With `problem_for`; if it returns the error, there is a problem too."""
    for handler in (problem_for, lambda error: error):
        app = raising(fail)
        app.register_error_handler(500, handler)
        assert problem_in(ask(app, "/api"))["instance"].startswith("urn:uuid:")


def test_response_that_can_not_be_sent_is_a_problem(ask: Ask) -> None:
    """Even if a hook spoils the answer to that once more."""
    app = make_site()

    @app.after_request
    def spoil(response: Response) -> Response:
        response.headers["Bad header"] = "x"
        return response

    assert problem_in(ask(app, "/api/books/1"))["status"] == 500
    assert ask(app, "/about").content_type == PAGE


# Error handlers


def test_error_handler_comes_first(ask: Ask) -> None:
    """Its answer is sent as it is."""
    app = raising(lambda: NotFound("here"))
    app.register_error_handler(404, lambda error: (f"handled {error.description}", 404))
    response = ask(app, "/api")
    assert (response.status_code, response.text) == (404, "handled here")


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_handler_that_returns_the_error_leaves_its_answer(ask: Ask, kind: str) -> None:
    """A handler for everything often passes HTTP errors on."""

    def pass_on(error: Exception) -> Exception:
        return error

    async def pass_on_later(error: Exception) -> Exception:
        return error

    app = raising(lambda: NotFound("here"))
    handler: t.Any = pass_on if kind == "def" else pass_on_later
    app.register_error_handler(Exception, handler)
    for url in ("/api", "/loop"):
        assert problem_in(ask(app, url))["detail"] == "here"
    assert ask(app, "/page").content_type == PAGE


def test_handler_may_add_members(ask: Ask) -> None:
    """To those of the error, whose header fields are kept."""
    app = raising(lambda: TooManyRequests("Ten a day.", retry_after=60))
    app.register_error_handler(429, lambda error: problem_for(error, limit=10, type="urn:limit"))
    response = ask(app, "/page")
    assert problem_in(response) == {
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Ten a day.",
        "limit": 10,
        "type": "urn:limit",
    }
    assert response.headers["Retry-After"] == "60"


def test_problem_for_a_status_is_one() -> None:
    """Also for a status that Werkzeug has no class for, but for no status that is no error's."""
    assert problem_for(402, "Pay first.").json == {
        "title": "Payment Required",
        "status": 402,
        "detail": "Pay first.",
    }
    for wrong in (200, HTTPException("no status")):
        with pytest.raises(ValueError, match="error's status, 400 or more"):
            problem_for(wrong)


def test_invalid_request_keeps_its_errors_in_a_handler(ask: Ask) -> None:
    """With `problem_for`, on a page as well."""
    app = Costrel(__name__)

    @app.get("/")
    def page(x_number: t.Annotated[int, Header()]) -> str:
        return str(x_number)

    app.register_error_handler(422, lambda error: problem_for(error, "Mend it."))
    problem = problem_in(ask(app, "/"))
    assert problem["errors"] == [{"in": "header", "pointer": "/X-Number", "detail": "Required"}]
    assert problem["detail"] == "Mend it."


def test_log_of_the_application_is_quiet_about_clients(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors below 500 are theirs."""
    caplog.set_level(logging.DEBUG)
    ask(raising(NotFound), "/api")
    ask(make_site(), "/api/none")
    assert [record for record in caplog.records if record.name == __name__] == []
