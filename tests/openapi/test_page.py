"""The page to read an API and try it: where it is, and what it may do."""

from __future__ import annotations

import re

import pytest
from msgspec import Struct
from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import Blueprint, Costrel, Flask

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
}


class Book(Struct):
    """What clients get."""

    title: str


def library(**config):
    """Make an API with the page."""
    app = Costrel(__name__)
    app.config.update({"DOCS_PATH": "/docs", **config})

    @app.get("/books")
    def list_books() -> list[Book]:
        return [Book("Emma")]

    return app


def links(text):
    """Return the URLs that a page refers to."""
    return re.findall(r'(?:href|src|data-url)="([^"]*)"', text)


@pytest.mark.parametrize("environ", [{}, {"SCRIPT_NAME": "/shop"}])
@pytest.mark.usefixtures("path")
def test_page_refers_to_what_the_application_serves(environ):
    """Its files and the document are there, at the root and below a prefix."""
    client = library().test_client()
    prefix = environ.get("SCRIPT_NAME", "")
    page = client.get("/docs", environ_overrides=environ)
    found = links(page.text)

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert f"{prefix}/openapi.json" in found
    assert len(set(found)) == 6
    for url in found:
        assert url.startswith(f"{prefix}/")
        answer = client.get(url.removeprefix(prefix), environ_overrides=environ)
        assert answer.status_code == 200, url
        answer.close()


def test_prefix_of_a_proxy_is_in_the_urls():
    """COMPAT(ProxyFix): ``X-Forwarded-Prefix`` moves the page as it moves every other."""
    app = library()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)
    page = app.test_client().get("/docs", headers={"X-Forwarded-Prefix": "/shop"})
    assert all(url.startswith("/shop/") for url in links(page.text))


def test_page_has_a_strict_policy_and_no_inline_code():
    """SECURITY(CSP): nothing runs but the files of the page."""
    page = library().test_client().get("/docs")
    assert set(page.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "style=" not in page.text
    assert "<style" not in page.text
    assert re.findall(r"<script[^>]*>([^<]*)", page.text) == ["", ""]
    assert not re.search(r"\son\w+=", page.text)


def test_title_is_text():
    """SECURITY(XSS): the title comes from the configuration and is escaped."""
    page = library(OPENAPI_TITLE="<b>A & B</b>").test_client().get("/docs")
    assert "<title>&lt;b&gt;A &amp; B&lt;/b&gt;</title>" in page.text


def test_files_are_cached_for_good_under_a_name_that_changes_with_them():
    """A browser asks for them once; a new Costrel has other URLs."""
    client = library().test_client()
    page = client.get("/docs")
    files = [url for url in links(page.text) if url.startswith("/docs/")]
    for url in files:
        with client.get(url) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(files) == 5
    assert len({url.rpartition("/")[0] for url in files}) == 1
    old = re.sub(r"/docs/\w+/", "/docs/0/", files[0])
    assert client.get(old).status_code == 404


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.py", "page.py", "LICENSE%00", ".."])
def test_other_files_are_not_served(name):
    """SECURITY(path traversal): only the files of the page have URLs."""
    client = library().test_client()
    folder = links(client.get("/docs").text)[0].rpartition("/")[0]
    assert client.get(f"{folder}/{name}").status_code in {404, 308}


def test_page_is_on_in_debug_mode_only():
    """Outside debug mode nobody finds the page, unless a path is set."""
    app = Costrel(__name__)
    assert app.test_client().get("/docs").status_code == 404
    app = Costrel(__name__)
    app.debug = True
    assert app.test_client().get("/docs").status_code == 200
    app.debug = False
    assert app.test_client().get("/docs").status_code == 404
    app.config["DOCS_PATH"] = "/docs"
    assert app.test_client().get("/docs").status_code == 200


@pytest.mark.parametrize("kind", [Costrel, Flask])
def test_page_can_be_turned_off_and_moved(kind):
    """None turns it off; another path moves it."""
    app = kind(__name__)
    app.debug = True
    app.config["DOCS_PATH"] = None
    assert app.test_client().get("/docs").status_code == 404
    app = kind(__name__)
    app.config.update(DOCS_PATH="/api/docs", OPENAPI_PATH="/api/openapi.json")
    assert app.test_client().get("/api/docs").status_code == 200


def test_flask_has_no_page_unless_it_is_asked_for():
    """On `Flask` no URL is taken, in debug mode either."""
    app = Flask(__name__)
    app.debug = True
    assert app.test_client().get("/docs").status_code == 404


@pytest.mark.usefixtures("path")
def test_view_of_the_application_wins():
    """A page of the application's own at the same path is served instead."""
    app = library()
    app.get("/docs")(lambda: "mine")
    assert app.test_client().get("/docs").text == "mine"


def test_hooks_run_before_the_page():
    """What keeps strangers away from every view keeps them away from the page and its files."""
    app = library()
    app.before_request(lambda: ("no", 403))
    assert app.test_client().get("/docs").status_code == 403


def test_versions_are_links():
    """Each version has a link, and the one that is shown is marked; others are not found."""
    app = library()
    for version in ("v1", "v2"):
        blueprint = Blueprint(version, __name__, url_prefix=f"/{version}", version=version)
        blueprint.get("/books", endpoint="books")(list)
        app.register_blueprint(blueprint)
    client = app.test_client()
    page = client.get("/docs?version=v2").text
    chosen = re.findall(r'<a href="([^"]*)" aria-current="page">([^<]*)</a>', page)
    assert chosen == [("/docs?version=v2", "v2")]
    assert client.get("/docs?version=v3").status_code == 404


def test_page_without_versions_has_no_links_to_them():
    """A single document needs no choice."""
    assert 'id="versions"' not in library().test_client().get("/docs").text
