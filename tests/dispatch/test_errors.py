"""Errors reach their handlers, the log and the client, in that order."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
)
from werkzeug.routing import RequestRedirect, RoutingException

from costrel import Blueprint, Flask, Response, abort, got_request_exception, request
from costrel.ground.debughints import FormDataRoutingRedirect

pytestmark = pytest.mark.usefixtures("path")


class AppError(Exception):
    """Be an error of the application."""


class SubError(AppError):
    """Be a more special one."""


def raising_app(*, testing=False):
    """Make an application whose view raises what ``app.error`` holds."""
    app = Flask(__name__)
    app.testing = testing

    @app.route("/", methods=["GET", "POST"])
    def view():
        raise app.error

    return app


def ask(app, error, path="/"):
    """Return status and text of a request whose view raises this."""
    app.error = error
    response = app.test_client().get(path)
    return response.status_code, response.text


# Handlers


def test_handler_of_the_most_derived_class_answers():
    """A handler of the base class takes what has no other."""
    app = raising_app()
    app.register_error_handler(AppError, lambda error: ("base", 400))
    assert ask(app, SubError()) == (400, "base")
    app = raising_app()
    app.register_error_handler(AppError, lambda error: ("base", 400))
    app.register_error_handler(SubError, lambda error: (f"sub {error}", 409))
    assert ask(app, SubError("x")) == (409, "sub x")
    assert ask(app, AppError()) == (400, "base")


def test_handlers_of_http_errors_are_found_by_code_then_by_class():
    """A handler of a code beats one of a base class, which takes the rest."""
    app = raising_app()
    app.register_error_handler(HTTPException, lambda error: (f"http {error.code}", error.code))
    app.register_error_handler(404, lambda error: ("code", 404))
    assert ask(app, NotFound()) == (404, "code")
    assert ask(app, Forbidden()) == (403, "http 403")
    assert ask(app, None, "/nothing") == (404, "code")


def test_handler_of_exception_takes_http_errors_too():
    """Werkzeug's errors are exceptions; a handler of all gets all, but no redirect."""
    app = raising_app()
    app.register_error_handler(Exception, lambda error: (type(error).__name__, 418))
    app.get("/slash/", endpoint="slash")(lambda: "")
    assert ask(app, NotFound()) == (418, "NotFound")
    assert ask(app, KeyError()) == (418, "KeyError")
    assert ask(app, None, "/slash")[0] == 308


def test_http_error_without_a_handler_is_its_own_response():
    """A view may raise or return it."""
    app = raising_app()
    app.get("/returned", endpoint="r")(lambda: Forbidden("no entry"))
    status, text = ask(app, Forbidden("no entry"))
    assert status == 403
    assert "no entry" in text
    assert ask(app, None, "/returned") == (status, text)


def test_response_given_to_abort_is_sent_as_it_is():
    """No handler sees it."""
    app = Flask(__name__)
    app.register_error_handler(Exception, lambda error: ("handler", 500))
    app.get("/")(lambda: abort(Response("mine", 418)))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (418, "mine")


def test_handlers_of_blueprints_come_before_the_applications():
    """The innermost blueprint of the endpoint is asked first."""
    app = Flask(__name__)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    app.register_error_handler(AppError, lambda error: "app")
    outer.register_error_handler(AppError, lambda error: "outer")
    inner.register_error_handler(SubError, lambda error: "inner")
    outer.app_errorhandler(KeyError)(lambda error: "app-wide")

    def view(kind):
        raise {"sub": SubError, "app": AppError, "key": KeyError}[kind]

    for owner, path in ((app, "/app"), (outer, "/outer"), (inner, "/inner")):
        owner.add_url_rule(f"{path}/<kind>", "view", view)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    client = app.test_client()
    expected = {
        "/app/sub": "app",
        "/outer/sub": "outer",
        "/inner/sub": "inner",
        "/inner/app": "outer",
        "/app/key": "app-wide",
        "/inner/key": "app-wide",
    }
    assert {path: client.get(path).text for path in expected} == expected


def test_handler_may_be_async_and_may_return_what_a_view_may():
    """Its value becomes the response like a view's."""
    app = raising_app()

    @app.errorhandler(AppError)
    async def handle(error):
        return {"path": request.path}, 400

    assert ask(app, AppError()) == (400, '{"path":"/"}\n')


def test_errors_of_hooks_are_handled_like_the_views():
    """A before-hook may raise; the view does not run then."""
    app = Flask(__name__)
    app.get("/")(lambda: "view")

    @app.before_request
    def before():
        raise AppError

    app.register_error_handler(AppError, lambda error: ("handled", 400))
    assert app.test_client().get("/").text == "handled"


