"""Every value that a view may return becomes the response that Flask makes of it."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import create_environ
from werkzeug.wrappers import Response as BaseResponse

from costrel import Flask, Response, jsonify
from costrel.dispatch.coerce import PlainCoercion
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.json.provider import DefaultJSONProvider, JSONProvider


def answer(rv, *, after=False, method="GET", app=None):
    """Return status, headers and body of a view that returns this."""
    app = app or Flask(__name__)
    app.add_url_rule("/", "view", lambda: rv() if callable(rv) else rv, methods=["GET", "POST"])
    if after:
        app.after_request(lambda response: response)
    sent = []

    def start_response(status, headers, exc_info=None):
        sent.append((status, sorted(headers)))

    body = app(create_environ("/", method=method), start_response)
    data = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    ((status, headers),) = sent
    return status, dict(headers), data


HTML = "text/html; charset=utf-8"
VALUES = [
    ("text é", "200 OK", HTML, "text é".encode()),
    ("", "200 OK", HTML, b""),
    (b"\xff", "200 OK", HTML, b"\xff"),
    (bytearray(b"ab"), "200 OK", HTML, b"ab"),
    ({"b": 1, "a": "é"}, "200 OK", "application/json", b'{"a":"\\u00e9","b":1}\n'),
    ([1, None], "200 OK", "application/json", b"[1,null]\n"),
    ({}, "200 OK", "application/json", b"{}\n"),
    (("made", 201), "201 CREATED", HTML, b"made"),
    (("made", "201 Mine"), "201 Mine", HTML, b"made"),
    (("made", 299), "299 UNKNOWN", HTML, b"made"),
    (({"a": 1}, 400), "400 BAD REQUEST", "application/json", b'{"a":1}\n'),
    (("x", {"Content-Type": "text/x"}), "200 OK", "text/x", b"x"),
    (("x", 201, {"Content-Type": "text/x"}), "201 CREATED", "text/x", b"x"),
    (("x", [("Content-Type", "text/x")]), "200 OK", "text/x", b"x"),
    (("x", (("Content-Type", "text/x"),)), "200 OK", "text/x", b"x"),
    (("x", Headers({"Content-Type": "text/x"})), "200 OK", "text/x", b"x"),
    (({"a": 1}, {"Content-Type": "text/x"}), "200 OK", "text/x", b'{"a":1}\n'),
    (("x", None, None), "200 OK", HTML, b"x"),
    (("x", None, {"X": "1"}), "200 OK", HTML, b"x"),
    (("", 204), "204 NO CONTENT", HTML, b""),
    (lambda: iter(["a", "b"]), "200 OK", HTML, b"ab"),
    (lambda: (part for part in (b"a", b"b")), "200 OK", HTML, b"ab"),
    (lambda: (iter("ab"), 202), "202 ACCEPTED", HTML, b"ab"),
    (lambda: Response("r", status=418), "418 I'M A TEAPOT", HTML, b"r"),
    (lambda: (Response("r", status=418), 200), "200 OK", HTML, b"r"),
    (lambda: (Response("r"), {"Content-Type": "text/x"}), "200 OK", "text/x", b"r"),
    (lambda: BaseResponse("b", mimetype="text/x"), "200 OK", "text/x; charset=utf-8", b"b"),
    (lambda: jsonify(a=1), "200 OK", "application/json", b'{"a":1}\n'),
]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("rv", "status", "content_type", "body"), VALUES)
def test_value_becomes_its_response(rv, status, content_type, body, after):
    """With and without a hook that wants to see the response, the client gets the same."""
    sent = answer(rv, after=after)
    assert sent[0] == status
    assert sent[1]["Content-Type"] == content_type
    assert sent[2] == body


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("after", [False, True])
def test_length_is_sent_where_it_is_known(after):
    """It is the number of bytes; a stream has none."""
    for rv, length in (("é", "2"), (b"abc", "3"), ({"a": 1}, "8"), ("", "0")):
        assert answer(rv, after=after)[1]["Content-Length"] == length
    assert "Content-Length" not in answer(lambda: iter("ab"), after=after)[1]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("rv", ["text", b"bytes", {"a": 1}, [1], lambda: iter("ab")])
def test_head_sends_the_headers_without_the_body(rv):
    """SPEC(RFC 9110 §9.3.2): the same headers as for GET, and no content."""
    status, headers, body = answer(rv, method="HEAD")
    assert (status, headers) == answer(rv)[:2]
    assert body == b""


@pytest.mark.usefixtures("path")
def test_wsgi_application_is_run_as_the_response():
    """A view may answer by another application."""

    def other(environ, start_response):
        start_response("207 MULTI STATUS", [("X-Path", environ["PATH_INFO"])])
        return [b"other"]

    app = Flask(__name__)
    app.get("/")(lambda: other)
    response = app.test_client().get("/")
    assert (response.status, response.headers["X-Path"], response.data) == (
        "207 MULTI STATUS",
        "/",
        b"other",
    )


@pytest.mark.wsgi_only("ASGI sends a status without its phrase")
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("phrase", ["Multi", "FINE BY US"])
def test_phrase_of_a_status_is_sent_as_it_is(phrase):
    """It may be any text, of the response itself or of another application."""

    def other(environ, start_response):
        start_response(f"207 {phrase}", [])
        return []

    app = Flask(__name__)
    app.get("/other", endpoint="other")(lambda: other)
    app.get("/")(lambda: Response("", status=f"207 {phrase}"))
    client = app.test_client()
    assert client.get("/other").status == client.get("/").status == f"207 {phrase}"


@pytest.mark.usefixtures("path")
def test_response_with_a_call_of_its_own_is_sent_by_it():
    """COMPAT(flask-sock): what a response class does when it is sent, it still does."""

    class Own(Response):
        def __call__(self, environ, start_response):
            environ["called"].append(True)
            return super().__call__(environ, start_response)

    app = Flask(__name__)
    app.get("/")(lambda: Own("own"))
    called = []
    response = app.test_client().get("/", environ_overrides={"called": called})
    assert response.text == "own"
    assert called == [True]


@pytest.mark.parametrize(
    ("rv", "message"),
    [
        (None, r"'view' did not return a valid response.*None"),
        ((None, 200), r"'view' did not return a valid response.*None"),
        (("a", 200, {}, 1), r"\(body, status, headers\)"),
        ((), r"\(body, status, headers\)"),
        (("a",), r"\(body, status, headers\)"),
        (3, "it was a int"),
        (True, "it was a bool"),
        (3.5, "it was a float"),
        ({1}, "it was a set"),
        (object(), "it was a object"),
    ],
)
@pytest.mark.usefixtures("path")
def test_value_that_is_no_response_is_a_type_error(rv, message):
    """It names what it was and what it should be; the client sees a 500."""
    app = Flask(__name__)
    app.testing = True
    with pytest.raises(TypeError, match=message):
        answer(rv, app=app)
    app.testing = False
    assert app.test_client().get("/").status_code == 500


@pytest.mark.usefixtures("path")
def test_callable_that_is_no_wsgi_application_is_a_type_error():
    """What it raised is said, and what a view may return."""
    app = Flask(__name__)
    app.testing = True
    app.get("/")(lambda: lambda: None)
    with pytest.raises(TypeError, match=r"positional arguments[\s\S]*must be a string"):
        app.test_client().get("/")


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("after", [False, True])
def test_text_that_has_no_utf8_form_is_a_500(after):
    """A lone surrogate can't be encoded, and is an error like any other."""
    assert answer("\ud800", after=after)[0] == "500 INTERNAL SERVER ERROR"


