"""Requests that another site has a browser send are refused, and no others."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from protected import make_app, make_form_app, send

from costrel import Flask
from costrel.security import csrf
from costrel.security.csrf import CSRFError, concerns

pytestmark = pytest.mark.usefixtures("path")

OWN = "http://localhost"
EVIL = "https://evil.example"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_request_of_this_site_or_of_the_user_is_accepted(site):
    """The browser's word is enough, whatever else it sends."""
    assert send(make_form_app(), Sec_Fetch_Site=site) == 200
    assert send(make_form_app(), Sec_Fetch_Site=site, Origin="null") == 200


@pytest.mark.parametrize(
    "site", ["same-site", "cross-site", "", "Same-Origin", "same-origin, cross-site", "new-word"]
)
@pytest.mark.parametrize("origin", [None, OWN, EVIL, "null"])
def test_request_of_another_site_is_refused(site, origin):
    """Also if its origin is this site's: another site may have redirected it here."""
    headers = {} if origin is None else {"Origin": origin}
    assert send(make_form_app(), Sec_Fetch_Site=site, **headers) == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 200),
        ("https://localhost", 200),  # a proxy handles TLS, unknown to the application
        ("HTTP://LOCALHOST", 200),
        ("http://localhost:80", 200),
        ("http://localhost:8080", 403),
        ("https://localhost:8443", 403),
        ("http://localhost.evil.example", 403),
        ("http://evil.example/http://localhost", 403),
        ("http://localhost@evil.example", 403),
        ("http://user@localhost", 403),
        ("http://localhost/", 403),
        ("//localhost", 403),
        ("ftp://localhost", 403),
        ("file://", 403),
        ("null", 403),
        ("", 403),
        ("http://localhost, http://evil.example", 403),
        ("http://localhost\t", 403),
        ("https://xn--lcalhost-0za", 403),
        ("https://l\xf6calhost", 403),
        (EVIL, 403),
    ],
)
def test_older_browser_is_known_by_origin(origin, status):
    """Without Sec-Fetch-Site, the origin has to be the request's own, exactly."""
    assert send(make_form_app(), Origin=origin) == status


def test_page_in_the_clear_may_not_post_to_an_encrypted_site():
    """Anybody on the way could have changed that page."""
    app = make_form_app()
    client = app.test_client()
    client.environ_base.pop("HTTP_SEC_FETCH_SITE")
    client.set_cookie("a", "b")
    statuses = [
        client.post("/change", base_url="https://localhost", headers={"Origin": origin}).status_code
        for origin in ("http://localhost", "https://localhost")
    ]
    assert statuses == [403, 200]


@pytest.mark.parametrize(
    ("settings", "origin", "status"),
    [
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "https://shop.example", 200),
        ({"CSRF_TRUSTED_ORIGINS": ["https://Shop.example/"]}, "https://shop.example:443", 200),
        (
            {"CSRF_TRUSTED_ORIGINS": "https://a.example, https://b.example"},
            "https://b.example",
            200,
        ),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "http://shop.example", 403),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "https://shop.example:444", 403),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "https://a.shop.example", 403),
        ({"TRUSTED_HOSTS": ["localhost", "shop.example"]}, "https://shop.example", 200),
        ({"TRUSTED_HOSTS": ["localhost", "shop.example:8443"]}, "https://shop.example:8443", 200),
        ({"TRUSTED_HOSTS": ["localhost", "shop.example"]}, "https://shop.example:8443", 403),
        ({"TRUSTED_HOSTS": ["localhost", ".shop.example"]}, "https://a.shop.example", 403),
        ({"TRUSTED_HOSTS": ["localhost", ".shop.example"]}, "https://shop.example", 403),
        ({"TRUSTED_HOSTS": "localhost"}, "http://localhost:3000", 403),
        ({"TRUSTED_HOSTS": ["127.0.0.1", "localhost"]}, "http://127.0.0.1", 403),
        ({"TRUSTED_HOSTS": ["a.localhost", "localhost"]}, "http://a.localhost", 403),
        ({"TRUSTED_HOSTS": ["localhost:3000", "localhost"]}, "http://localhost:3000", 403),
        ({"CSRF_TRUSTED_ORIGINS": ["http://localhost:3000"]}, "http://localhost:3000", 200),
        ({}, "http://127.0.0.1", 403),
        ({}, "http://localhost:3000", 403),
    ],
)
@pytest.mark.parametrize("site", [None, "same-site", "cross-site"])
def test_origin_that_the_settings_trust_is_accepted(settings, origin, status, site):
    """Whatever the browser says of the site; names that cover subdomains do not count."""
    headers = {} if site is None else {"Sec_Fetch_Site": site}
    assert send(make_form_app(**settings), Origin=origin, **headers) == status


