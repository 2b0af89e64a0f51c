"""What a request may have at most: header fields, a URL, a query, a form, JSON, a body."""

from __future__ import annotations

import asyncio
import io
import json
import typing as t

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import Costrel, Flask, request, stream_body
from costrel.api import Body
from costrel.security import body_limit, protect
from costrel.security.state import exemptions_of
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")

URLENCODED = "application/x-www-form-urlencoded"


def make_app(cls=Costrel, **config):
    """Make an application that tells how much it got, with these settings."""
    app = cls(__name__)
    app.config.update(config)

    @app.get("/")
    def index():
        return "hello"

    @app.get("/query")
    def query():
        return str(len(request.args))

    @app.post("/form")
    def form():
        return str(len(request.form))

    @app.post("/json")
    def take_json():
        request.get_json()
        return "read"

    @app.post("/silent")
    def silent():
        return str(request.get_json(silent=True, cache=False))

    return app


def post(app, body, content_type=URLENCODED, path="/form"):
    """Send a body; return the status."""
    return app.test_client().post(path, data=body, content_type=content_type).status_code


# The head of a request


def test_request_of_too_many_header_fields_is_refused():
    """More fields than ``MAX_HEADERS`` get a 431, whatever the view reads."""
    client = make_app(MAX_HEADERS=30).test_client()
    few = {f"X-Field-{number}": "x" for number in range(20)}
    many = {f"X-Field-{number}": "x" for number in range(31)}

    assert client.get("/", headers=few).status_code == 200
    assert client.get("/", headers=many).status_code == 431
    assert client.get("/nowhere", headers=many).status_code == 431


@pytest.mark.parametrize("name", [b"x-a", b"cookie", b"x_a"])
@pytest.mark.parametrize("path", ["/", "/async", "/nowhere"])
def test_repetitions_of_a_header_field_count(name, path):
    """Over ASGI each field counts, also one that is repeated, or left out for its name."""
    app = make_app(MAX_HEADERS=30)

    @app.get("/async")
    async def later():
        return "hello"

    def status(count):
        fields = [(b"host", b"localhost"), *[(name, b"a=1")] * count]
        sent = asyncio.run(send_fields(app, path, fields))
        return sent[0]["status"]

    assert status(29) == (404 if path == "/nowhere" else 200)
    assert status(30) == 431


