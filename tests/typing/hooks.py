# pyright: strict
"""Hooks, error handlers and template functions, as type checkers must accept them."""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from costrel import Blueprint, Flask, Response, after_this_request, g, request, signals
from costrel.api import problem_for
from costrel.typing import ResponseReturnValue

app = Flask(__name__)
bp = Blueprint("bp", __name__)


class OwnError(Exception):
    """Be an error of the application."""


class OwnResponse(Response):
    """Be a response of the application."""


# Before


@app.before_request
@bp.before_request
@bp.before_app_request
def before() -> None:
    """Return nothing."""
    g.user = "ada"


@app.before_request
def before_with_a_response() -> ResponseReturnValue | None:
    """Answer, or not."""
    if request.path == "/stop":
        return "stopped", HTTPStatus.FORBIDDEN
    return None


@app.before_request
async def before_async() -> str | None:
    """Be a coroutine function."""
    return None


# After


@app.after_request
@bp.after_request
@bp.after_app_request
def after(response: Response) -> Response:
    """Change the response."""
    response.headers["X-A"] = "1"
    return response


@app.after_request
def after_own(response: OwnResponse) -> OwnResponse:
    """Take the class of the application."""
    return response


@app.after_request
async def after_async(response: Response) -> Response:
    """Be a coroutine function."""
    return response


@app.get("/")
def index() -> str:
    """Register a hook of this request."""

    @after_this_request
    def mark(response: Response) -> Response:
        response.set_cookie("seen", "1")
        return response

    t.assert_type(mark(Response()), Response)
    return "index"


# Teardown


@app.teardown_request
@app.teardown_appcontext
@bp.teardown_request
@bp.teardown_app_request
def teardown(error: BaseException | None) -> None:
    """Clean up."""


@app.teardown_request
async def teardown_async(error: BaseException | None) -> None:
    """Be a coroutine function."""


# URLs


@app.url_value_preprocessor
@bp.url_value_preprocessor
@bp.app_url_value_preprocessor
def preprocess(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    """Take a value away."""
    if endpoint is not None and values is not None:
        g.lang = values.pop("lang", "en")


@app.url_defaults
@bp.url_defaults
@bp.app_url_defaults
def defaults(endpoint: str, values: dict[str, t.Any]) -> None:
    """Fill in a value."""
    values.setdefault("lang", endpoint)


# Errors


@app.errorhandler(400)
@app.errorhandler(HTTPStatus.BAD_GATEWAY)
@app.errorhandler(BadRequest)
@bp.errorhandler(BadRequest)
@bp.app_errorhandler(400)
def handle_bad_request(error: BadRequest) -> tuple[str, int]:
    """Take the class that is handled."""
    return error.description or "", 400


@app.errorhandler(OwnError)
def handle_own(error: OwnError) -> ResponseReturnValue:
    """Take an error of the application."""
    return {"error": str(error)}, 400


@app.problem(OwnError, status=HTTPStatus.CONFLICT, title="Own")
@bp.problem(KeyError, 404, type="urn:none")
def describe_error(error: Exception) -> dict[str, str]:
    """Say more of a problem; the function stays what it is."""
    return {"detail": str(error)}


detail: str = describe_error(OwnError())["detail"]
app.problem(LookupError, 404)
problem: Response = problem_for(409, "Too late.", left=3)


@app.errorhandler(Exception)
async def handle_async(error: Exception) -> Response:
    """Be a coroutine function."""
    return Response(repr(error), 500)


@app.errorhandler(HTTPException)
def handle_http(error: HTTPException) -> HTTPException | BaseResponse:
    """Return the error as its own response."""
    return error if error.code == 404 else error.get_response(request.environ)


def handle_not_found(error: NotFound) -> str:
    """Be registered without a decorator."""
    return error.name


app.register_error_handler(404, handle_not_found)
bp.register_error_handler(NotFound, handle_not_found)


# Templates and the shell


@app.context_processor
@bp.context_processor
@bp.app_context_processor
def names() -> dict[str, t.Any]:
    """Name what templates see."""
    return {"name": 1}


@app.context_processor
async def names_async() -> dict[str, t.Any]:
    """Be a coroutine function."""
    return {"name": 1}


@app.shell_context_processor
def shell_names() -> dict[str, t.Any]:
    """Name what the shell starts with."""
    return {"app": app}


@app.template_filter()
@bp.app_template_filter("other")
def reverse(text: str) -> str:
    """Be a filter."""
    return text[::-1]


@app.template_test("short")
@bp.app_template_test()
def is_short(text: str, limit: int = 3) -> bool:
    """Be a test."""
    return len(text) < limit


@app.template_global()
@bp.app_template_global("number")
def two() -> int:
    """Be a name."""
    return 2


app.add_template_filter(reverse, "backwards")
app.add_template_test(is_short)
app.add_template_global(two, name="zwei")


# Signals


def finished(sender: Flask, response: Response, **extra: t.Any) -> None:
    """Be told of each response."""


signals.request_finished.connect(finished, app)

# What decorating gives back

t.assert_type(handle_bad_request(BadRequest()), tuple[str, int])
t.assert_type(reverse("a"), str)
t.assert_type(is_short("a"), bool)
t.assert_type(two(), int)
t.assert_type(before_with_a_response(), ResponseReturnValue | None)
