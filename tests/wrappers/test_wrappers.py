"""Request and response know the application and where routing went."""

from __future__ import annotations

import copy
import pickle
import wsgiref.util
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO

import pytest
import werkzeug.utils
import werkzeug.wrappers
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.test import create_environ

from costrel import Blueprint, Flask, Request, Response, json, redirect, request, url_for
from costrel.wrappers import blueprint_path

# Where routing went


@pytest.mark.usefixtures("path")
def test_request_names_its_endpoint_and_blueprints():
    """The innermost blueprint comes first; without a match there is none."""
    app = Flask(__name__)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)

    def view(**values):
        return [request.endpoint, request.blueprint, request.blueprints, request.view_args]

    inner.add_url_rule("/inner/<int:n>", "view", view)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/plain", "plain", view)
    app.register_error_handler(404, lambda error: view())
    client = app.test_client()
    expected = ["outer.inner.view", "outer.inner", ["outer.inner", "outer"], {"n": 1}]
    assert client.get("/inner/1").json == expected
    assert client.get("/plain").json == ["plain", None, [], {}]
    assert client.get("/nothing").json == [None, None, [], None]


def test_request_on_its_own_has_matched_nothing():
    """Outside of an application a request has Werkzeug's limits and no endpoint."""
    alone = Request({"REQUEST_METHOD": "GET"})
    assert alone.endpoint is alone.blueprint is alone.url_rule is alone.view_args is None
    assert alone.blueprints == []
    assert alone.max_content_length is None
    assert alone.max_form_memory_size == 500_000
    assert alone.max_form_parts == 1_000


def test_path_of_a_blueprints_name_begins_inside():
    """It is the order in which the blueprints' things are looked up."""
    assert blueprint_path("a.b.c") == ["a.b.c", "a.b", "a"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("xn--a", "xn--a"),
        ("XN--A.xn--bcher-kva.test:81", "xn--a.bücher.test:81"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("xn--bcher-kva.test", "bücher.test"),
    ],
)
def test_urls_decode_the_host_as_far_as_python_can(sent, shown):
    """A label that it can't decode stays as it is; nothing raises."""
    environ = {**create_environ("/p/ä?q=1", "http://x/root"), "HTTP_HOST": sent}
    received = Request(environ)
    assert received.url == f"http://{shown}/root/p/ä?q=1"
    assert received.base_url == f"http://{shown}/root/p/ä"
    assert received.root_url == received.url_root == f"http://{shown}/root/"
    assert received.host_url == f"http://{shown}/"


@pytest.mark.usefixtures("path")
def test_request_takes_attributes():
    """COMPAT(Flask-RESTful, Talisman): hooks leave things on the request."""
    app = Flask(__name__)

    @app.before_request
    def before():
        request.csp_nonce = "nonce"
        request.unparsed_arguments = {}

    app.get("/")(lambda: request.csp_nonce)
    assert app.test_client().get("/").text == "nonce"


# Limits


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("setting", "limit", "data", "status"),
    [
        ("MAX_CONTENT_LENGTH", 10, {"a": "x" * 5}, 200),
        ("MAX_CONTENT_LENGTH", 10, {"a": "x" * 50}, 413),
        ("MAX_FORM_MEMORY_SIZE", 10, {"a": "x" * 50, "f": (b"", "f")}, 413),
        ("MAX_FORM_PARTS", 1, {"a": "1", "f": (b"", "f")}, 413),
        ("MAX_FORM_PARTS", 2, {"a": "1", "f": (b"", "f")}, 200),
    ],
)
def test_form_over_a_limit_is_answered_with_413(setting, limit, data, status):
    """SECURITY: the settings bound what a client can make us keep."""
    app = Flask(__name__)
    app.config[setting] = limit
    app.post("/")(lambda: str(len(request.form)))
    if "f" in data:
        data = data | {"f": (BytesIO(b""), "f")}
    assert app.test_client().post("/", data=data).status_code == status


