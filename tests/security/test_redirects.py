"""Redirects to where a client says."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from protected import make_app

from costrel import Costrel, Flask, redirect, request
from costrel.login import next_url
from costrel.security import is_safe_redirect, redirect_back

pytestmark = pytest.mark.usefixtures("path")

SAFE = (
    "/", "/a", "/a/b?c=d#e", "/a//b", "/\u00e9", "/a b", "?page=2", "#top", "a", "a/b", "./a",
    "../a", "a?b=c:d", "a/b:c", "/a:b", "/%5Cevil.example", "/%2F%2Fevil.example",
    "%2F%2Fevil.example", "http://localhost", "http://localhost/", "HTTP://LOCALHOST/a",
    "http://localhost:80/a", "http://localhost?a", "http://localhost#a", "https://localhost/a",
    "/@evil.example", "/http://evil.example", "/..//evil.example",
)  # fmt: skip
UNSAFE = (
    None, "", 3, b"/a", "//evil.example", "///evil.example", "////evil.example",
    "\\\\evil.example", "\\\\\\evil.example", "/\\evil.example", "\\/evil.example",
    "/\\/evil.example", "http:\\\\evil.example", "http:/\\evil.example", "/a\\b",
    " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example",
    "/\r/evil.example", "\x00//evil.example", "\x0b//evil.example", "/\x00/evil.example", "\x7f/a",
    "\x85//evil.example", "\u00a0//evil.example", "\u2028//evil.example", "/a ", " /a",
    "/a\r\nSet-Cookie: a=b", "/\ud800", "http://evil.example", "https://evil.example/localhost",
    "http://localhost.evil.example", "http://localhost@evil.example",
    "http://localhost:80@evil.example", "http://a:b@localhost/", "http://localhost\\@evil.example",
    "http://localhost%2eevil.example", "http://evil%E3%80%82example", "http:evil.example",
    "http:/evil.example", "http:///evil.example", "https:evil.example", "http:", "http://",
    "http://:80/", "http://localhost:", "http://localhost:81/", "http://localhost:x/",
    "http://localhost:999999/", "http://lo\u017fcalhost/", "http://\uff4cocalhost/",
    "http://evil\u3002example", "http://[::1]/", "http://[localhost]/", "http://127.0.0.1/",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)",
    "javascript://localhost/%0aalert(1)", "data:text/html,a", "vbscript:a", "file:///etc/passwd",
    "ftp://localhost/", "ws://localhost/", "mailto:a@b.example", "blob:http://localhost/a",
    "view-source:http://localhost", "x:a", "a:80", "localhost:80/a", ":a", "@evil.example:80",
)  # fmt: skip


@pytest.mark.parametrize("target", SAFE)
def test_target_on_this_site_is_safe(target):
    """Paths, in any way that browsers read as paths, and URLs of the own origin."""
    with make_app().test_request_context("/page/"):
        assert is_safe_redirect(target)


@pytest.mark.parametrize("target", UNSAFE, ids=ascii)
def test_target_that_may_lead_elsewhere_is_not_safe(target):
    """SECURITY(CVE-2021-32618, CVE-2023-49438): nor what a browser might misread."""
    with make_app().test_request_context("/page/"):
        assert not is_safe_redirect(target)
        assert not is_safe_redirect(target, ["localhost", "shop.example"])


@pytest.mark.parametrize(
    ("base", "target", "safe"),
    [
        ("https://localhost", "http://localhost/", False),
        ("https://localhost", "https://localhost/", True),
        ("http://localhost:5000", "http://localhost:5000/a", True),
        ("http://localhost:5000", "http://localhost/a", False),
        ("http://[::1]:5000", "http://[::1]:5000/a", True),
        ("http://127.0.0.1", "http://127.0.0.1/a", True),
        ("http://127.0.0.1", "http://127.1/a", False),
        ("http://127.0.0.1", "http://0x7f000001/a", False),
    ],
)
def test_own_origin_is_that_of_the_request(base, target, safe):
    """An encrypted page does not lead to one in the clear."""
    with make_app().test_request_context("/", base_url=base):
        assert is_safe_redirect(target) is safe


@pytest.mark.parametrize(
    ("allow", "target", "safe"),
    [
        (["shop.example"], "https://shop.example/a", True),
        (["shop.example"], "http://SHOP.example/a", True),
        (["shop.example"], "https://shop.example:8443/", False),
        (["shop.example:8443"], "https://shop.example:8443/", True),
        (["https://shop.example"], "https://shop.example/", True),
        (["https://shop.example/"], "http://shop.example/", False),
        (["shop.example"], "https://a.shop.example/", False),
        (["shop.example"], "https://shop.example.evil.example/", False),
        (["b\u00fccher.example"], "https://xn--bcher-kva.example/", True),
        (["b\u00fccher.example"], "https://b\u00fccher.example/", False),
        ("shop.example", "https://shop.example/", True),
        ("same-origin", "/a", True),
        ("same-origin", "https://shop.example/", False),
    ],
)
def test_allowed_hosts_are_matched_in_full(allow, target, safe):
    """With the usual port unless one is written; an origin fixes the scheme."""
    with make_app().test_request_context("/"):
        assert is_safe_redirect(target, allow) is safe


@pytest.mark.parametrize(
    "allow",
    [["*"], ["*.example.com"], [".example.com"], ["https://"], ["a/b"], [3], ["ftp://a"], [""]],
)
def test_wrong_entry_says_what_to_write(allow):
    """A wildcard would trust names of others."""
    with make_app().test_request_context("/"), pytest.raises(ValueError, match="allow="):
        is_safe_redirect("/", allow)


def test_redirect_refuses_what_is_not_allowed(caplog):
    """With 400, and a line in the log that says what was sent and how to allow it."""
    app = make_app()

    @app.get("/go")
    def go():
        return redirect(request.args["to"], allow=["shop.example"])

    client = app.test_client()
    with caplog.at_level(logging.WARNING):
        assert client.get("/go?to=//evil.example%0a").status_code == 400
    assert r"'//evil.example\n'" in caplog.text
    assert "redirect(allow=['shop.example'])" in caplog.text
    for target in ("/a", "https://shop.example/"):
        assert client.get("/go", query_string={"to": target}).location == target


def test_redirect_without_allow_is_that_of_flask():
    """It leads wherever the application says, in and outside a request."""
    assert redirect("https://any.example/").location == "https://any.example/"
    with Flask("plain").test_request_context("/"):
        assert redirect("//any.example", 307).location == "//any.example"


def make_back_app(**options):
    """Return an application with a view that leads back."""
    app = make_app()

    @app.route("/login", methods=["GET", "POST"])
    def login():
        return redirect_back("/home", **options)

    return app


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/cart?a=b", "/cart?a=b"),
        ("http://localhost/cart", "http://localhost/cart"),
        ("//evil.example", "/home"),
        ("https://evil.example/", "/home"),
        ("javascript:alert(1)", "/home"),
        ("", "/home"),
        (None, "/home"),
    ],
)
def test_redirect_back_follows_a_safe_parameter(target, location):
    """Of the query, or of the form that was sent."""
    client = make_back_app().test_client()
    values = {} if target is None else {"next": target}
    assert client.get("/login", query_string=values).location == location
    assert client.post("/login", data=values).location == location
    assert client.post("/login", query_string=values, data={"next": "/other"}).location == (
        "/other" if target is None else location
    )


@pytest.mark.parametrize(
    ("referrer", "location"),
    [
        ("http://localhost/cart?a=b", "http://localhost/cart?a=b"),
        ("http://localhost/login?next=/x", "/home"),
        ("http://localhost/%6cogin", "/home"),
        ("https://evil.example/cart", "/home"),
        ("//evil.example", "/home"),
        ("/cart", "/home"),
        ("http://localhost@evil.example/", "/home"),
    ],
)
def test_redirect_back_goes_to_the_page_before(referrer, location):
    """If that is one of this site, and another one."""
    client = make_back_app().test_client()
    assert client.get("/login", headers={"Referer": referrer}).location == location


def test_redirect_back_takes_other_names_hosts_and_codes():
    """What is allowed, the application says."""
    client = make_back_app(parameter="to", allow=["shop.example"], code=303).test_client()
    answer = client.get("/login?to=https://shop.example/")
    assert (answer.status_code, answer.location) == (303, "https://shop.example/")


def test_redirect_back_tells_of_a_target_that_it_does_not_follow(caplog):
    """In ASCII, and not at any length."""
    client = make_back_app().test_client()
    with caplog.at_level(logging.WARNING):
        client.get("/login", query_string={"next": "https://\u00e9vil.example/" + "a" * 10_000})
    assert r"https://\xe9vil.example/" in caplog.text
    assert len(caplog.text) < 2_000


def test_redirect_back_leads_to_the_root_of_a_mounted_application():
    """Unless a default is given."""
    app = make_app()

    @app.get("/login")
    def login():
        return redirect_back()

    client = app.test_client()
    assert client.get("/login").location == "/"
    assert client.get("/login", base_url="http://localhost/shop").location == "/shop/"


STRANGE = (
    "/\u65e5\u672c", "/a\u2028b", "/\u3000/evil", "/\ufffd", "/\u200b", "/\u202e",
    "/?\U000e0001",
)  # fmt: skip


@pytest.mark.parametrize("target", STRANGE)
@pytest.mark.parametrize("way", ["plain", "allow", "back", "next"])
@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_path_of_any_characters_is_sent_encoded(cls, way, target):
    """An address of characters that no header can hold is not an error of the server."""
    app = cls(__name__)
    ways = {
        "plain": redirect,
        "allow": lambda target: redirect(target, allow="same-origin"),
        "back": lambda _target: redirect_back(),
        "next": lambda _target: redirect(next_url()),
    }
    app.add_url_rule("/go", view_func=lambda: ways[way](request.args["next"]))

    response = app.test_client().get("/go", query_string={"next": target})

    assert response.status_code == 302
    assert response.location == quote(target, safe="/?")