def test_error_of_an_after_hook_is_a_500_without_a_handler():
    """The response was made already, so only the handler of 500 sees it."""
    app = Flask(__name__)
    app.get("/")(lambda: "view")

    @app.after_request
    def after(response):
        raise AppError

    app.register_error_handler(AppError, lambda error: ("handled", 400))
    assert app.test_client().get("/").status_code == 500


def test_error_in_a_handler_becomes_a_500():
    """What the handler raised is what is told of."""
    app = raising_app()

    @app.errorhandler(AppError)
    def fail(error):
        raise KeyError("in handler")

    app.register_error_handler(500, lambda error: (repr(error.original_exception), 500))
    assert ask(app, AppError()) == (500, "KeyError('in handler')")


def test_handlers_are_registered_for_classes_and_known_codes_only():
    """Set-up refuses what could never be raised."""
    app = Flask(__name__)
    for wrong, error, message in (
        (AppError(), TypeError, "instance, not a class"),
        (int, ValueError, "'int' is not a subclass of Exception"),
        ("404", TypeError, "'404' is neither"),
        (999, ValueError, "no HTTP error 999"),
    ):
        with pytest.raises(error, match=message):
            app.register_error_handler(wrong, lambda error: "")


# Unhandled


def test_unhandled_error_is_told_logged_and_answered_with_500(caplog):
    """The signal comes first; the log names method and path; the page says nothing."""
    app = raising_app()
    error = ZeroDivisionError("secret")
    told = []

    def receive(sender, exception, **extra):
        told.append((sender, exception, caplog.messages[:]))

    with got_request_exception.connected_to(receive, app):
        status, text = ask(app, error)
    assert status == 500
    assert "secret" not in text
    assert told == [(app, error, [])]
    (record,) = caplog.records
    assert (record.name, record.levelname) == (app.name, "ERROR")
    assert record.getMessage() == "Exception on / [GET]"
    assert record.exc_info[1] is error


def test_line_break_in_the_path_does_not_forge_a_line_of_the_log(caplog):
    """SECURITY: what a client sends stays within its line."""
    app = Flask(__name__)
    app.get("/<name>")(lambda name: 1 / 0)
    app.test_client().get("/a%0AERROR forged")
    assert caplog.messages == [r"Exception on /a\nERROR forged [GET]"]


@pytest.mark.parametrize("key", [500, InternalServerError])
def test_handler_of_500_gets_the_original_exception(key):
    """By code or by class; after-hooks run on what it returns."""
    app = raising_app()
    app.register_error_handler(key, lambda e: (f"500 {e.original_exception!r}", 500))
    app.after_request(lambda response: Response(response.data + b"!"))
    assert ask(app, AppError("x"))[1] == "500 AppError('x')!"


def test_after_hook_that_fails_on_the_500_is_logged_only(caplog):
    """The client still gets the response that was made."""
    app = raising_app()

    @app.after_request
    def after(response):
        raise KeyError("after")

    assert ask(app, AppError())[0] == 500
    assert [record.exc_info[0] for record in caplog.records] == [AppError, KeyError]


def test_handler_of_500_that_fails_reaches_the_server():
    """There is nobody left to ask; the request is left nevertheless."""
    app = raising_app()
    told = []
    app.teardown_request(told.append)
    error = AppError()

    @app.errorhandler(500)
    def fail(error):
        raise KeyError("again")

    with pytest.raises(KeyError, match="again"):
        ask(app, error)
    assert told == [error]


@pytest.mark.parametrize(
    ("testing", "debug", "setting", "propagates"),
    [
        (False, False, None, False),
        (True, False, None, True),
        (False, True, None, True),
        (True, True, False, False),
        (False, False, True, True),
    ],
)
def test_error_is_raised_for_a_debugger_or_test_as_configured(
    testing, debug, setting, propagates, caplog
):
    """``PROPAGATE_EXCEPTIONS`` decides, else testing or debug mode; unlogged then."""
    app = raising_app(testing=testing)
    app.debug = debug
    app.config["PROPAGATE_EXCEPTIONS"] = setting
    error = AppError()
    if propagates:
        with pytest.raises(AppError) as caught:
            ask(app, error)
        assert caught.value is error
        assert error.__context__ is None
        assert caplog.records == []
    else:
        assert ask(app, error)[0] == 500


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_exit_is_not_an_error_of_the_request(error):
    """It passes, and teardown functions are told of it."""
    app = raising_app()
    told = []
    app.teardown_request(told.append)
    app.register_error_handler(Exception, lambda error: "handled")
    with pytest.raises(type(error)):
        ask(app, error)
    assert told == [error]


