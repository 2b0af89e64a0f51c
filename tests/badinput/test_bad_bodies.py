"""JSON, forms and lengths that are wrong are answered with the status a client expects.

Nothing of it is a 500, shows a traceback, or is lost in silence. Each status is the
one that Flask 3.1.3 gives, except where a test says otherwise.
"""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from recorder import MULTIPART, URLENCODED, ask, make_app

from costrel import redirect, request
from costrel.json.provider import DefaultJSONProvider

pytestmark = pytest.mark.usefixtures("path", "no_error_logged")


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
        # Nor these, which hide how deep they are.
        b'["]",' * 2_000 + b"1" + b',"["]' * 2_000,
        ("[" * 2_000 + "]" * 2_000).encode("utf-16"),
        ('["\u0122",' + "[" * 2_000 + "]" * 2_000 + "]").encode("utf-16-le"),
        b"\xef\xbb\xbf" + b"[" * 2_000 + b"]" * 2_000,
        '"\udc00'.encode("utf-16-le", "surrogatepass"),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_malformed_json_answers_400(body):
    """What is not JSON is a bad request, and None where the view takes that."""
    app = make_app()
    response = ask(app, "POST", "/json", body, "application/json")
    assert response.status_code == 400
    assert ask(app, "POST", "/silent", body, "application/json").json == {"got": None}


SURROGATES = (
    rb'"\ud800"',
    rb'{"\udfff": 1}',
    b'"\xed\xa0\x80"',
    b'"\x00\x00\xd8"\x00',
)


@pytest.mark.parametrize("body", SURROGATES, ids=repr)
def test_half_of_a_surrogate_pair_is_written_back_or_answers_400(body):
    """JSON has a notation for it, and UTF-8 has none; Flask answers 500 where there is none."""
    app = make_app()

    @app.post("/text")
    def text():
        return str(json.dumps(request.get_json(), ensure_ascii=False))

    @app.post("/location")
    def location():
        return redirect("/" + json.dumps(request.get_json(), ensure_ascii=False))

    assert ask(app, "POST", "/json", body, "application/json").status_code == 200
    assert ask(app, "POST", "/text", body, "application/json").status_code == 400
    assert ask(app, "POST", "/location", body, "application/json").status_code == 400
    app.json.ensure_ascii = False
    assert ask(app, "POST", "/json", body, "application/json").status_code == 400


@pytest.mark.parametrize("body", [b"NaN", b"[1e400]", b'{"a": [-Infinity]}', b"-1e999999"])
def test_number_that_json_has_not_is_written_back_or_answers_400(body):
    """As the application writes them, or as bad requests where it refuses to."""
    app = make_app()

    class Strict(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return json.dumps(obj, allow_nan=False)

    assert ask(app, "POST", "/json", body, "application/json").status_code == 200
    app.json = Strict(app)
    assert ask(app, "POST", "/json", body, "application/json").status_code == 400


@pytest.mark.parametrize("digits", [4_300, 4_301, 100_000])
def test_number_of_any_length_in_json_is_answered(digits):
    """Python refuses to read very long ones."""
    response = ask(make_app(), "POST", "/json", b"-" + b"9" * digits, "application/json")
    assert response.status_code == (200 if digits <= 4_300 else 400)


def test_error_of_the_view_beside_such_json_stays_an_error(caplog):
    """Only what the client's JSON holds is the client's fault."""
    app = make_app()
    app.logger.disabled = True

    @app.post("/own")
    def own():
        request.get_json()
        return "\udc80"

    assert ask(app, "POST", "/own", rb'"\ud800"', "application/json").status_code == 500
    assert ask(app, "POST", "/own", rb'"\udc80"', "application/json").status_code == 400


def test_nesting_that_a_view_can_not_follow_answers_400():
    """Where the view calls itself for each level, as `copy.deepcopy` does."""
    app = make_app()

    @app.post("/copy")
    def copy():
        return str(len(deepcopy(request.get_json())))

    assert ask(app, "POST", "/copy", b"[" * 499 + b"]" * 499, "application/json").status_code == 400
    assert ask(app, "POST", "/copy", b"[[]]", "application/json").status_code == 200


def test_malformed_json_is_explained_in_debug_mode_only():
    """The parser's words reach a developer, and nobody else."""
    for debug in (True, False):
        app = make_app(DEBUG=debug)
        text = ask(app, "POST", "/json", b'{"a": x}', "application/json").text
        assert ("Expecting value" in text) is debug


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", URLENCODED, "application/jso", "/"]
)
def test_json_of_another_content_type_answers_415(content_type):
    """A body that was not sent as JSON is not read as JSON."""
    assert ask(make_app(), "POST", "/json", b"{}", content_type).status_code == 415


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
            b'Content-Disposition: form-data; name="a"\r\nContent-Type: a/b; charset=x\r\n\r\n1',
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
