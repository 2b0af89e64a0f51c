"""Cookies, sessions and other headers that are wrong are answered as a client expects.

Nothing of it is a 500, shows a traceback, or is lost in silence. Each status is the
one that Flask 3.1.3 gives, except where a test says otherwise.
"""

from __future__ import annotations

import pytest
from recorder import ask, make_app

from costrel import Flask, redirect

pytestmark = pytest.mark.usefixtures("path", "no_error_logged")


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
    [
        "Basic x",
        "Basic /w==",
        "Basic \xff",
        "Basic =",
        "Digest",
        'Digest a="',
        "Bearer",
        "\xff",
        " ",
    ],
)
def test_malformed_authorization_is_none(value):
    """Credentials that can't be read are none; Flask answers 500 to some."""
    response = ask(make_app(), "GET", "/authorization", HTTP_AUTHORIZATION=value)
    assert (response.status_code, response.json) == (200, {"user": None})


@pytest.mark.parametrize(
    "name", ["IF_MODIFIED_SINCE", "IF_NONE_MATCH", "IF_RANGE", "RANGE", "ACCEPT"]
)
@pytest.mark.parametrize(
    "value",
    ["", "x", "\xff", '"', "bytes=9-1", "Thu, 99 Foo 9999 99:99:99 GMT", "*/*;q=x", "9" * 99],
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