async def send_fields(app, path, fields):
    """Send a GET with these header fields over ASGI; return the messages of the response."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": fields,
        "client": ("127.0.0.1", 5000),
        "server": ("localhost", 80),
    }
    sent: list[dict[str, t.Any]] = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app.asgi(scope, receive, send)
    return sent


def test_request_with_too_long_a_url_is_refused():
    """A path and query longer than ``MAX_URL_LENGTH`` get a 414."""
    client = make_app(MAX_URL_LENGTH=200).test_client()

    assert client.get("/?" + "x" * 198).status_code == 200
    assert client.get("/?" + "x" * 199).status_code == 414
    assert client.get("/" + "x" * 200).status_code == 414
    assert client.get("/" + "x" * 199).status_code == 404


def test_refusals_reach_the_error_handlers():
    """What is refused before the view is an error like any other."""
    app = make_app(MAX_URL_LENGTH=100)
    app.errorhandler(414)(lambda error: (f"handled {error.code}", 414))

    assert app.test_client().get("/?" + "x" * 200).text == "handled 414"


def test_api_answers_with_a_problem():
    """A rule that declares JSON gets its refusals as problem details."""
    app = Costrel(__name__)

    @app.get("/books")
    def books(page: int = 1) -> dict[str, int]:
        return {"page": page}

    response = app.test_client().get("/books?" + "x" * 9_000)

    assert response.status_code == 414
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("name", ["MAX_HEADERS", "MAX_URL_LENGTH", "MAX_QUERY_FIELDS"])
def test_limit_of_none_is_no_limit(name):
    """Each limit can be switched off."""
    settings = {"MAX_URL_LENGTH": None, "MAX_QUERY_FIELDS": None, name: None}
    client = make_app(**settings).test_client()
    headers = {f"X-{number}": "x" for number in range(90)}
    if name == "MAX_HEADERS":
        headers |= {f"Y-{number}": "x" for number in range(90)}

    response = client.get("/query?" + "&".join(f"a{i}=1" for i in range(2_000)), headers=headers)

    assert response.text == "2000"


def test_changed_limit_holds_for_the_next_request():
    """The settings are read again when they change."""
    app = make_app()
    client = app.test_client()
    assert client.get("/?" + "x" * 1_000).status_code == 200

    app.config["MAX_URL_LENGTH"] = 500

    assert client.get("/?" + "x" * 1_000).status_code == 414


def test_flask_has_no_such_limits():
    """On `Flask`, nothing of it holds until `protect` is called."""
    headers = {f"X-{number}": "x" for number in range(200)}
    app = make_app(Flask)
    path = "/query?" + "&".join(f"a{i}=1" for i in range(2_000))
    assert app.test_client().get(path, headers=headers).text == "2000"
    assert post(app, b"a=1&" * 5_000) == 200

    protected = make_app(Flask)
    protect(protected)

    assert protected.test_client().get("/", headers=headers).status_code == 431
    assert protected.test_client().get(path).status_code == 414
    assert post(protected, b"a=1&" * 5_000) == 413


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_HEADERS", "100"), ("MAX_URL_LENGTH", -1), ("MAX_JSON_DEPTH", 501)],
)
def test_setting_that_is_no_limit_is_an_error(name, value):
    """The error names the setting and its value."""
    app = make_app(**{name: value})
    app.testing = True

    with pytest.raises(ValueError, match=name):
        app.test_client().get("/")


# Queries


def test_query_of_too_many_fields_is_refused_where_it_is_read():
    """More fields than ``MAX_QUERY_FIELDS`` get a 400."""
    client = make_app(MAX_QUERY_FIELDS=20, MAX_URL_LENGTH=None).test_client()

    assert client.get("/query?" + "&".join(f"a{i}=1" for i in range(20))).text == "20"
    assert client.get("/query?" + "&".join(f"a{i}=1" for i in range(21))).status_code == 400
    assert client.get("/query?" + "&".join(f"ä{i}=1" for i in range(21))).status_code == 400
    assert client.get("/?" + "&".join("a" * 5_000)).status_code == 200


def test_handler_may_look_at_a_query_that_was_refused():
    """The second look finds an empty query, and no second error."""
    app = make_app(MAX_QUERY_FIELDS=20)
    app.errorhandler(HTTPException)(lambda error: (str(len(request.args)), error.code))

    response = app.test_client().get("/query?" + "&".join("abcdefghijklmnopqrstuvwxyz"))

    assert (response.status_code, response.text) == (400, "0")


def test_typed_view_refuses_a_query_of_too_many_fields():
    """Parameters by annotation have the same limit."""
    app = Costrel(__name__)
    app.config["MAX_QUERY_FIELDS"] = 10

    @app.get("/sum")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    client = app.test_client()
    assert client.get("/sum?" + "&".join(["numbers=1"] * 10)).json == 10
    assert client.get("/sum?" + "&".join(["numbers=1"] * 11)).status_code == 400


# Forms


@pytest.mark.parametrize("letter", [b"a", "ä".encode()])
def test_urlencoded_form_of_too_many_fields_is_refused(letter):
    """CVE-2026-54283: more fields than ``MAX_FORM_FIELDS`` get a 413."""
    app = make_app()

    assert post(app, b"&".join(letter + b"%d=1" % i for i in range(1_000))) == 200
    assert post(app, b"&".join(letter + b"%d=1" % i for i in range(1_001))) == 413


def test_urlencoded_form_that_is_too_long_is_refused():
    """A form longer than ``MAX_URLENCODED_SIZE`` gets a 413, and its view may raise that."""
    app = make_app(MAX_URLENCODED_SIZE=1_000)

    @app.post("/more")
    def more():
        request.max_urlencoded_size = 5_000
        request.max_form_fields = None
        return str(len(request.form))

    assert post(app, b"a=" + b"x" * 998) == 200
    assert post(app, b"a=" + b"x" * 999) == 413
    assert post(app, b"&".join(b"a%d=" % i for i in range(800)), path="/more") == 200
    assert post(app, b"a=" + b"x" * 5_000, path="/more") == 413


def post_multipart(app, value):
    """Send a field as a multipart form; return the status."""
    head = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    return post(app, head + value + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")


@pytest.mark.parametrize("config", [{}, {"MAX_FORM_MEMORY_SIZE": 2_000}])
def test_field_of_a_form_has_one_limit_in_both_kinds_of_forms(config):
    """``MAX_FORM_MEMORY_SIZE``: bytes of a value when it is decoded, and of an urlencoded name."""
    app = make_app(**config, MAX_URLENCODED_SIZE=None)
    limit = app.config["MAX_FORM_MEMORY_SIZE"]
    assert [200, 413] == [post_multipart(app, b"x" * size) for size in (limit // 2, limit + 1)]
    for one in (b"x", b"+", b"%41", b"%C3"):
        statuses = [post(app, b"b=1&a=" + one * (limit + more)) for more in (0, 1)]
        assert [200, 413] == statuses, one
    assert [200, 413] == [post(app, b"x" * (limit + more) + b"=1") for more in (0, 1)]
    many = b"&".join(b"a=" + b"x" * (limit // 2) for _ in range(4))
    assert 200 == post(app, many)


def test_view_says_how_long_a_field_of_its_forms_may_be():
    """For urlencoded forms as for multipart ones. A `Flask` has no limit for urlencoded ones."""
    app = make_app()

    @app.post("/streamed")
    def streamed():
        parser = request.make_form_data_parser()
        return str(len(parser.parse(request.stream, URLENCODED, None)[1]))

    @app.post("/more")
    def more():
        request.max_form_memory_size = 900_000
        return str(len(request.form))

    assert post(app, b"a=" + b"x" * 800_000) == 413
    assert post(app, b"a=" + b"x" * 800_000, path="/streamed") == 413
    assert post(app, b"a=" + b"x" * 800_000, path="/more") == 200
    assert post(app, b"a=" + b"x" * 900_001, path="/more") == 413
    assert post(make_app(Flask), b"a=" + b"x" * 800_000) == 200


@pytest.mark.wsgi_only("a chunked body needs an input without a length")
def test_chunked_form_is_not_read_beyond_its_limit():
    """A form of unknown length is refused as soon as it is too long."""
    app = make_app(MAX_URLENCODED_SIZE=1_000)

    class Endless(io.RawIOBase):
        given = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.given += len(buffer)
            assert self.given < 10_000_000, "it never ends"
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    endless = Endless()
    environ = EnvironBuilder("/form", method="POST", content_type=URLENCODED).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": endless, "wsgi.input_terminated": True}
    _chunks, status, _headers = run_wsgi_app(app, environ)

    assert status.startswith("413")
    assert endless.given < 200_000


def test_handler_may_look_at_a_form_that_was_refused():
    """The second look finds an empty form, and no second error."""
    app = make_app()
    app.errorhandler(413)(lambda _error: (str(len(request.form)), 413))

    response = app.test_client().post("/form", data=b"a&" * 2_000, content_type=URLENCODED)

    assert (response.status_code, response.text) == (413, "0")


# JSON


def nested(depth):
    """Return an array of so many levels."""
    return b"[" * depth + b"]" * depth


def test_json_is_refused_below_the_depth_that_is_set():
    """Deeper than ``MAX_JSON_DEPTH`` gets a 400, brackets in strings don't count."""
    app = make_app(MAX_JSON_DEPTH=20)

    assert post(app, nested(20), "application/json", "/json") == 200
    assert post(app, nested(21), "application/json", "/json") == 400
    assert post(app, nested(21), "application/vnd.api+json", "/json") == 400
    assert post(app, json.dumps("[" * 30).encode(), "application/json", "/json") == 200