def test_limits_may_be_set_for_one_request():
    """A hook may widen or narrow them; None takes the setting again."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=5, MAX_FORM_MEMORY_SIZE=6, MAX_FORM_PARTS=7)
    names = ("max_content_length", "max_form_memory_size", "max_form_parts")
    with app.test_request_context(method="POST", data={"a": "x" * 10}):
        assert [getattr(request, name) for name in names] == [5, 6, 7]
        with pytest.raises(RequestEntityTooLarge):
            request.form  # noqa: B018  reading it parses it
    with app.test_request_context(method="POST", data={"a": "x" * 10}):
        for name in names:
            setattr(request, name, 100)
        assert request.form["a"] == "x" * 10
        assert [getattr(request, name) for name in names] == [100, 100, 100]
        for name in names:
            setattr(request, name, None)
        assert [getattr(request, name) for name in names] == [5, 6, 7]


# JSON


@pytest.mark.parametrize("debug", [False, True])
def test_body_that_is_not_json_is_a_400_explained_in_debug_mode_only(debug):
    """The parser's words may tell too much, so clients get them in debug mode only."""
    app = Flask(__name__)
    app.debug = debug
    with app.test_request_context(method="POST", data="{", content_type="application/json"):
        with pytest.raises(BadRequest) as caught:
            request.get_json()
        assert ("decode" in caught.value.description) is debug
        assert request.get_json(silent=True) is None


@pytest.mark.usefixtures("path")
def test_body_of_another_type_is_a_415():
    """The content type decides, unless the view forces it."""
    app = Flask(__name__)
    app.post("/", endpoint="a")(lambda: [request.json])
    app.post("/force", endpoint="b")(lambda: [request.get_json(force=True)])
    client = app.test_client()
    assert client.post("/", data="1").status_code == 415
    assert client.post("/force", data="1").json == [1]


def test_request_reads_json_as_the_application_does():
    """The provider of the application reads bodies."""
    app = Flask(__name__)
    app.json.loads = lambda text, **kwargs: ["mine", text]
    with app.test_request_context(method="POST", data="1", content_type="application/json"):
        assert request.json == ["mine", b"1"]
    assert Request.json_module is json
    assert Response.json_module is json


# Debug mode's help


@pytest.mark.usefixtures("path")
def test_missing_file_of_a_form_without_multipart_is_explained_in_debug_mode():
    """Outside of debug mode it is a plain 400."""
    app = Flask(__name__)
    app.post("/")(lambda: request.files["f"].filename)
    client = app.test_client()
    assert client.post("/", data={"f": "name.txt"}).status_code == 400
    app.debug = True
    with pytest.raises(KeyError, match=r'enctype="multipart/form-data"[\s\S]*name.txt'):
        client.post("/", data={"f": "name.txt"})


# Response


def test_response_is_html_unless_told_otherwise():
    """The default type is Flask's, and the location stays as the view gave it."""
    response = Response("text")
    assert response.content_type == "text/html; charset=utf-8"
    assert response.autocorrect_location_header is False
    assert response.status_code == 200


def test_response_takes_attributes_is_copied_and_pickled():
    """COMPAT(Flask-Caching, Flask-CORS): it has a ``__dict__``, and a cache can keep it."""

    class CachedResponse(Response):
        def __init__(self, response):
            self.__dict__ = response.__dict__

    response = Response("text", headers={"X-A": "1"}, status=201)
    response._FLASK_CORS_EVALUATED = True
    for made in (CachedResponse(response), pickle.loads(pickle.dumps(response))):  # noqa: S301
        assert made.data == b"text"
        assert made.headers["X-A"] == "1"
        assert made.status_code == 201
        assert made._FLASK_CORS_EVALUATED


def test_cookie_that_browsers_may_drop_is_warned_of():
    """``MAX_COOKIE_SIZE`` is the application's, Werkzeug's outside of one, 0 never warns."""
    app = Flask(__name__)
    assert Response().max_cookie_size == 4093
    app.config["MAX_COOKIE_SIZE"] = 100
    with app.app_context():
        with pytest.warns(UserWarning, match="100"):
            Response().set_cookie("name", "x" * 200)
        app.config["MAX_COOKIE_SIZE"] = 0
        Response().set_cookie("name", "x" * 9000)


def make_by_werkzeug(*args, **kwargs):
    """Make a response of ours by the constructor that it inherits."""
    response = Response.__new__(Response)
    werkzeug.wrappers.Response.__init__(response, *args, **kwargs)
    return response


def sent(response, method="GET"):
    """Return status, headers and body as a WSGI server would send them."""
    started = []
    environ = create_environ(method=method)
    body = b"".join(response(environ, lambda *head: started.append(head)))
    return (*started[0][:2], body)


