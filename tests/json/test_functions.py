"""The functions of `costrel.json` ask the current application's provider."""

from __future__ import annotations

import asyncio
import io
import uuid

import pytest
from werkzeug.wrappers import Response as BaseResponse

from costrel import Flask, Response, json, jsonify
from costrel.json.provider import DefaultJSONProvider


class Loud(DefaultJSONProvider):
    def dumps(self, obj, **kwargs):
        return super().dumps(obj, **kwargs).upper()

    def loads(self, s, **kwargs):
        return ("loaded", super().loads(s, **kwargs))


def test_application_that_is_current_decides():
    """Every function goes to the provider of the application."""
    app = Flask(__name__)
    app.json = Loud(app)
    with app.app_context():
        file = io.StringIO()
        json.dump({"b": "x", "a": 1}, file)
        assert file.getvalue() == '{"A": 1, "B": "X"}'
        assert json.dumps("x") == '"X"'
        assert json.loads("1") == ("loaded", 1)
        assert json.load(io.BytesIO(b"1")) == ("loaded", 1)
        assert jsonify("x").data == b'"X"\n'


def test_functions_without_an_application_use_the_standard_library():
    """Flask's conversions apply, and keys keep their order."""
    file = io.StringIO()
    json.dump({"b": uuid.UUID(int=0), "a": 1}, file)
    assert file.getvalue() == '{"b": "00000000-0000-0000-0000-000000000000", "a": 1}'
    assert json.dumps({"b": 1, "a": 1}, sort_keys=True) == '{"a": 1, "b": 1}'
    assert json.loads(b"[1]") == [1]
    file.seek(0)
    assert json.load(file)["a"] == 1


def test_jsonify_without_an_application_is_refused():
    """A response is of an application's class."""
    with pytest.raises(RuntimeError, match="application context"):
        jsonify(1)


def test_view_that_returns_a_document_answers_as_jsonify():
    """A dict or list returned, and the same by jsonify, are the same bytes."""
    app = Flask(__name__)
    documents = [{"b": "é", "a": [1.5, None, True]}, [{"x": {}}, []], {}, []]
    for number, document in enumerate(documents):
        app.add_url_rule(f"/v{number}", f"v{number}", lambda d=document: d)
        app.add_url_rule(f"/j{number}", f"j{number}", lambda d=document: jsonify(d))
    client = app.test_client()
    for debug in (False, True):
        app.debug = debug
        for number in range(len(documents)):
            one, other = client.get(f"/v{number}"), client.get(f"/j{number}")
            assert one.data == other.data
            assert one.headers == other.headers


def send(app, path, interface):
    """Return status, fields and body of an answer, over one interface."""
    if interface == "wsgi":
        response = app.test_client().get(path)
    else:

        async def get():
            return await app.async_test_client().get(path)

        response = asyncio.run(get())
    answer = response.status, fields(response), response.get_data()
    response.close()
    return answer


def fields(response):
    """Return its headers in an order of their own; ASGI sends names in small letters."""
    return sorted((name.lower(), value) for name, value in response.headers)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("hooks", [False, True])
@pytest.mark.parametrize(
    "mimetype",
    ["application/json", "application/vnd.api+json", "text/x-json", "text/json; a=b", "x", None],
)
def test_type_of_a_document_is_that_of_a_response(mimetype, hooks, interface):
    """``app.json.mimetype`` gets a charset where it is text, on every path."""
    app = Flask(__name__)
    app.json.mimetype = mimetype
    document = {"b": "é", "a": [1]}

    async def returned():
        return document

    async def made():
        return jsonify(document)

    app.get("/d")(returned)
    app.get("/j")(made)
    app.add_url_rule("/dict", "dict", lambda: document)
    app.add_url_rule("/jsonify", "jsonify", lambda: jsonify(**document))
    app.add_url_rule("/pair", "pair", lambda: (document, 200))
    if hooks:
        app.after_request(lambda response: response)
    expected = BaseResponse(b'{"a":[1],"b":"\\u00e9"}\n', mimetype=mimetype or "text/html")
    for path in ("/d", "/j", "/dict", "/jsonify", "/pair"):
        for _ in range(2):
            assert send(app, path, interface) == (
                "200 OK",
                fields(expected),
                expected.get_data(),
            )


CHANGES = {
    "nothing": lambda response: None,
    "status": lambda response: setattr(response, "status_code", 201),
    "header": lambda response: response.headers.add("X-A", "1"),
    "cookie": lambda response: response.set_cookie("a", "1"),
    "type": lambda response: setattr(response, "content_type", "application/problem+json"),
    "body": lambda response: response.set_data(b"other"),
    "looked at": lambda response: (response.headers, response.get_data(), response.json),
    "etag": lambda response: response.add_etag(),
    "attribute": lambda response: setattr(response, "own", 1),
}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("change", CHANGES)
def test_response_that_was_changed_is_sent_as_it_is(change, interface):
    """Whatever is done to what jsonify returns is seen by the client."""
    app = Flask(__name__)
    closed = []

    async def view():
        response = jsonify({"b": 1, "a": 2})
        CHANGES[change](response)
        return response

    def closing():
        response = jsonify(b=1, a=2)
        CHANGES[change](response)
        response.call_on_close(lambda: closed.append(1))
        return response

    app.get("/")(view)
    app.get("/closing")(closing)
    expected = BaseResponse(b'{"a":2,"b":1}\n', mimetype="application/json")
    CHANGES[change](expected)
    for path in ("/", "/closing"):
        for _ in range(2):
            assert send(app, path, interface) == (
                expected.status,
                fields(expected),
                expected.get_data(),
            )
    assert closed == [1, 1]


class Own(Response):
    """Be a class of the application's own."""

    default_mimetype = "application/json"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    "change",
    [
        lambda app: setattr(app, "response_class", Own),
        lambda app: setattr(app, "json", Loud(app)),
        lambda app: setattr(app.json, "response", lambda *_args, **_kwargs: Own("own")),
        lambda app: setattr(app.json, "dumps", lambda _obj, **_kwargs: "own"),
        lambda app: setattr(app.json, "compact", False),
        lambda app: setattr(app.json, "sort_keys", False),
        lambda app: setattr(app.json, "ensure_ascii", False),
        lambda app: setattr(app.json, "default", lambda _value: "own"),
        lambda app: setattr(app, "debug", True),
    ],
)
def test_jsonify_asks_what_the_application_has_now(change):
    """Whatever is replaced between two requests decides, as the provider itself would."""
    app = Flask(__name__)
    document = {"b": "é", "a": uuid.UUID(int=1)}
    app.add_url_rule("/", "index", lambda: jsonify(document))
    app.add_url_rule("/many", "many", lambda: jsonify([document] * 20))
    client = app.test_client()
    client.get("/")
    change(app)
    for path, value in (("/", document), ("/many", [document] * 20)):
        with app.app_context():
            expected = app.json.response(value)
        with app.test_request_context():
            assert type(jsonify(value)) is type(expected)
        response = client.get(path)
        assert response.data == expected.get_data()
        assert sorted(response.headers) == sorted(expected.headers)