@pytest.mark.parametrize("number", [b"%s", b"[1, -%s]", b'{"a": 0.%s}', b"1e%s"])
def test_json_number_of_too_many_digits_is_refused(number):
    """CVE-2020-10735: more than ``MAX_JSON_DIGITS`` digits get a 400, text may have more."""
    app = make_app(MAX_JSON_DIGITS=50)

    assert post(app, number % (b"1" * 51), "application/json", "/json") == 400
    assert post(app, b'["%s"]' % (b"1" * 500), "application/json", "/json") == 200
    assert post(app, b'["\\"", %s]' % (b"1" * 50), "application/json", "/json") == 200


def test_json_number_is_found_wherever_it_stands():
    """No offset hides a run of digits from the samples that are looked at first."""
    app = make_app(MAX_JSON_DIGITS=100)
    statuses = {
        post(app, b"[%s, %s]" % (b" " * offset, b"7" * 101), "application/json", "/json")
        for offset in range(40)
    }

    assert statuses == {400}


def test_integer_of_5000_digits_is_refused_by_default():
    """CVE-2020-10735: `Costrel` does not try to read it."""
    app = make_app()

    assert post(app, b"1" * 5_000, "application/json", "/json") == 400
    assert post(app, b"1" * 1_000, "application/json", "/json") == 200


