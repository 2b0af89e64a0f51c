"""What a client sends that is wrong is answered with the status it expects.

Nothing of it is a 500, shows a traceback, or is lost in silence. Each status is the
one that Flask 3.1.3 gives, except where a test says otherwise.
"""

from __future__ import annotations

import io
import logging

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from costrel import Flask, Request, redirect, request, session, url_for

pytestmark = pytest.mark.usefixtures("path")

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


@pytest.fixture(autouse=True)
def _no_error_logged(caplog):
    """Hold each test to an empty log: a client's mistake is no error of the server."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def make_app(**config):
    """Make an application that tells what it understood."""
    app = Flask(__name__)
    app.config.update({"SECRET_KEY": "a secret", **config})
    app.logger.propagate = True

    @app.post("/json")
    def json():
        return {"got": request.get_json()}

    @app.post("/silent")
    def silent():
        return {"got": request.get_json(silent=True)}

    @app.post("/form")
    def form():
        files = {name: len(file.read()) for name, file in request.files.items()}
        return {"fields": list(request.form.items(multi=True)), "files": files}

    @app.post("/data")
    def data():
        return {"length": len(request.get_data())}

    @app.post("/stream")
    def stream():
        return {"length": len(request.stream.read())}

    @app.post("/key")
    def key():
        return request.form["missing"]

    @app.get("/query")
    def query():
        return {"args": list(request.args.items(multi=True)), "path": request.full_path}

    @app.get("/user/<name>")
    def user(name):
        return {"name": name}

    @app.get("/number/<int:number>")
    def number(number):
        return {"number": number}

    @app.get("/branch/")
    def branch():
        return ""

    @app.get("/who")
    def who():
        return {"cookies": dict(request.cookies), "session": dict(session)}

    @app.get("/authorization")
    def authorization():
        given = request.authorization
        return {"user": None if given is None else given.username}

    return app


def ask(app, method, path, body=b"", content_type=None, announced=True, **environ):
    """Send a request as a server has read it, its body announced or chunked."""
    environ = {
        **app.test_request_context(method=method).environ,
        "PATH_INFO": path,
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    if announced:
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
    else:
        environ.pop("CONTENT_LENGTH", None)
        environ["wsgi.input_terminated"] = True
    started = []

    def start_response(status, headers, exc_info=None):
        started.append((status, headers))

    sent = b"".join(app(environ, start_response))
    ((status, headers),) = started
    response = TestResponse(iter([sent]), status, Headers(headers), Request(environ))
    assert "Traceback" not in response.text
    return response


# JSON


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1, 2",
        b'"\xff"',
        b'"abc',
        b"\xff\xfe{",
        b"undefined",
        b"01",
        b"\x00",
        b'{"a":\n"\n"}',
        # Flask answers 500 to these two, which Python's parser can't follow.
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_malformed_json_answers_400(body):
    """What is not JSON is a bad request, and None where the view takes that."""
    app = make_app()
    response = ask(app, "POST", "/json", body, "application/json")
    assert response.status_code == 400
    assert ask(app, "POST", "/silent", body, "application/json").json == {"got": None}


def test_malformed_json_is_explained_in_debug_mode_only():
    """The parser's words reach a developer, and nobody else."""
    for debug in (True, False):
        app = make_app(DEBUG=debug)
        text = ask(app, "POST", "/json", b'{"a": x}', "application/json").text
        assert ("Expecting value" in text) is debug


@pytest.mark.parametrize("content_type", [None, "", "text/plain", URLENCODED, "application/jso", "/"])
def test_json_of_another_content_type_answers_415(content_type):
    """A body that was not sent as JSON is not read as JSON."""
    assert ask(make_app(), "POST", "/json", b"{}", content_type).status_code == 415