ARGUMENTS = {
    "nothing": ((), {}),
    "text": (("text",), {}),
    "bytes": ((b"bytes",), {}),
    "a byte array": ((bytearray(b"bytes"),), {}),
    "pieces": ((["a", "b"],), {}),
    "a status": (("", 201), {}),
    "no content": (("", 204), {}),
    "not modified": (("text", 304), {}),
    "an enumeration's status": (("", HTTPStatus.NOT_FOUND), {}),
    "a status line": (("", "299 Mine"), {}),
    "an unknown status": (("", 799), {}),
    "a dictionary of headers": (("", 200, {"X-One": "1", "Location": "/a b?c"}), {}),
    "headers of lists": (("", 200, {"X-One": ["1", "2"]}), {}),
    "a number among the headers": (("", 200, {"Retry-After": 5}), {}),
    "a list of headers": (("", 200, [("X-One", "1"), ("X-One", "2")]), {}),
    "a list of lists": (("", 200, [["X-One", "1"]]), {}),
    "headers": (("", 200, Headers([("X-One", "1")])), {}),
    "a type among the headers": (("", 200, {"content-type": "text/x"}), {}),
    "a length among the headers": (("", 200, {"Content-Length": "7"}), {}),
    "a location": (("", 302, {"Location": "/somewhere?a=b"}), {}),
    "a location of its own script": (("", 302, {"Location": "/\xe9"}), {}),
    "a mimetype": (("", 200), {"mimetype": "text/css"}),
    "a mimetype that is empty": (("", 200), {"mimetype": ""}),
    "JSON": (("{}", 200), {"mimetype": "application/json"}),
    "a content type": (("", 200), {"content_type": "text/x; charset=latin-1"}),
    "a content type and headers": (
        ("", 200, {"Content-Type": "text/a"}),
        {"content_type": "text/b"},
    ),
    "a passage": ((b"x",), {"direct_passthrough": True}),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_response_is_what_the_inherited_constructor_makes(name, method):
    """The short ways to make and send a response leave nothing out that Werkzeug does."""
    args, kwargs = copy.deepcopy(ARGUMENTS[name])
    made, expected = Response(*args, **kwargs), make_by_werkzeug(*args, **kwargs)
    assert sent(made, method) == sent(expected, method)
    for attribute in ("headers", "status", "status_code", "direct_passthrough", "mimetype"):
        assert getattr(made, attribute) == getattr(expected, attribute), attribute
    if not made.direct_passthrough:
        assert made.data == expected.data


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308, 200, 304, 799, HTTPStatus.FOUND])
@pytest.mark.parametrize(
    "location",
    ["/", "", "/a/b?c=d#e", "https://host.test/x", "/a?b=1&c='", "/<b>", "/é", "/a b", "/%C3%A9"],
)
def test_redirect_is_what_werkzeug_makes(location, code):
    """The short way copies its page only around a location that needs no escaping."""
    app = Flask(__name__)
    with app.app_context():
        made = redirect(location, code)
    expected = werkzeug.utils.redirect(location, code)
    assert type(made) is Response
    assert sent(made) == sent(expected)
    assert list(made.headers) == list(expected.headers)
    assert (made.status, made.status_code) == (expected.status, expected.status_code)
    assert made.data == expected.data
    assert copy.copy(made).data == expected.data


def test_redirect_refuses_a_location_of_two_lines():
    """As Werkzeug does."""
    with Flask(__name__).app_context(), pytest.raises(ValueError, match="newline"):
        redirect("/a\nb")


def test_redirect_calls_a_constructor_that_was_replaced(monkeypatch):
    """The short way steps aside."""
    made = []
    original = Response.__init__

    def init(self, *args, **kwargs):
        made.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(Response, "__init__", init)
    with Flask(__name__).app_context():
        assert redirect("/") is made[0]


@pytest.mark.parametrize("headers", [{"X-One": "1\n2"}, {"X-One": "1\r2"}, [("X-One", "1\n2")]])
def test_value_of_two_lines_is_refused(headers):
    """As Werkzeug does."""
    with pytest.raises(ValueError, match="newline"):
        Response("", 200, headers)


def test_response_of_bytes_is_what_the_constructor_makes():
    """The two short ways are one."""
    made = Response(b"body", content_type="text/html; charset=utf-8")
    assert vars(Response.of_bytes(b"body", "text/html; charset=utf-8")) == vars(made)


