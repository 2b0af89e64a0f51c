# pyright: strict
"""Views of every kind that Flask takes, as type checkers must accept them."""

from __future__ import annotations

import collections.abc as cabc
import typing as t
from http import HTTPStatus

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from costrel import (
    Flask,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    send_file,
    stream_template,
    stream_with_context,
)
from costrel.typing import ResponseReturnValue

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

app = Flask(__name__)


class Pet(t.TypedDict):
    """Be a JSON object of known keys."""

    name: str
    age: t.NotRequired[int]


# Whole bodies


@app.route("/str")
def view_str() -> str:
    """Return text."""
    return "text"


@app.route("/bytes")
def view_bytes() -> bytes:
    """Return bytes."""
    return b"bytes"


@app.route("/dict")
def view_dict() -> dict[str, t.Any]:
    """Return an object."""
    return {"a": 1}


@app.route("/typed-dict")
def view_typed_dict() -> Pet:
    """Return an object of known keys."""
    return {"name": "Rex"}


@app.route("/mapping")
def view_mapping() -> t.Mapping[str, int]:
    """Return an object that is not written to."""
    return {"a": 1}


@app.route("/list")
def view_list() -> list[dict[str, int]]:
    """Return an array."""
    return [{"a": 1}]


@app.route("/json")
def view_json() -> Response:
    """Return an object by `jsonify`."""
    return jsonify(a=1)


# Streams


@app.route("/iterator")
def view_iterator() -> t.Iterator[str]:
    """Return an iterator of text."""
    return iter(["a"])


@app.route("/generator")
def view_generator() -> t.Generator[bytes, None, None]:
    """Be a generator of bytes."""
    yield b"a"


@app.route("/abc-generator")
def view_abc_generator() -> cabc.Generator[str, None, None]:
    """Be a generator of text."""
    yield "a"


@app.route("/with-context")
def view_with_context() -> Response:
    """Stream with the request."""

    @stream_with_context
    def parts() -> t.Iterator[str]:
        yield "a"

    return Response(parts())


@app.route("/stream-template")
def view_stream_template() -> t.Iterator[str]:
    """Stream a template."""
    return stream_template("index.html", name="x")


# Responses


@app.route("/response")
def view_response() -> Response:
    """Return a response."""
    return Response("text", status=201, headers={"X-A": "1"})


@app.route("/base-response")
def view_base_response() -> BaseResponse:
    """Return Werkzeug's response."""
    return redirect("/")


@app.route("/made")
def view_made() -> Response:
    """Return a response that was changed."""
    response = make_response(render_template("index.html"), 200)
    response.headers["X-A"] = "1"
    response.set_cookie("name", "value", max_age=60)
    return response


@app.route("/file")
def view_file() -> Response:
    """Return a file."""
    return send_file("a.txt", as_attachment=True, max_age=lambda _: 60)


# Tuples


@app.route("/status")
def view_status() -> tuple[str, int]:
    """Return text and a status."""
    return "text", 201


@app.route("/http-status")
def view_http_status() -> tuple[dict[str, t.Any], HTTPStatus]:
    """Return an object and a status with a name."""
    return {"a": 1}, HTTPStatus.CREATED


@app.route("/headers")
def view_headers() -> tuple[str, dict[str, str]]:
    """Return text and headers."""
    return "text", {"X-A": "1"}


@app.route("/headers-list")
def view_headers_list() -> tuple[str, list[tuple[str, str]]]:
    """Return text and a list of headers."""
    return "text", [("X-A", "1"), ("X-A", "2")]


@app.route("/headers-object")
def view_headers_object() -> tuple[bytes, Headers]:
    """Return bytes and Werkzeug's headers."""
    return b"text", Headers({"X-A": "1"})


@app.route("/headers-several")
def view_headers_several() -> tuple[str, dict[str, list[str]]]:
    """Return text and a header that is sent twice."""
    return "text", {"X-A": ["1", "2"]}


@app.route("/three")
def view_three() -> tuple[Pet, int, dict[str, str]]:
    """Return an object, a status and headers."""
    return {"name": "Rex"}, 201, {"Location": "/pets/1"}


@app.route("/response-status")
def view_response_status() -> tuple[Response, int]:
    """Return a response with another status."""
    return Response("text"), 202


# Others


@app.route("/wsgi")
def view_wsgi() -> t.Callable[[WSGIEnvironment, StartResponse], t.Iterable[bytes]]:
    """Return an application."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> t.Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    return application


@app.route("/several/<int:number>")
def view_several(number: int) -> ResponseReturnValue:
    """Return one kind or another."""
    if number == 1:
        return "one"
    if number == 2:
        return {"two": 2}, 200
    if number == 3:
        return Response("three"), {"X-A": "1"}
    return [number]


@app.get("/async")
async def view_async() -> str:
    """Be a coroutine function."""
    return "text"


@app.post("/async-tuple")
async def view_async_tuple() -> tuple[Pet, int]:
    """Be a coroutine function of a tuple."""
    return {"name": "Rex"}, 201


@app.put("/keywords/<name>")
@app.patch("/keywords/<name>", endpoint="patch", defaults={"age": 1})
@app.delete("/keywords/<name>", endpoint="delete")
def view_keywords(name: str, *, age: int = 0) -> Pet:
    """Take several variables."""
    return {"name": name, "age": age}


# What registering gives back

app.add_url_rule("/added", view_func=view_str, methods=["GET", "POST"])
app.add_url_rule("/added-async", "added_async", view_async, provide_automatic_options=False)
app.add_url_rule("/elsewhere", endpoint="elsewhere")


@app.endpoint("elsewhere")
def view_elsewhere() -> str:
    """Be registered apart from the rule."""
    return "text"


t.assert_type(view_several(1), ResponseReturnValue)
t.assert_type(view_keywords("Rex", age=2), Pet)
t.assert_type(view_elsewhere(), str)