def test_json_that_is_refused_silently_is_none():
    """``get_json(silent=True)`` gives None for JSON beyond a limit."""
    client = make_app(MAX_JSON_DEPTH=5).test_client()

    assert client.post("/silent", data=nested(9), content_type="application/json").text == "None"
    assert client.post("/silent", data=b"[7]", content_type="application/json").text == "[7]"


@pytest.mark.parametrize("kind", ["json", "msgpack"])
def test_typed_body_has_the_limits_of_json(kind):
    """A document that fills a parameter is limited too, also as MessagePack."""
    app = Costrel(__name__)
    app.config["MAX_JSON_DEPTH"] = 5

    @app.post("/")
    def take(document: t.Annotated[dict[str, t.Any], Body()]) -> int:
        return len(document)

    def body(depth):
        return b"\x81\xa1a" + b"\x91" * (depth - 2) + b"\x90"

    few, many = body(5), body(6)
    if kind == "json":
        few, many = (b'{"a":' + nested(depth) + b"}" for depth in (4, 5))
    client = app.test_client()
    sent = {"content_type": f"application/{kind}"}

    assert client.post("/", data=few, **sent).status_code == 200
    assert client.post("/", data=many, **sent).status_code == 400


# Bodies


def test_body_has_a_limit_by_default():
    """`Costrel` refuses a body of more than 16 MB, `Flask` none."""
    app = make_app()
    app.add_url_rule("/raw", view_func=lambda: str(len(request.get_data())), methods=["POST"])

    assert post(app, b"x" * 16_000_001, "text/plain", "/raw") == 413
    assert post(app, b"x" * 16_000_000, "text/plain", "/raw") == 200


def limited_app():
    """Make an application of several views whose bodies have limits of their own."""
    app = Costrel(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1_000

    @app.post("/above")
    @body_limit(5_000)
    def above():
        return str(len(request.get_data()))

    @body_limit(10)
    @app.post("/below")
    def below():
        return str(len(request.get_data()))

    @app.post("/async")
    @body_limit(5_000)
    async def later():
        return str(len(request.get_data()))

    @app.post("/form")
    @body_limit(5_000)
    async def form():
        return str(len(request.form["a"]))

    @app.post("/any")
    @body_limit(None)
    def anything():
        return str(len(request.get_data()))

    @app.post("/streamed")
    @body_limit(5_000)
    @stream_body
    async def streamed():
        return str(sum([len(piece) async for piece in request.stream]))

    class Upload(MethodView):
        decorators = (body_limit(5_000),)

        def post(self):
            return str(len(request.get_data()))

    app.add_url_rule("/class", view_func=Upload.as_view("upload"))
    return app


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/above", 5_000), ("/below", 10), ("/async", 5_000), ("/streamed", 5_000), ("/class", 5_000)],
)
@pytest.mark.parametrize("by", ["wsgi", "asgi"])
def test_view_has_a_limit_of_its_own(path, limit, by):
    """`body_limit` raises or lowers the limit of one view."""
    app = limited_app()

    def send(size):
        if by == "wsgi":
            return app.test_client().post(path, data=b"x" * size)
        return asyncio.run(app.async_test_client().post(path, data=b"x" * size))

    assert send(limit).text == str(limit)
    assert send(limit + 1).status_code == 413


@pytest.mark.parametrize("by", ["wsgi", "asgi"])
def test_view_without_a_limit_takes_any_body(by):
    """``body_limit(None)`` is no limit, also for a form in an async view."""
    app = limited_app()
    form = {"data": b"a=" + b"x" * 4_000, "content_type": URLENCODED}
    if by == "wsgi":
        client = app.test_client()
        assert client.post("/any", data=b"x" * 9_000).text == "9000"
        assert client.post("/form", **form).text == "4000"
        return

    async def main():
        client = app.async_test_client()
        assert (await client.post("/any", data=b"x" * 9_000)).text == "9000"
        assert (await client.post("/form", **form)).text == "4000"

    asyncio.run(main())