def test_cookie_without_any_word_of_a_browser_is_refused():
    """Browsers that say nothing need a token; scripts can say where they come from."""
    assert send(make_form_app()) == 403
    assert send(make_form_app(), kind="json") == 403
    assert send(make_form_app(), cookie="") == 200


@pytest.mark.parametrize("kind", ["form", "files", "text"])
@pytest.mark.parametrize(
    "claim",
    [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": EVIL},
     {"Origin": "null"}],
)  # fmt: skip
def test_form_of_another_site_is_refused_without_cookies_too(kind, claim):
    """SECURITY(login CSRF, CVE-2021-32677): it could log the visitor in as somebody else."""
    assert send(make_form_app(), cookie="", kind=kind, **claim) == 403


def test_what_no_form_can_send_passes_without_cookies():
    """CORS decides on that; and without credentials it acts in nobody's name."""
    app = make_form_app()
    claim = {"Sec_Fetch_Site": "cross-site", "Origin": EVIL}
    assert send(app, cookie="", kind="json", **claim) == 200
    assert send(app, cookie="", kind=None, method="DELETE", **claim) == 200


@pytest.mark.parametrize(
    "claim",
    [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": EVIL},
     {"Origin": "null"}],
)  # fmt: skip
@pytest.mark.parametrize("length", [None, "", "0"])
def test_post_without_a_body_is_refused_too(claim, length):
    """Any page can send it, to an application that only this network reaches, for example."""
    fields = {} if length is None else {"Content_Length": length}
    app = make_form_app()
    assert send(app, cookie="", kind=None, **claim, **fields) == 403
    bearer = {"Authorization": "Bearer abc"}
    assert send(app, cookie="", kind=None, **claim, **fields, **bearer) == 200
    assert send(app, cookie="", kind=None, **fields) == 200


def test_body_without_a_type_counts_as_a_form():
    """A page can send one, and the view may take it for anything."""
    client = make_form_app().test_client()
    answer = client.post("/change", data=b"{}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("authorization", "cookie", "status"),
    [
        ("Bearer abc", "", 200),
        ("DPoP abc", "", 200),
        ("Basic YTpi", "", 403),
        ("digest a=b", "", 403),
        ("Negotiate abc", "", 403),
        (" NTLM abc", "", 403),
        ("Bearer abc", "a=b", 403),
    ],
)
def test_bearer_token_without_a_cookie_is_exempt(authorization, cookie, status):
    """No browser adds it on its own, unlike the other schemes and cookies."""
    claim = {"Sec_Fetch_Site": "cross-site", "Origin": EVIL}
    app = make_form_app()
    assert send(app, cookie=cookie, Authorization=authorization, **claim) == status


def test_basic_authorization_of_a_script_passes():
    """Nobody but a browser can be made to send it for somebody else."""
    assert send(make_form_app(), cookie="", kind="json", Authorization="Basic YTpi") == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_methods_that_change_nothing_are_not_looked_at(method):
    """A link from anywhere leads to the page."""
    assert send(make_form_app(), method, Sec_Fetch_Site="cross-site") == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_every_other_method_is_checked(method):
    """Also those that no form sends."""
    assert send(make_form_app(), method, Sec_Fetch_Site="cross-site") == 403


def test_async_view_is_protected_too():
    """On the event loop as in a thread."""
    assert send(make_form_app(), path="/loop", Sec_Fetch_Site="cross-site") == 403
    assert send(make_form_app(), path="/loop", Sec_Fetch_Site="same-origin") == 200


def test_method_that_middleware_has_overridden_is_checked():
    """The method that the view sees counts."""
    app = make_form_app()
    inner = app.wsgi_app

    def override(environ, start_response):
        environ["REQUEST_METHOD"] = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "GET")
        return inner(environ, start_response)

    app.wsgi_app = override
    headers = {"Sec_Fetch_Site": "cross-site", "X_HTTP_Method_Override": "DELETE"}
    assert send(app, "GET", **headers) == 403


def test_unknown_path_is_not_found_rather_than_refused():
    """Nothing can be changed there."""
    app = make_form_app()
    assert send(app, path="/nowhere", Sec_Fetch_Site="cross-site") == 404