@pytest.mark.usefixtures("path")
def test_header_given_several_times_is_sent_several_times():
    """A list of values sends the header once for each."""
    app = Flask(__name__)
    app.get("/")(lambda: ("x", {"X-A": ["1", "2"]}))
    assert app.test_client().get("/").headers.getlist("X-A") == ["1", "2"]


@pytest.mark.usefixtures("path")
def test_subclass_of_a_common_type_is_its_base():
    """A str or dict subclass is sent like its base."""

    class Text(str):
        __slots__ = ()

    class Data(dict):
        pass

    assert answer(Text("x"))[2] == b"x"
    assert answer(Data(a=1))[2] == b'{"a":1}\n'


# JSON


class Shouting(DefaultJSONProvider):
    """Write everything in capitals."""

    def dumps(self, obj, **kwargs):
        return super().dumps(obj, **kwargs).upper()


class Other(JSONProvider):
    """Write and read one constant."""

    def dumps(self, obj, **kwargs):
        return "other"

    def loads(self, s, **kwargs):
        return "other"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("change", "body", "content_type"),
    [
        (lambda app: setattr(app, "json", Shouting(app)), b'{"A":"\\U00E9"}\n', "application/json"),
        (lambda app: setattr(app, "json", Other(app)), b"other", "application/json"),
        (lambda app: setattr(app.json, "ensure_ascii", False), '{"a":"é"}\n'.encode(), None),
        (lambda app: setattr(app.json, "compact", False), b'{\n  "a": "\\u00e9"\n}\n', None),
        (lambda app: setattr(app.json, "mimetype", "x/y"), b'{"a":"\\u00e9"}\n', "x/y"),
        (lambda app: setattr(app.json, "dumps", lambda obj, **kw: "own"), b"own\n", None),
        (
            lambda app: setattr(app.json, "response", lambda *args: app.response_class("own")),
            b"own",
            HTML,
        ),
        (lambda app: setattr(app, "debug", True), b'{\n  "a": "\\u00e9"\n}\n', None),
    ],
)
def test_json_is_written_by_the_provider_of_the_moment(change, body, content_type):
    """COMPAT(Flask-Security): the provider, or a part of it, is replaced after requests."""
    app = Flask(__name__)
    app.get("/")(lambda: {"a": "é"})
    client = app.test_client()
    assert client.get("/").data == b'{"a":"\\u00e9"}\n'
    change(app)
    response = client.get("/")
    assert response.data == body
    assert response.content_type == (content_type or "application/json")