# Forms


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=%FF", [["a", "%FF"]]),
        (b"a=%zz&b=%", [["a", "%zz"], ["b", "%"]]),
        (b"a=%C3%A9", [["a", "é"]]),
        (b"a=\xc3\xa9", [["a", "é"]]),
        # Flask gives an empty form for these two: one raw byte loses all fields.
        (b"a=\xff&b=1", [["a", "%FF"], ["b", "1"]]),
        (b"\xe9=1&b=\xe9", [["%E9", "1"], ["b", "%E9"]]),
        (b"a&b=&=c&&a=2", [["a", ""], ["a", "2"], ["b", ""], ["", "c"]]),
        (b"\x00=\x00", [["\x00", "\x00"]]),
    ],
    ids=repr,
)
def test_urlencoded_form_of_no_encoding_loses_nothing(body, fields):
    """Bytes that are not UTF-8 stay percent-encoded; the rest of the form is there."""
    response = ask(make_app(), "POST", "/form", body, URLENCODED)
    assert response.json == {"fields": fields, "files": {}}


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (b'Content-Disposition: form-data; name="a"\r\n\r\n\xff', [["a", "\ufffd"]]),
        (
            b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=x\r\n\r\n1',
            [["a", "1"]],
        ),
        (b"Content-Disposition: form-data\r\n\r\n1", [[None, "1"]]),
    ],
    ids=["value", "charset", "no name"],
)
def test_multipart_form_of_no_encoding_loses_nothing(part, fields):
    """Bytes that are not UTF-8 are replaced; the part is there."""
    body = b"--b\r\n" + part + b"\r\n--b--\r\n"
    response = ask(make_app(), "POST", "/form", body, MULTIPART)
    assert response.json == {"fields": fields, "files": {}}


@pytest.mark.parametrize("content_type", ["multipart/form-data", MULTIPART, f"{MULTIPART}c"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"--b",
        b"--b\r\n\r\n",
        b"--b\r\nno header\r\n",
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--b--\r\n',
    ],
    ids=repr,
)
def test_malformed_multipart_form_is_empty(body, content_type):
    """A form that can't be read has no fields; one that the view needs answers 400."""
    app = make_app()
    assert ask(app, "POST", "/form", body, content_type).json == {"fields": [], "files": {}}
    assert ask(app, "POST", "/key", body, content_type).status_code == 400


def test_missing_field_answers_400_and_is_named_in_debug_mode_only():
    """A form without a field that the view needs is a bad request."""
    response = ask(make_app(), "POST", "/key", b"a=1", URLENCODED)
    assert response.status_code == 400
    assert "missing" not in response.text
    app = make_app(TRAP_BAD_REQUEST_ERRORS=False, DEBUG=True)
    assert "missing" in ask(app, "POST", "/key", b"a=1", URLENCODED).text


# Limits


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("target", ["/data", "/stream", "/form", "/json"])
@pytest.mark.parametrize("excess", [1, 100_000])
def test_body_over_the_limit_answers_413(target, excess, announced):
    """A body that is too long is refused, also when its length was not announced."""
    content_type = {"/form": URLENCODED, "/json": "application/json"}.get(target)
    body = b"1" * (1000 + excess)
    app = make_app(MAX_CONTENT_LENGTH=1000)
    assert ask(app, "POST", target, body, content_type, announced).status_code == 413
    assert ask(app, "POST", target, body[:1000], content_type, announced).status_code == 200


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 6 + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"1" * 1001 + b"\r\n--b--\r\n",
    ],
    ids=["parts", "field"],
)
def test_form_over_a_limit_answers_413(body, announced):
    """Too many parts, and a field that is too long, are refused."""
    app = make_app(MAX_FORM_PARTS=5, MAX_FORM_MEMORY_SIZE=1000)
    assert ask(app, "POST", "/form", body, MULTIPART, announced).status_code == 413
    app = make_app(MAX_FORM_PARTS=6, MAX_FORM_MEMORY_SIZE=2000)
    assert ask(app, "POST", "/form", body, MULTIPART, announced).status_code == 200


@pytest.mark.parametrize("length", ["abc", "-1", "+5", "1e3", "0x5", "5_0", "\xb2", "5 5"])
def test_length_that_is_no_number_is_no_length(length):
    """A Content-Length that servers refuse gives an empty body, as an absent one does."""
    response = ask(make_app(), "POST", "/data", b"12345", CONTENT_LENGTH=length)
    assert (response.status_code, response.json) == (200, {"length": 0})


@pytest.mark.parametrize("target", ["/data", "/stream", "/form", "/json"])
def test_body_shorter_than_announced_answers_400(target):
    """A body that was cut off is never taken for a whole one."""
    content_type = {"/form": URLENCODED, "/json": "application/json"}.get(target)
    response = ask(make_app(), "POST", target, b"12345", content_type, CONTENT_LENGTH="10")
    assert response.status_code == 400