def test_request_may_still_set_its_own_limit():
    """``request.max_content_length`` wins over `body_limit`."""
    app = limited_app()

    @app.before_request
    def raise_limit():
        request.max_content_length = 20

    assert post(app, b"x" * 20, "text/plain", "/below") == 200
    assert post(app, b"x" * 21, "text/plain", "/above") == 413


@pytest.mark.parametrize("limit", ["10 MB", 1.5, True, -1])
def test_limit_that_is_none_is_an_error(limit):
    """`body_limit` says what to write instead."""
    with pytest.raises((TypeError, ValueError), match="body_limit"):
        body_limit(limit)


def test_audit_sees_views_whose_bodies_may_be_longer():
    """Each such view is an exemption, with the line that says so; a lower limit is none."""
    app = limited_app()
    found = {
        (exemption.target, exemption.reason, "test_request_limits.py:" in exemption.origin)
        for exemption in exemptions_of(app)
        if exemption.feature == "limits"
    }

    assert found >= {("above", "body_limit(5000)", True), ("anything", "body_limit(None)", True)}
    assert "below" not in {target for target, _reason, _origin in found}


# JSON


def make_json_app(cls=Costrel, **config):
    """Make an application that takes JSON in a thread, on the loop and into a parameter."""
    app = cls(__name__)
    app.config.update({"MAX_JSON_SIZE": 100, **config})

    @app.post("/sync")
    def sync():
        return str(len(request.get_json()))

    @app.post("/async")
    async def on_loop():
        return str(len(request.get_json()))

    @app.post("/long")
    @body_limit(1_000)
    def long():
        return str(len(request.get_json()))

    @app.post("/data")
    def data():
        return str(len(request.get_data()))

    return app


def send_json(app, way, size, kind="application/json", *, announced=True):
    """Send a JSON text of a size over WSGI or ASGI; return the status."""
    interface, view = way.split()
    body = b'"' + b"x" * (size - 2) + b'"'
    headers = {"Content-Type": kind}
    if interface == "ASGI":

        async def post_in_pieces():
            client = app.async_test_client()
            if announced:
                return await client.post(f"/{view}", data=body, headers=headers)
            return await client.post(f"/{view}", input_stream=pieces(body), headers=headers)

        return asyncio.run(post_in_pieces()).status_code
    if announced:
        return app.test_client().post(f"/{view}", data=body, headers=headers).status_code
    builder = EnvironBuilder(f"/{view}", method="POST", headers=headers)
    environ = builder.get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ.update({"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True})
    return int(run_wsgi_app(app, environ)[1][:3])


async def pieces(body):
    """Yield a body that was not announced."""
    yield body[:10]
    yield body[10:]


WAYS = ("WSGI sync", "WSGI async", "ASGI sync", "ASGI async")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("announced", [True, False])
def test_json_over_its_limit_answers_413(way, announced, caplog):
    """To the byte; the log names the setting of what was announced."""
    caplog.set_level("INFO", "costrel.security")
    app = make_json_app()
    assert send_json(app, way, 100, announced=announced) == 200
    assert send_json(app, way, 101, announced=announced) == 413
    assert send_json(app, way, 101, "Application/Problem+JSON; a=b", announced=announced) == 413
    assert ("MAX_JSON_SIZE" in caplog.text) == announced


@pytest.mark.parametrize("interface", ["WSGI", "ASGI"])
def test_limit_of_json_is_of_json_and_of_views_without_their_own(interface):
    """Other bodies are limited by ``MAX_CONTENT_LENGTH``."""
    app = make_json_app()
    assert send_json(app, f"{interface} long", 1_000) == 200
    assert send_json(app, f"{interface} long", 1_001) == 413
    assert send_json(app, f"{interface} data", 101, "text/plain") == 200
    assert send_json(app, f"{interface} data", 101, "application/msgpack") == 413


def test_no_check_of_json_is_compiled_without_a_limit():
    """Nothing then asks for the content type of a request."""
    app = make_json_app(MAX_JSON_SIZE=None)
    limits = app.extensions["costrel.security"].limits
    assert not limits.limits_json("sync", None)
    app.config["MAX_JSON_SIZE"] = 5
    assert limits.limits_json("sync", None)
    assert not limits.limits_json("long", None)
