"""A success whose type is not declared, of a view that declares another's, is not sent."""

import typing as t

import pytest
from msgspec import Struct

from costrel import Costrel, Response, jsonify

pytestmark = pytest.mark.usefixtures("path")


class Book(Struct):
    """What may be sent."""

    id: int


ROW = {"id": 1, "password": "hunter2"}
VALUES: dict[str, tuple[t.Any, dict[str, t.Any]]] = {
    "no status": (ROW, {"responses": {201: Book}}),
    "another status": ((ROW, 201), {"responses": {200: Book}}),
    "another line": ((ROW, "202 ACCEPTED"), {"responses": {200: Book}}),
    "another with header fields": ((ROW, 201, {"X-A": "b"}), {"responses": {200: Book}}),
    "another decorator's status": (ROW, {"responses": {201: Book}, "status": 202}),
    "list": ([ROW], {"responses": {201: Book, 202: list[Book]}}),
    "nothing": (ROW, {"responses": {204: None}}),
}


@pytest.mark.parametrize("annotation", [None, t.Any, Response, str], ids=str)
@pytest.mark.parametrize(("value", "options"), VALUES.values(), ids=VALUES)
def test_other_successes_are_refused(
    annotation: t.Any, value: t.Any, options: dict[str, t.Any]
) -> None:
    """With a message that says what to write; nothing of the value leaves."""
    app = Costrel(__name__)

    def show() -> t.Any:
        return value

    show.__annotations__ = {} if annotation is None else {"return": annotation}
    app.get("/", **options)(show)
    app.testing = True
    with pytest.raises(TypeError, match=r"responses=\{\.\.\.\} says only 20"):
        app.test_client().get("/")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/")
    assert answer.status_code == 500
    assert b"hunter2" not in answer.data


SENT: dict[str, tuple[t.Any, dict[str, t.Any], int, bytes]] = {
    "declared status": ((ROW, 201), {"responses": {201: Book}}, 201, b'{"id":1}'),
    "its usual status": (ROW, {"responses": {201: Book}, "status": 201}, 201, b'{"id":1}'),
    "error": (({"error": "none"}, 404), {"responses": {200: Book}}, 404, b'{"error":"none"}\n'),
    "empty": (("", 204), {"responses": {200: Book}}, 204, b""),
    "text": ("<p>", {"responses": {201: Book}}, 200, b"<p>"),
    "only errors": ({"a": 1}, {"responses": {404: Book}}, 200, b'{"a":1}\n'),
}


@pytest.mark.parametrize(("value", "options", "status", "data"), SENT.values(), ids=SENT)
def test_others_are_sent(value: t.Any, options: dict[str, t.Any], status: int, data: bytes) -> None:
    """Declared successes are filtered; errors, text and nothing are as of Flask."""
    app = Costrel(__name__)
    app.get("/", endpoint="show", **options)(lambda: value)
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.data) == (status, data)


def test_responses_and_declared_dictionaries_are_sent() -> None:
    """What a view makes itself, and what it says that it returns."""
    app = Costrel(__name__)
    app.get("/made", endpoint="made", responses={201: Book})(lambda: jsonify(ROW))

    @app.get("/said", responses={201: Book})
    def said() -> dict[str, t.Any]:
        return ROW

    client = app.test_client()
    assert client.get("/made").json == ROW
    assert client.get("/said").json == ROW


def test_documentation_has_no_refused_status() -> None:
    """Any type for the usual status is not documented if it can't be sent."""
    app = Costrel(__name__)

    @app.get("/", responses={201: Book})
    def show() -> t.Any:
        return ROW, 201

    document = app.test_client().get("/openapi.json").json
    assert "200" not in document["paths"]["/"]["get"]["responses"]