def test_error_to_ignore_is_kept_from_the_teardowns():
    """COMPAT: an overridden ``should_ignore_error`` decides."""
    app = raising_app()
    told = []
    app.teardown_request(told.append)
    asked = []
    app.should_ignore_error = lambda error: (asked.append(error), isinstance(error, SubError))[1]
    ignored, other = SubError(), AppError()
    for error in (ignored, other, NotFound()):
        ask(app, error)
    assert told == [None, other, None]
    assert asked == [ignored, other]


# Trapping


def test_trapped_http_errors_are_like_others():
    """``TRAP_HTTP_EXCEPTIONS`` lets them through to the debugger."""
    app = raising_app(testing=True)
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    with pytest.raises(Forbidden):
        ask(app, Forbidden())
    with pytest.raises(NotFound):
        ask(app, None, "/nothing")


@pytest.mark.parametrize(
    ("debug", "setting", "trapped"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_missing_form_field_is_trapped_in_debug_mode_or_as_configured(debug, setting, trapped):
    """``TRAP_BAD_REQUEST_ERRORS`` decides, else debug mode; the key is named then."""
    app = Flask(__name__)
    app.config["TRAP_BAD_REQUEST_ERRORS"] = setting
    app.debug = debug
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.post("/")(lambda: request.form["missing_key"])
    client = app.test_client()
    if trapped:
        with pytest.raises(KeyError, match="missing_key"):
            client.post("/")
    else:
        response = client.post("/")
        assert response.status_code == 400
        assert ("missing_key" in response.text) is debug


def test_other_bad_request_is_trapped_only_if_configured():
    """Debug mode traps missing keys, not every 400."""
    app = raising_app()
    app.debug = True
    assert ask(app, BadRequest())[0] == 400
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    with pytest.raises(BadRequest):
        ask(app, BadRequest())


# Routing


def test_redirect_that_would_lose_a_form_is_explained_in_debug_mode():
    """Outside of debug mode it is a redirect; and a 308 loses nothing."""
    app = Flask(__name__)
    app.testing = True
    app.add_url_rule("/slash/", "slash", lambda: "", methods=["GET", "POST"])
    client = app.test_client()
    assert client.post("/slash", data={"a": "1"}).status_code == 308
    app.debug = True
    assert client.post("/slash", data={"a": "1"}).status_code == 308
    redirect = RequestRedirect("http://localhost/slash/")
    redirect.code = 301
    with app.test_request_context("/slash", method="POST", data={"a": "1"}):
        request.routing_exception = redirect
        with pytest.raises(FormDataRoutingRedirect, match="form data would be lost"):
            app.dispatch_request()
    with app.test_request_context("/slash"):
        request.routing_exception = redirect
        with pytest.raises(RequestRedirect):
            app.dispatch_request()


class SeeOther(HTTPException):
    """Answer by itself, without ever having run the constructor of its base."""

    code = 303

    def __init__(self, location):
        self.location = location

    def get_response(self, environ=None, scope=None):
        """Return the redirect."""
        return Response("see", 303, {"Location": self.location})


class SeeRoute(SeeOther, RoutingException):
    """Do the same as what routing raises."""


def expose(app, place, make, how):
    """Let a step of the application raise or return an error, alone or in a tuple."""

    def step():
        if how == "raised":
            raise make()
        return (make(), {"X-A": "1"}) if how == "tuple" else make()

    async def coroutine():
        return step()

    app.add_url_rule("/", "index", coroutine if place == "coroutine" else step)
    if place == "before":
        app.view_functions["index"] = lambda: "view"
        app.before_request(step)
    elif place == "handler":
        app.view_functions["index"] = lambda: 1 / 0
        app.register_error_handler(ZeroDivisionError, lambda _error: step())


@pytest.mark.parametrize("how", ["raised", "returned", "tuple"])
@pytest.mark.parametrize("place", ["view", "coroutine", "before", "handler"])
@pytest.mark.parametrize("make", [lambda: SeeOther("/there"), lambda: SeeRoute("/there")])
def test_error_without_its_bases_constructor_answers_by_its_own_response(make, place, how):
    """It sets a code and overrides `get_response`, as many do, and is sent by that."""
    app = Flask(__name__)
    if (place, how) == ("handler", "raised"):
        # What a handler raises is not handled again.
        app.register_error_handler(500, lambda error: error.original_exception)
    expose(app, place, make, how)
    app.logger.disabled = True
    client = app.test_client()
    for _time in range(2):
        response = client.get("/")
        assert (response.status_code, response.headers["Location"]) == (303, "/there")
        # What is raised can't be a tuple.
        assert response.headers.get("X-A") == ("1" if how == "tuple" else None)