# Paths and queries


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("a=%FF", [["a", "%FF"]]),
        ("a=%zz&b=%", [["a", "%zz"], ["b", "%"]]),
        ("a=%ed%a0%80", [["a", "%ED%A0%80"]]),
        ("a=\xc3\xa9", [["a", "é"]]),
        # Flask answers 500 to a raw byte that is not UTF-8.
        ("a=\xff&b=1", [["a", "%FF"], ["b", "1"]]),
        ("\xe9", [["%E9", ""]]),
        ("a&&=&b=c=d;e", [["a", ""], ["", ""], ["b", "c=d;e"]]),
        ("a=%00", [["a", "\x00"]]),
    ],
)
def test_query_of_no_encoding_loses_nothing(query, args):
    """Bytes that are not UTF-8 stay percent-encoded, encoded by the client or not."""
    response = ask(make_app(), "GET", "/query", QUERY_STRING=query)
    assert response.json["args"] == args
    assert response.json["path"].startswith("/query?")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/user/\xff", "\ufffd"),
        ("/user/\xc3", "\ufffd"),
        ("/user/\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("/user/\xc3\xa9", "é"),
        ("/user/%ff", "%ff"),
        ("/user/%", "%"),
        ("/user/\x00", "\x00"),
        ("/user/a\x1bb", "a\x1bb"),
        ("/user/a\nb", "a\nb"),
    ],
)
def test_path_of_no_encoding_is_matched_with_replacements(target, name):
    """A server has decoded the percent signs; bytes that are not UTF-8 are replaced."""
    assert ask(make_app(), "GET", target).json == {"name": name}


@pytest.mark.parametrize(
    "target",
    [
        "/user/",
        "/user/a/b",
        "/number/x",
        "/number/-1",
        "/number/1.0",
        "/number/\xd9\xa3x",
        "/number/ 1",
        "/number/1\n",
        "/query\x00",
        "/\xff",
        "/..",
        "/../query",
        "/query/..",
        "//evil.test/query",
        "/" * 1000 + "x",
        "/" + "x" * 100_000,
        "/" + "x/" * 50_000,
    ],
    ids=lambda target: repr(target[:20]),
)
def test_path_that_no_rule_fits_answers_404(target):
    """Whatever is in it, a path is found or it is not."""
    assert ask(make_app(), "GET", target).status_code == 404


@pytest.mark.parametrize("target", ["//branch", "///branch", "//branch//", "//user//x", "/branch"])
def test_redirect_to_the_canonical_path_stays_on_the_host(target):
    """A path that begins like another host never makes a redirect to it."""
    response = ask(make_app(), "GET", target, HTTP_HOST="good.test")
    assert response.status_code == 308
    assert response.location.startswith("http://good.test/")
    assert "//" not in response.location.removeprefix("http://")


@pytest.mark.parametrize("digits", [20, 4300, 100_000])
def test_number_of_any_length_is_answered(digits):
    """Python refuses to read very long numbers; a path with one matches no rule."""
    response = ask(make_app(), "GET", "/number/" + "9" * digits)
    assert response.status_code == (200 if digits <= 4300 else 404)


# Methods


@pytest.mark.parametrize("method", ["DELETE", "FOO", "TRACE", "CONNECT", "PROPFIND", "", "\xc9", "A B"])
def test_unknown_method_answers_405_with_the_known_ones(method):
    """The answer says what the URL does allow."""
    response = ask(make_app(), method, "/query")
    assert response.status_code == 405
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]


# Hosts


@pytest.mark.parametrize(
    "host", ["evil.test", "good.test.evil.test", "xgood.test", "127.0.0.1", "", "a/b", "good.test@x"]
)
def test_host_that_is_not_trusted_answers_400(host):
    """With ``TRUSTED_HOSTS``, other hosts are refused before anything runs for them."""
    app = make_app(TRUSTED_HOSTS=["good.test", ".sub.test"])
    response = ask(app, "GET", "/query", HTTP_HOST=host)
    assert response.status_code == 400
    assert ask(app, "GET", "/none", HTTP_HOST=host).status_code == 400


@pytest.mark.parametrize("host", ["good.test", "good.test:8000", "sub.test", "a.b.sub.test"])
def test_host_that_is_trusted_is_served(host):
    """Names on the list are served on any port, and below one with a dot before it."""
    app = make_app(TRUSTED_HOSTS=["good.test", ".sub.test"])
    assert ask(app, "GET", "/query", HTTP_HOST=host).status_code == 200


def test_page_about_an_untrusted_host_may_link_and_show_the_url():
    """An error page as sites have it is sent with its 400; Flask answers 500."""
    app = make_app(TRUSTED_HOSTS=["good.test"])

    @app.errorhandler(400)
    def refused(_error):
        return {"style": url_for("static", filename="a.css"), "url": request.url}, 400

    response = ask(app, "GET", "/query", HTTP_HOST="evil.test", SCRIPT_NAME="/below")
    assert response.status_code == 400
    assert response.json == {"style": "/below/static/a.css", "url": "http:///below/query"}