def test_refusal_is_logged_with_its_reason_in_ascii(caplog):
    """What a client has sent can't write lines of its own into the log."""
    app = make_form_app()
    with caplog.at_level(logging.WARNING):
        assert send(app, Origin="https://\x85evil.example") == 403
    (record,) = caplog.records
    message = record.getMessage()
    assert "'POST' '/change'" in message
    assert r"\x85evil" in message
    assert "CSRF_TRUSTED_ORIGINS" in message
    assert message.isascii()


def test_page_shows_the_reason_in_debug_mode_only():
    """Elsewhere it says what the visitor can do."""
    for debug in (True, False):
        app = make_form_app(DEBUG=debug)
        client = app.test_client()
        page = client.post("/change", data={"a": "b"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert page.status_code == 403
        assert ("Sec-Fetch-Site is" in page.text) is debug
        assert "reload the page" in page.text


def test_refusal_can_be_handled():
    """By its class, which has the reason, or as any 403."""
    app = make_form_app()

    @app.errorhandler(CSRFError)
    def refused(error):
        return f"own page: {error.reason}", 418

    assert send(app, Sec_Fetch_Site="cross-site") == 418


def test_protection_is_switched_off_by_a_setting():
    """Also later, and on again."""
    app = make_form_app()
    assert send(app, Sec_Fetch_Site="cross-site") == 403
    app.config["CSRF_PROTECTION"] = False
    assert send(app, Sec_Fetch_Site="cross-site") == 200
    app.config["CSRF_PROTECTION"] = True
    assert send(app, Sec_Fetch_Site="cross-site") == 403


def test_wrong_setting_says_what_to_write():
    """An origin without a scheme, or with a wildcard, trusts nobody, and stops the start."""
    app = make_form_app(CSRF_TRUSTED_ORIGINS=["*.example.com"])
    with pytest.raises(ValueError, match=r"CSRF_TRUSTED_ORIGINS lists '\*\.example\.com'"):
        send(app, Origin=EVIL)


def test_client_of_tests_stands_for_a_page_of_the_application():
    """A test of a login needs no header; one that plays another site sends it."""
    app = make_form_app()
    client = app.test_client()
    client.set_cookie("a", "b")
    assert client.post("/change").status_code == 200
    forged = client.post("/change", headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 403


def test_client_of_an_unprotected_application_sends_nothing():
    """`Flask` and its tests stay as they are."""
    assert "HTTP_SEC_FETCH_SITE" not in Flask("plain").test_client().environ_base


def test_extension_that_protects_forms_is_given_way_to():
    """Flask-WTF calls itself by that name."""
    app = make_form_app()
    app.extensions["csrf"] = SimpleNamespace(protect=None)
    assert send(app, Sec_Fetch_Site="cross-site") == 200


@pytest.mark.parametrize("turned_off", [True, False])
def test_nobody_gives_way_to_what_does_not_protect(turned_off):
    """Flask-WTF with ``WTF_CSRF_ENABLED = False``, or another extension of that name."""
    app = make_form_app()
    app.extensions["csrf"] = SimpleNamespace(**({"protect": None} if turned_off else {}))
    app.config["WTF_CSRF_ENABLED"] = not turned_off
    assert send(app, Sec_Fetch_Site="cross-site") == 403
    assert send(app, Sec_Fetch_Site="same-origin") == 200


def test_streamed_body_is_not_read_for_a_token():
    """The view reads it; a token may come in the header."""
    app = make_app()

    @app.post("/upload")
    def upload():
        return "read"

    upload.streams_body = True
    assert send(app, path="/upload") == 403
    assert send(app, path="/upload", Origin="http://localhost") == 200


@pytest.mark.parametrize(
    ("environ", "looked_at"),
    [
        ({}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_COOKIE": "a=b"}, False),
        ({"HTTP_SEC_FETCH_SITE": "none"}, False),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, True),
        ({"HTTP_COOKIE": "a=b"}, True),
        ({"HTTP_ORIGIN": "null"}, True),
    ],
)
def test_requests_that_need_no_look_are_told_by_few_headers(environ, looked_at):
    """So that usual ones cost nothing."""
    assert concerns(environ) is looked_at


def test_origin_that_can_not_be_listed_is_told_so():
    """'null' is no origin that the setting takes, so the words say what else to do."""
    told = csrf._remedy("null")
    assert "can't be listed" in told
    assert "no-referrer" in told
    assert csrf._remedy("https://x.example").endswith("list its origin there.")
    assert "send its origin" in csrf._remedy(None)