@pytest.mark.usefixtures("path")
def test_provider_class_of_the_application_is_made_with_it():
    """COMPAT(Flask-JWT-Extended): ``json_provider_class`` is called with the application."""

    class Mine(Flask):
        json_provider_class = Shouting

    app = Mine(__name__)
    app.get("/")(lambda: {"a": 1})
    assert app.test_client().get("/").data == b'{"A":1}\n'
    assert app.json_provider_class(app).dumps("a") == '"A"'


@pytest.mark.usefixtures("path")
def test_value_that_json_can_not_hold_is_a_500():
    """It is an error of the view, which handlers may handle."""
    app = Flask(__name__)
    app.get("/")(lambda: {"a": object()})
    client = app.test_client()
    assert client.get("/").status_code == 500
    app.testing = True
    with pytest.raises(TypeError, match="object is not JSON serializable"):
        client.get("/")


# The plain body


def test_plain_body_is_made_of_common_values_only():
    """Where a response is needed it says so by None."""
    app = Flask(__name__)
    coerce = PlainCoercion(app)
    with app.test_request_context():
        for rv in ("a", b"a", {"a": 1}, [1], Response("a"), jsonify({"a": 1})):
            assert coerce.body(rv) is not None
        changed = Response("a")
        changed.headers["X-A"] = "1"
        for rv in (("a", 201), Response("a", 201), changed, None, iter("a"), 3, bytearray(b"a")):
            assert coerce.body(rv) is None
        app.response_class = type("Mine", (Response,), {})
        assert PlainCoercion(app).body("a") is None


TUPLES = {
    "status": ("text", 201),
    "unknown status": ("text", 799),
    "phrase": ("text", "299 Mine"),
    "headers": ("text", {"X-One": "1"}),
    "list of headers": ("text", [("X-One", "1"), ("X-One", "2")]),
    "several values": ("text", {"X-One": ["1", "2"]}),
    "both": ("text", 404, {"X-One": "1", "Content-Type": "text/x"}),
    "neither": ("text", None, None),
    "nothing to say": ("", 204),
    "bytes": (b"bytes", 202, {"Content-Length": "5"}),
    "dictionary": ({"a": 1}, 201),
    "dictionary and headers": ({"a": 1}, 201, {"X-One": "1"}),
    "dictionary of another type": ({"a": 1}, {"Content-Type": "application/problem+json"}),
    "list": ([1], 400, [("X-One", "1")]),
    "boolean as the status": ("text", True),
    "line break in a header": ("text", {"X-One": "1\n2"}),
    "one item": ("text",),
    "four items": ("text", 200, {}, 1),
    "two bodies": ("text", ("X-One", "1")),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", TUPLES)
def test_tuple_becomes_the_response_that_the_general_path_makes(name, after, monkeypatch):
    """Status, every header in its order, and body; also what is wrong with it."""
    answers = []
    for general in ("0", "1"):
        monkeypatch.setenv(FORCE_GENERAL, general)
        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: TUPLES[name])
        if after:
            app.after_request(lambda response: response)
        answer = app.test_client().get("/")
        answers.append((answer.status, list(answer.headers), answer.data))
    assert answers[0] == answers[1]