CHANGES_OF_RESPONSES = {
    "data": lambda response: setattr(response, "data", "other"),
    "set_data": lambda response: response.set_data(b"other"),
    "pieces": lambda response: response.response.append(b"more"),
    "response": lambda response: setattr(response, "response", iter([b"a", b"b"])),
    "a header": lambda response: response.headers.set("X-One", "1"),
    "a header of another script": lambda response: response.headers.set("X-One", "\u20ac"),
    "headers": lambda response: setattr(response, "headers", Headers([("X-One", "1")])),
    "no headers": lambda response: response.headers.clear(),
    "a cookie": lambda response: response.set_cookie("name", "value"),
    "a status": lambda response: setattr(response, "status_code", 404),
    "a status line": lambda response: setattr(response, "status", "299 Mine"),
    "a type": lambda response: setattr(response, "mimetype", "text/css"),
    "a location": lambda response: setattr(response, "location", "/a b"),
    "an etag": lambda response: response.add_etag(),
    "its own headers": lambda response: setattr(
        response, "get_wsgi_headers", lambda _environ: Headers([("X-Own", "1")])
    ),
    "its own pieces": lambda response: setattr(response, "get_app_iter", lambda _environ: [b"own"]),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("change", CHANGES_OF_RESPONSES)
def test_changed_response_is_sent_as_werkzeug_sends_it(change, method):
    """What somebody touched is no longer what the constructor was given."""
    made, expected = Response("text"), make_by_werkzeug("text")
    for response in (made, expected):
        CHANGES_OF_RESPONSES[change](response)

    got = sent(made, method)

    assert got == sent(expected, method)
    assert got != sent(Response("text"), method) or method == "HEAD"


def letters():
    """Yield pieces of each kind."""
    yield from ("a", b"b", "", "\xe9")


USES_OF_STREAMS = {
    "none": lambda response: None,
    "iter_encoded": lambda response: list(response.iter_encoded()),
    "data": lambda response: response.data,
    "set_data": lambda response: response.set_data("other"),
    "freeze": lambda response: response.freeze(),
    "make_sequence": lambda response: response.make_sequence(),
    "length": lambda response: response.calculate_content_length(),
    "is_streamed": lambda response: (response.is_streamed, response.is_sequence),
    "close": lambda response: response.close(),
    "call_on_close": lambda response: response.call_on_close(lambda: None) and None,
    "stream": lambda response: response.stream.write(b"more") and None,
    "conditional": lambda response: (
        response.make_conditional(create_environ(), accept_ranges=True, complete_length=5) and None
    ),
    "not modified": lambda response: setattr(response, "status_code", 304),
    "a length": lambda response: setattr(response, "content_length", 5),
    "a passage": lambda response: setattr(response, "direct_passthrough", True),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("use", USES_OF_STREAMS)
@pytest.mark.parametrize(
    "arguments", ["nothing", "a status", "no content", "a list of headers", "a mimetype"]
)
def test_response_of_a_generator_is_that_of_the_inherited_constructor(arguments, use, method):
    """Its pieces, its headers, and what it is afterwards."""
    (_body, *args), kwargs = ARGUMENTS[arguments][0] or [""], ARGUMENTS[arguments][1]
    made = [make(letters(), *args, **kwargs) for make in (Response, make_by_werkzeug)]

    def outcome(response):
        try:
            used = USES_OF_STREAMS[use](response)
            started = []
            pieces = response(create_environ(method=method), lambda *head: started.append(head))
            fields = [field for field in started[0][1] if field[0] != "Date"]
            return used, started[0][0], fields, list(pieces), response.is_streamed
        except Exception as error:  # noqa: BLE001  compared
            return repr(error)

    got, expected = map(outcome, made)
    assert got == expected


def test_closing_a_streamed_body_closes_generator_and_response():
    """In the order that Werkzeug has."""
    calls = []

    def pieces():
        try:
            yield "a"
        finally:
            calls.append("generator")

    response = Response(pieces())
    response.call_on_close(lambda: calls.append("response"))
    body = response(create_environ(), lambda *_head: None)
    assert next(iter(body)) == b"a"
    body.close()
    assert calls == ["generator", "response"]
    assert list(body) == []


def test_closing_function_is_called():
    """Also where nothing else was touched."""
    calls = []
    response = Response("text")
    response.call_on_close(lambda: calls.append(1))
    environ = create_environ()
    body = response(environ, lambda *_head: None)
    body.close()
    assert calls == [1]


@pytest.mark.parametrize(
    "take",
    [
        copy.copy,
        copy.deepcopy,
        lambda response: pickle.loads(pickle.dumps(response)),  # noqa: S301  our own
        Response.force_type,
    ],
    ids=["copy", "deepcopy", "pickle", "force_type"],
)
@pytest.mark.parametrize("touched", [False, True])
def test_copy_of_a_response_is_sent_alike(take, touched):
    """Extensions that cache responses keep them in one of these ways."""
    response = Response("text", 201, {"X-One": "1"})
    if touched:
        response.headers["X-Two"] = "2"
    expected = sent(response)

    assert sent(take(response)) == expected


class CachedResponse(Response):
    """COMPAT(Flask-Caching): takes over the attributes of another one."""

    def __init__(self, response):
        self.__dict__ = response.__dict__
        self.timeout = 5


@pytest.mark.parametrize("touched", [False, True])
def test_attributes_of_a_response_make_another_one(touched):
    """All that a response is, is in its ``__dict__``."""
    response = Response("text", 201, {"X-One": "1"})
    expected = sent(Response("text", 201, {"X-One": "1"}))
    if touched:
        assert response.headers["X-One"] == "1"
        assert response.data == b"text"
    other = Response.__new__(Response)
    vars(other).update(vars(response))

    assert sent(other) == expected
    assert sent(CachedResponse(response)) == expected


@pytest.mark.parametrize("attribute", ["date", "expires", "last_modified", "retry_after"])
@pytest.mark.parametrize(
    "value", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 30, "", "soon"]
)
def test_date_of_a_response_that_is_none_is_none(attribute, value):
    """A response that is passed on may hold anything; what is set is read back."""
    response = Response()
    response.headers[attribute.replace("_", "-")] = value
    assert getattr(response, attribute) is None
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    setattr(response, attribute, moment)
    assert moment == getattr(response, attribute)


# What was received, and an environ that was changed since

CHANGES = {
    "mount": wsgiref.util.shift_path_info,
    "path": lambda environ: environ.update(PATH_INFO="/other"),
    "script": lambda environ: environ.update(SCRIPT_NAME="/script"),
    "query": lambda environ: environ.update(QUERY_STRING="b=2"),
    "method": lambda environ: environ.update(REQUEST_METHOD="DELETE"),
    "host": lambda environ: environ.update(HTTP_HOST="other.test"),
    "scheme": lambda environ: environ.update({"wsgi.url_scheme": "https"}),
    "server": lambda environ: environ.update(SERVER_NAME="other", SERVER_PORT="81"),
    "address": lambda environ: environ.update(REMOTE_ADDR="9.9.9.9"),
    "nothing left": lambda environ: environ.clear(),
}


def look(_request):
    """Return what a request says that was received, and what is built of it."""
    names = "path script_root full_path url base_url host method scheme server remote_addr"
    said = {name: getattr(request, name) for name in names.split()}
    urls = [url_for("view", rest="x"), url_for("view", rest="x", _external=True)]
    return said | {"args": request.args.to_dict(), "urls": urls}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("name", CHANGES)
def test_request_stays_as_it_was_received_when_its_environ_is_changed(name):
    """A view may hand its environ on, changed; its own hooks see their own request still."""
    app = Flask(__name__)
    seen = []

    @app.get("/mounted/<path:rest>")
    def view(rest):
        if request.headers.get("X-Change"):
            environ = request.environ
            kept = dict(environ)
            CHANGES[name](environ)
            seen.append(look(request))
            environ.update(kept)
        else:
            seen.append(look(request))
        return rest

    client = app.test_client()
    for headers in ({}, {"X-Change": "1"}):
        client.get("/mounted/page?a=1", headers=headers, base_url="http://site.test/root")
    assert seen[1] == seen[0]


@pytest.mark.usefixtures("path")
def test_headers_and_cookies_follow_a_changed_environ():
    """They are a view of it, as in Flask, and cookies are read when they are first asked for."""
    app = Flask(__name__)

    @app.get("/")
    def view():
        request.environ.update(HTTP_COOKIE="c=2", HTTP_X_A="2", CONTENT_TYPE="application/json")
        return [request.cookies["c"], request.headers["X-A"], request.is_json]

    client = app.test_client()
    client.set_cookie("c", "1")
    assert client.get("/", headers={"X-A": "1"}).json == ["2", "2", True]


@pytest.mark.parametrize("sent", [{}, {"HTTP_COOKIE": ""}])
def test_cookies_of_a_request_without_any_need_no_parser(
    sent: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first visit reads the session too, so no cookie must be as fast as one."""

    def parse(*_args: object, **_options: object) -> None:
        pytest.fail("parsed nothing")

    monkeypatch.setattr("werkzeug.sansio.request.parse_cookie", parse)
    cookies = Request({"REQUEST_METHOD": "GET", **sent}).cookies
    assert type(cookies) is ImmutableMultiDict
    assert not cookies
