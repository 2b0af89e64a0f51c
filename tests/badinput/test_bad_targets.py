"""Paths, queries, methods and hosts that are wrong are answered as a client expects.

Nothing of it is a 500, shows a traceback, or is lost in silence. Each status is the
one that Flask 3.1.3 gives, except where a test says otherwise.
"""

from __future__ import annotations

import pytest
from recorder import ask, make_app

from costrel import request, url_for

pytestmark = pytest.mark.usefixtures("path", "no_error_logged")


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


@pytest.mark.parametrize("latin", ["\xe9", "\xc3", "\xff", "caf\xe9"])
def test_path_matches_however_others_spelled_it_before(latin):
    """Its UTF-8 is what a rule is asked for by; bytes in another encoding are another path."""
    app = make_app()

    @app.get(f"/{latin}")
    def view():
        return "found"

    utf8 = f"/{latin}".encode().decode("latin-1")
    asked = [f"/{latin}", utf8, f"/{latin}", utf8, f"/{latin}"]
    assert [404, 200, 404, 200, 404] == [ask(app, "GET", path).status_code for path in asked]


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


@pytest.mark.parametrize(
    "method", ["DELETE", "FOO", "TRACE", "CONNECT", "PROPFIND", "", "\xc9", "A B"]
)
def test_unknown_method_answers_405_with_the_known_ones(method):
    """The answer says what the URL does allow."""
    response = ask(make_app(), method, "/query")
    assert response.status_code == 405
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]


@pytest.mark.parametrize(
    "host",
    ["evil.test", "good.test.evil.test", "xgood.test", "127.0.0.1", "", "a/b", "good.test@x"],
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


@pytest.mark.parametrize(
    "host", ["", None, "\xe9.test", "\xc3\xa9.test", "x:", "x:99999", ":80", "*"]
)
@pytest.mark.parametrize("server", [("example.test", "8000"), ("", "")])
def test_url_is_built_of_the_server_where_the_client_names_no_host(host, server):
    """No URL has an empty host; Flask redirects to ``http:///branch/``."""
    app = make_app()

    @app.get("/external")
    def external():
        return {"built": url_for("branch", _external=True), "url": request.url}

    name, port = server
    environ = {"HTTP_HOST": host, "SERVER_NAME": name, "SERVER_PORT": port}
    expected = "http://example.test:8000" if port else "http://localhost"
    answer = ask(app, "GET", "/external", **environ).json
    location = ask(app, "GET", "/branch", **environ).location
    for url in (answer["built"], answer["url"], location):
        assert url.startswith(expected)


def test_page_about_an_untrusted_host_may_link_and_show_the_url():
    """An error page as sites have it is sent with its 400; Flask answers 500."""
    app = make_app(TRUSTED_HOSTS=["good.test"])

    @app.errorhandler(400)
    def refused(_error):
        return {"style": url_for("static", filename="a.css"), "url": request.url}, 400

    response = ask(app, "GET", "/query", HTTP_HOST="evil.test", SCRIPT_NAME="/below")
    assert response.status_code == 400
    assert response.json == {"style": "/below/static/a.css", "url": "http:///below/query"}