# Cookies, sessions, headers


@pytest.mark.parametrize(
    ("sent", "cookies"),
    [
        ("", {}),
        (";;=;=x", {}),
        ("a", {"a": ""}),
        ("a=b; a=c", {"a": "b"}),
        ('a="b\\"c"', {"a": 'b"c'}),
        ('a="\\377"', {"a": "\ufffd"}),
        ("a=\xff", {"a": "\xff"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=" + "x" * 100_000, {"a": "x" * 100_000}),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_malformed_cookie_is_read_as_far_as_it_goes(sent, cookies):
    """A cookie that no server set does no harm to the request."""
    response = ask(make_app(), "GET", "/who", HTTP_COOKIE=sent)
    assert response.status_code == 200
    assert response.json["cookies"] == cookies


def session_cookie(app, data):
    """Sign a session as `app` does."""
    return app.session_interface.get_signing_serializer(app).dumps(data)


TAMPERINGS = {
    "empty": lambda _: "",
    "garbage": lambda _: "garbage",
    "dots": lambda _: "." * 100,
    "compressed garbage": lambda _: ".eJy",
    "not latin": lambda _: "\xff\xfe",
    "other key": lambda _: session_cookie(make_app(SECRET_KEY="other"), {"user": 1}),
    "cut": lambda value: value[:-1],
    "longer": lambda value: value + "x",
    "data changed": lambda value: "x" + value[1:],
    "no signature": lambda value: value.rpartition(".")[0],
    "no time": lambda value: value.partition(".")[0] + "." + value.rpartition(".")[2],
    "doubled": lambda value: f"{value}.{value}",
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampered_session_is_empty(name):
    """A session that was not signed here is none, and the request goes on without."""
    app = make_app()
    sent = TAMPERINGS[name](session_cookie(app, {"user": 1}))
    response = ask(app, "GET", "/who", HTTP_COOKIE=f"session={sent}")
    assert response.status_code == 200
    assert response.json["session"] == {}


def test_expired_session_is_empty():
    """A session older than ``PERMANENT_SESSION_LIFETIME`` is none."""
    app = make_app(PERMANENT_SESSION_LIFETIME=-1)
    sent = session_cookie(app, {"user": 1})
    assert ask(app, "GET", "/who", HTTP_COOKIE=f"session={sent}").json["session"] == {}


def test_signed_session_that_is_no_dict_is_empty_or_refused():
    """What another program signed with the same key does not break every request."""
    app = make_app()
    sent = session_cookie(app, [])
    assert ask(app, "GET", "/who", HTTP_COOKIE=f"session={sent}").json["session"] == {}


@pytest.mark.parametrize(
    "value",
    ["Basic x", "Basic /w==", "Basic \xff", "Basic =", "Digest", 'Digest a="', "Bearer", "\xff", " "],
)
def test_malformed_authorization_is_none(value):
    """Credentials that can't be read are none; Flask answers 500 to some."""
    response = ask(make_app(), "GET", "/authorization", HTTP_AUTHORIZATION=value)
    assert (response.status_code, response.json) == (200, {"user": None})


@pytest.mark.parametrize("name", ["IF_MODIFIED_SINCE", "IF_NONE_MATCH", "IF_RANGE", "RANGE", "ACCEPT"])
@pytest.mark.parametrize(
    "value", ["", "x", "\xff", '"', "bytes=9-1", "Thu, 99 Foo 9999 99:99:99 GMT", "*/*;q=x", "9" * 99]
)
def test_malformed_header_of_a_file_request_is_ignored_or_refused(name, value, tmp_path):
    """What a header of a conditional request can't mean, it does not mean."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("text")
    app = Flask(__name__, root_path=str(tmp_path))
    client = app.test_client()
    with client.get("/static/a.txt", headers={name.replace("_", "-"): value}) as response:
        assert response.status_code in {200, 416}


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "http://evil.test", "/é?ü#ö"])
def test_redirect_of_a_view_goes_where_the_view_says(target):
    """Compatibility: `redirect` checks nothing, as in Flask; the location is ASCII."""
    app = make_app()

    @app.get("/go")
    def go():
        return redirect(target)

    response = ask(app, "GET", "/go")
    assert response.status_code == 302
    assert response.location.isascii()
